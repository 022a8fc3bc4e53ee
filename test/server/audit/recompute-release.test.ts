import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Bundle } from '../../../server/audit/bundle-form.ts';
import type { BundledRound } from '../../../server/audit/bundled-round.ts';
import type { BundledUpdate } from '../../../server/audit/bundled-updates.ts';
import { releaseComplaint } from '../../../server/audit/recompute-release.ts';
import { type FederationConfig, parseFederation, termsOf } from '../../../server/config.ts';
import { keepAggregate } from '../../../server/model/keep-aggregate.ts';
import { publishModel } from '../../../server/model/publish-model.ts';
import { sha256 } from '../../../shared/digest.ts';
import { asDigest, asFederationId, type Digest } from '../../../shared/ids.ts';
import type { BlobStore } from '../../../shared/ports.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import {
  type CentralRelease,
  type RoundRecord,
  type Verdict,
  verdictSchema,
} from '../../../shared/protocol/round-record.ts';
import { seededRandomSource, standardNormals } from '../../../shared/random-source.ts';
import { normL2 } from '../../../shared/vector/vector.ts';
import * as facts from '../../support/federation-facts.ts';
import { plainKernel } from '../../support/plain-kernel.ts';
import { pythonWithNumpy } from '../../support/python.ts';

const D = 400;
const CLIPPING_NORM = 1;
const PLANNED = 8;
const MULTIPLIER = 3;
const federation = asFederationId('releases');
const clients = [0, 1, 2].map((i) => facts.clientAt(i));

const configOf = (changes: object = {}): FederationConfig =>
  accepted(
    parseFederation({
      federation,
      rounds: 5,
      model: { tensors: [{ name: 'kernel', shape: [20, 20] }] },
      rule: { name: 'mean' },
      cohort: { quorum: 2 },
      training: { learningRate: 1, stepsPerRound: 4, samplingRate: 0.1, expectedBatchSize: 10, clippingNormL2: 1 },
      privacy: {
        mode: 'central',
        clippingNormL2: CLIPPING_NORM,
        plannedClients: PLANNED,
        noiseMultiplier: MULTIPLIER,
        epsilonBudget: 50,
        delta: 1e-5,
      },
      ...changes,
    }),
  );

/** Of norm 4. */
const updates: readonly BundledUpdate[] = clients.map((client, i) => ({
  client,
  values: Float32Array.from(standardNormals(seededRandomSource(i, 'update'), D), (value) => value / 5),
}));

const clipped = (values: Float32Array, limit = CLIPPING_NORM): Float32Array =>
  values.map((value) => value * Math.min(1, limit / Math.hypot(...values)));

interface Release {
  /** Of the noise, in units of what is declared. */
  readonly noise?: number;
  readonly clip?: (values: Float32Array) => Float32Array;
  readonly denominator?: number;
  readonly record?: (record: RoundRecord) => RoundRecord;
  readonly central?: Partial<CentralRelease>;
  readonly charged?: Digest;
  readonly config?: FederationConfig;
}

/** A round as a coordinator under central privacy releases it, or as one that departs from that. */
async function released(
  wish: Release = {},
): Promise<{ readonly round: BundledRound; readonly blobs: Bundle['blobs'] }> {
  const { noise = 1, clip = clipped, denominator = PLANNED, config = configOf() } = wish;
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const store: BlobStore = {
    put: async (bytes) => {
      const digest = await sha256(new Uint8Array(bytes));
      blobs.set(digest, new Uint8Array(bytes));
      return digest;
    },
    get: (digest) => Promise.resolve(blobs.get(digest)),
    has: (digest) => Promise.resolve(blobs.has(digest)),
    delete: () => Promise.resolve(),
  };
  const schema = termsOf(config).tensors;
  const lineage = { federation, schema, optimiserState: null };
  const base = await publishModel(new Float32Array(D).fill(0.5), { ...lineage, round: 0, parent: null }, store);
  const normals = standardNormals(seededRandomSource(1, 'noise'), D);
  const sent = updates.map(({ values }) => clip(values));
  const values = Float32Array.from(normals, (normal, i) => {
    const sum = sent.reduce((total, each) => total + (each[i] ?? NaN), 0);
    return (sum + noise * MULTIPLIER * CLIPPING_NORM * normal) / denominator;
  });
  const aggregate = await keepAggregate(values, { federation, schema, round: 1 }, store);
  const made = values.map((value) => 0.5 + value);
  const model = await publishModel(made, { ...lineage, round: 1, parent: base.digest }, store);
  const noiseCommitment = asDigest('c0'.repeat(32));
  const record: RoundRecord = {
    ...facts.record(1),
    baseModel: base.digest,
    model: model.digest,
    f: 0,
    rule: { name: 'mean', variant: 'unweighted', m: null, neighbours: null, pre: [] },
    aggregation: null,
    central: {
      noiseMultiplier: MULTIPLIER,
      clippingNormL2: CLIPPING_NORM,
      plannedClients: PLANNED,
      noiseCommitment,
      aggregate,
      reference: null,
      nextClippingNormL2: CLIPPING_NORM,
      ...wish.central,
    },
    optimiser: { name: 'plain', variant: 'FedAvg, learningRate = 1', stateBefore: null, stateAfter: null },
    updates: clients.map((client) => ({ client, update: facts.digest(client) })),
    aggregateNormL2: normL2(values),
    stepNormL2: normL2(values),
    verdicts: clients.map(withheldVerdict),
  };
  const charge = { type: 'round-charged', round: 1, noiseMultiplier: MULTIPLIER } as const;
  const event = { ...charge, noiseCommitment: wish.charged ?? noiseCommitment };
  const entry = { sequence: 9, federation, at: new Date(0), previous: facts.digest('p'), head: 9, event };
  const head = { size: 9, root: facts.digest('root') };
  const round: BundledRound = {
    kind: 'round',
    proven: { kind: 'proven', federation, head, ledgerKey: 'ab'.repeat(32), entries: [entry] },
    config,
    amendedSince: false,
    record: wish.record?.(record) ?? record,
    parent: null,
    course: [entry],
  };
  return { round, blobs };
}

function withheldVerdict(client: Verdict['client']): Verdict {
  const known = facts.verdict(1, client);
  const { organisation, updateDigest } = known;
  const nothing = Object.fromEntries(Object.keys(known).map((name) => [name, null]));
  const open = { client, organisation, verdict: 'selected', code: null, layer: null, flags: [], updateDigest } as const;
  return verdictSchema.parse({ ...nothing, ...open, epsilon: 1 });
}

async function complaintOf(
  wish: Release = {},
  given: readonly BundledUpdate[] | null = updates,
): Promise<string | null> {
  const { round, blobs } = await released(wish);
  const complaint = await releaseComplaint(round, { updates: given, blobs, kernel: plainKernel });
  return complaint?.refusal.message ?? null;
}

const NOT_ITS_NOISE = 'the aggregate does not hold its updates and the declared noise';

describe('a release, for whoever has the updates', () => {
  it('holds their clipped sum over the planned clients, and noise of the size declared', async () => {
    expect(await complaintOf()).toBeNull();
  });

  it.each([
    ['with its noise taken out', { noise: 0 }],
    ['with half of its noise', { noise: 0.5 }],
    ['with half as much noise again', { noise: 1.5 }],
    ['with nothing clipped', { clip: (values: Float32Array) => values.map((value) => 40 * value) }],
    ['over the clients that came', { denominator: clients.length }],
  ])('is found %s', async (_how, wish) => {
    expect(await complaintOf(wish)).toBe(NOT_ITS_NOISE);
    // Nobody else can tell: the model does follow from what was released.
    expect(await complaintOf(wish, null)).toBeNull();
  });
});

describe('the same release, looked at by examples/verify_bundle.py', () => {
  const python = pythonWithNumpy();
  const script = `
import sys
import numpy as np
sys.path.insert(0, 'examples')
import verify_bundle
wish = {'noiseMultiplier': 3, 'adaptiveClipping': None}
told = {'clippingNormL2': 1, 'plannedClients': 8}
draw = np.random.default_rng(5)
updates = [draw.normal(0, 0.2, 400).astype(np.float32) for _ in range(3)]
clipped = sum(each / np.linalg.norm(each.astype(np.float64)) for each in updates)
noise, centre = 3 * draw.normal(size=400), np.zeros(400)
for aggregate in ((clipped + noise) / 8, clipped / 8, (clipped + noise / 2) / 8, (clipped + noise) / 3,
                  (40 * sum(updates) + noise) / 8):
    try:
        verify_bundle.verify_noise(wish, told, updates, aggregate, centre)
        print('holds')
    except verify_bundle.Wrong:
        print('wrong')
`;

  it('holds with its noise, and not without it, with half of it, over another denominator or unclipped', ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const { stdout, stderr } = spawnSync(python.command, ['-c', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual(['holds', 'wrong', 'wrong', 'wrong', 'wrong']);
  });
});

describe('a release, for anybody', () => {
  const changed = (changes: Partial<RoundRecord>) => ({ record: (record: RoundRecord) => ({ ...record, ...changes }) });
  const figure = (changes: Partial<Verdict>) => ({
    record: (record: RoundRecord) => ({
      ...record,
      verdicts: record.verdicts.map((verdict, i) => (i === 1 ? { ...verdict, ...changes } : verdict)),
    }),
  });

  it('makes the model that the record names, without a single update', async () => {
    expect(await complaintOf({}, null)).toBeNull();
  });

  it.each([
    ['another model', changed({ model: facts.digest('other') }), /makes another model/],
    ['another length of step', changed({ stepNormL2: 1 }), /other figures/],
    ['another length of aggregate', changed({ aggregateNormL2: 1 }), /other figures/],
    ['a certificate', changed({ aggregation: facts.record(1).aggregation }), /other figures/],
    ['no release', changed({ central: null }), /nothing of the release/],
    ['the norm of an update', figure({ normL2: 4 }), /what a single update is like/],
    ['a distance of an update', figure({ distanceToAggregate: 2 }), /what a single update is like/],
    ['a suspicion', figure({ suspicion: 0.1 }), /what a single update is like/],
    ['a flag', figure({ flags: ['norm-outlier'] }), /what a single update is like/],
    ['another clipping norm', { central: { clippingNormL2: 2 } }, /not on the terms/],
    ['a clipping norm that moves', { central: { nextClippingNormL2: 2 } }, /not on the terms/],
    ['another denominator', { central: { plannedClients: 3 } }, /not on the terms/],
    ['another noise', { central: { noiseMultiplier: 1 } }, /not on the terms/],
    ['a noise that was not charged', { charged: facts.digest('charged') }, /not as it was charged/],
    ['a centre that the rule has not', { central: { reference: facts.digest('v') } }, /not on the terms/],
    ['another rule', changed({ rule: { ...facts.record(1).rule, name: 'krum', pre: [] } }), /another rule/],
  ])('is refused where the record tells %s', async (_what, wish, message) => {
    expect(await complaintOf(wish, null)).toMatch(message);
  });

  it('is refused where the rule needs more updates than came, and where it was abandoned for too few that were enough', async () => {
    expect(await complaintOf({ config: configOf({ cohort: { quorum: 4 } }) }, null)).toMatch(
      /the rule needs 4 updates/,
    );
    const stopped = {
      state: 'abandoned',
      model: null,
      central: null,
      aggregateNormL2: null,
      stepNormL2: null,
    } as const;
    const verdicts = clients.map((client) => ({ ...withheldVerdict(client), verdict: 'not-selected' as const }));
    const abandoned = (code: RoundRecord['code']) => changed({ ...stopped, code, verdicts });
    expect(await complaintOf(abandoned('cohort-too-small'), null)).toMatch(/the rule needs 2 updates/);
    expect(await complaintOf(abandoned('budget-exhausted'), null)).toBeNull();
  });

  it('may move its clipping norm where the terms let it adapt', async () => {
    const { privacy } = configOf();
    const config = configOf({ privacy: { ...privacy, adaptiveClipping: { countNoiseStdDev: 1e6 } } });
    expect(await complaintOf({ config, central: { nextClippingNormL2: 1.1 } })).toBeNull();
  });
});
