// A round under central privacy, as far as it can be computed again. From the aggregate that was released, noise included:
// its step and its model, bit for bit, by anybody. From the updates, where whoever holds the bundle was given them: their
// clipped sum, and that what the aggregate holds beside it has the size of the declared noise. The noise itself is kept
// nowhere, so that nobody can do more. No figure of an update may stand in the record.

import type { Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import type { CentralRelease, RoundRecord, Verdict } from '../../shared/protocol/round-record.ts';
import type { CentralPrivacyTerms } from '../../shared/protocol/terms.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { termsOf } from '../config.ts';
import { keepAggregate } from '../model/keep-aggregate.ts';
import { gateModel } from '../model/publish-model.ts';
import { stepFrom } from '../optimiser/take-step.ts';
import { sumNoiseMultiplier } from '../privacy/adaptive-clipping.ts';
import { clippedSum } from '../privacy/clipped-sum.ts';
import { allOf } from './bundle-entries.ts';
import { badBundle } from './bundle-form.ts';
import type { BundledRound } from './bundled-round.ts';
import {
  blobsComplaint,
  type BundledInputs,
  digestsOnly,
  figuresComplaint,
  type Makers,
  makersOf,
  startOf,
} from './recompute-round.ts';
import { abandonedFigures, releasedFigures } from './recorded-figures.ts';

interface ReleasedRound {
  readonly round: BundledRound;
  readonly makers: Makers;
  readonly terms: CentralPrivacyTerms;
}

/** Bad-bundle, or undefined where the record says what came out. @throws InvariantError under any other privacy. */
export async function releaseComplaint(round: BundledRound, inputs: BundledInputs): Promise<Refused | undefined> {
  const { record, config } = round;
  const { privacy: terms } = config;
  if (terms.mode !== 'central') throw new InvariantError(`a release under ${terms.mode} privacy`);
  const makers = makersOf(round);
  if (isRefused(makers)) return makers;
  const told = shownFigure(record);
  if (told) return badBundle('the record shows what a single update is like', 'no figure of it', told);
  const released = { round, makers, terms };
  const tooFew = cohortComplaint(released);
  if (tooFew) return tooFew;
  if (record.state === 'abandoned') return figuresComplaint(abandonedFigures(record), record);
  const { central: release } = record;
  if (release === null) return badBundle('the record says nothing of the release', 'its noise', 'none');
  return termsComplaint(released, release) ?? (await modelComplaint(released, release, inputs));
}

const openFacts: ReadonlySet<string> = new Set<keyof Verdict>([
  'client',
  'organisation',
  'verdict',
  'code',
  'layer',
  'updateDigest',
  'epsilon',
]);

/** Undefined where each is withheld. */
function shownFigure({ verdicts }: RoundRecord): string | undefined {
  for (const verdict of verdicts)
    for (const [name, figure] of Object.entries({ ...verdict, flags: verdict.flags.length === 0 ? null : 'some' }))
      if (!openFacts.has(name) && figure !== null) return `${name} of ${verdict.client}`;
  return undefined;
}

/** A budget that was spent and a model that overflowed are the coordinator's word. */
function cohortComplaint({ round: { record }, makers: { rule } }: ReleasedRound): Refused | undefined {
  const needed = rule.minimumCohort(record.f);
  const n = record.updates.length;
  if ((record.code === 'cohort-too-small') === n < needed) return undefined;
  return badBundle(`the rule needs ${needed} updates`, `an end that fits ${n}`, `${record.state} ${record.code ?? ''}`);
}

/** The release is the one that the terms ask for and that was paid for. */
function termsComplaint({ round, makers, terms }: ReleasedRound, release: CentralRelease): Refused | undefined {
  const { noiseMultiplier, plannedClients, adaptiveClipping } = terms;
  const charge = allOf('round-charged', round.course).at(-1)?.event;
  const expected = {
    noiseMultiplier,
    plannedClients,
    noiseCommitment: charge?.noiseCommitment,
    charged: charge?.noiseMultiplier,
    reference: makers.rule.assumes.reference === 'last-aggregate' ? round.parent : null,
    ...(adaptiveClipping === null ? clippingOf(terms.clippingNormL2, terms.clippingNormL2) : {}),
  };
  const { clippingNormL2, nextClippingNormL2, noiseCommitment, reference } = release;
  const found = {
    noiseMultiplier: release.noiseMultiplier,
    plannedClients: release.plannedClients,
    noiseCommitment,
    charged: release.noiseMultiplier,
    reference,
    ...(adaptiveClipping === null ? clippingOf(clippingNormL2, nextClippingNormL2) : {}),
  };
  const [said, told] = [JSON.stringify(expected), JSON.stringify(found)];
  return said === told ? undefined : badBundle('the release is not on the terms, or not as it was charged', said, told);
}

const clippingOf = (clippingNormL2: number, nextClippingNormL2: number): object => ({
  clippingNormL2,
  nextClippingNormL2,
});

async function modelComplaint(
  released: ReleasedRound,
  release: CentralRelease,
  inputs: BundledInputs,
): Promise<Refused | undefined> {
  const { round, makers } = released;
  const { record, config, proven } = round;
  const start = startOf(round, makers, inputs.blobs);
  if (isRefused(start)) return start;
  const { tensors: schema } = termsOf(config);
  const decoded = decodeSafetensors(inputs.blobs.get(release.aggregate) ?? new Uint8Array(), schema);
  if (isRefused(decoded)) return badBundle('the released aggregate is none', 'its tensors', 'others');
  const { values } = decoded;
  const lineage = { federation: proven.federation, schema, round: record.number };
  const digest: Digest = await keepAggregate(values, lineage, digestsOnly);
  if (digest !== release.aggregate) return badBundle('the aggregate names another origin', digest, release.aggregate);
  const step = stepFrom(start.state, values, makers.optimiser);
  if (isRefused(step)) return badBundle('the round had to be abandoned', step.refusal.code, record.state);
  const candidate = gateModel(start.base, step.values);
  if (isRefused(candidate)) return badBundle('the round had to be abandoned', candidate.refusal.code, record.state);
  return (
    (await blobsComplaint({ model: candidate.values, step }, round, makers.optimiser)) ??
    figuresComplaint(releasedFigures({ aggregate: { values }, step }, record), record) ??
    (await noiseComplaint({ values, centre: start.reference?.values ?? null }, released, { ...inputs, release }))
  );
}

interface Noised {
  readonly values: Float32Array;
  readonly centre: Float32Array | null;
}

/** ln 2 + 12 ln 10: an honest round fails with a chance of 1e-12. */
const TAIL_EXPONENT = Math.log(2e12);

/**
 * What lies between aggregate and clipped sum, in units of the declared noise, has a squared norm of chi^2_d: between
 * d - 2 sqrt(d x) and d + 2 sqrt(d x) + 2x but for a chance of 2 e^-x (Laurent and Massart 2000, lemma 1).
 */
async function noiseComplaint(
  { values, centre }: Noised,
  { terms }: ReleasedRound,
  { updates, kernel, release }: BundledInputs & { readonly release: CentralRelease },
): Promise<Refused | undefined> {
  if (updates === null) return undefined;
  const { clippingNormL2, plannedClients } = release;
  const rows = updates.map((update) => update.values);
  const sum = await clippedSum(kernel.cohort(rows, values.length), { clippingNormL2, centre });
  const stdDev = sumNoiseMultiplier(terms) * clippingNormL2;
  const squared = values.reduce((total, value, i) => {
    const beside = (value - (centre?.[i] ?? 0)) * plannedClients - (sum.values[i] ?? NaN);
    return total + (beside / stdDev) ** 2;
  }, 0);
  const d = values.length;
  const spread = 2 * Math.sqrt(d * TAIL_EXPONENT);
  if (squared >= d - spread && squared <= d + spread + 2 * TAIL_EXPONENT) return undefined;
  // No figure of the sum leaves here: the ratio is that of the noise alone.
  const expected = `the declared noise, a squared norm of about ${d}`;
  return badBundle('the aggregate does not hold its updates and the declared noise', expected, squared.toPrecision(3));
}
