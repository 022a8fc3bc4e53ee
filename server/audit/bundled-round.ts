// What a bundle says of its round, held against the entries proven to be of the ledger: configuration, record, the
// commitment to the seed, the draw of the cohort, f and the verdicts. All that follows takes a BundledRound only.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { type ClientId, compareText, type Digest, type OrganisationId } from '../../shared/ids.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import { type RoundRecord, roundRecordSchema } from '../../shared/protocol/round-record.ts';
import { seedCommitment } from '../../shared/protocol/round-seed.ts';
import { selectCohort } from '../admission/select-cohort.ts';
import { isTolerance, liarsIn } from '../aggregation/tolerance.ts';
import { configText, type FederationConfig, federationConfigSchema } from '../config.ts';
import { allOf, type ProvenEntries, theOne } from './bundle-entries.ts';
import { badBundle, type BundleText } from './bundle-form.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
import { parseJson } from './ledger-export.ts';

export interface BundledRound {
  readonly kind: 'round';
  readonly proven: ProvenEntries;
  readonly config: FederationConfig;
  /** True where the configuration was amended after the round was offered. */
  readonly amendedSince: boolean;
  readonly record: RoundRecord;
  /** The parent of the base model; null for the initial model. */
  readonly parent: Digest | null;
  /** From the offer to the end, without a gap. */
  readonly course: readonly LedgerEntry[];
}

/** Refuses bad-bundle. */
export async function readRound(text: BundleText, proven: ProvenEntries): Promise<BundledRound | Refused> {
  const record = readRecord(text);
  if (isRefused(record)) return record;
  const course = courseOf(text.round, proven.entries);
  if (isRefused(course)) return course;
  const read = await readConfig(text, proven, course[0]?.sequence ?? 0);
  if (isRefused(read)) return read;
  const { config, amendedSince } = read;
  const origin = originOf(record, proven, course);
  if (isRefused(origin)) return origin;
  const { parent } = origin;
  const round = { kind: 'round', proven, config, amendedSince, record, parent, course } as const;
  const complaint =
    (await endComplaint(text, round)) ??
    (await offerComplaint(round)) ??
    (await seedComplaint(round)) ??
    factComplaint('the base model', { stateBefore: origin.optimiserState }, record.optimiser) ??
    drawComplaint(round) ??
    verdictComplaint(round);
  return complaint ?? round;
}

function readRecord({ record: text, round }: BundleText): RoundRecord | Refused {
  const parsed = roundRecordSchema.safeParse(parseJson(text));
  if (!parsed.success || canonicalJson(parsed.data) !== text)
    return badBundle('the record is none', 'the canonical JSON of a round record', 'something else');
  const { number, cohort, eligible } = parsed.data;
  if (number !== round) return badBundle('the record is of another round', `round ${round}`, `round ${number}`);
  if (isAscending(cohort) && isAscending(eligible)) return parsed.data;
  return badBundle('the record names clients out of order', 'each once, by id', 'another order');
}

const isAscending = (ids: readonly ClientId[]): boolean =>
  ids.every((id, i) => i === 0 || compareText(ids[i - 1] ?? '', id) < 0);

/** Every entry from the offer to the end. */
function courseOf(round: number, entries: readonly LedgerEntry[]): readonly LedgerEntry[] | Refused {
  const ofRound = entries.filter(({ event }) => 'round' in event && event.round === round);
  const offer = theOne('round-offered', ofRound);
  if (isRefused(offer)) return offer;
  const ends = ofRound.filter(({ event }) => 'record' in event);
  const [end] = ends;
  if (!end || ends.length > 1) return badBundle('the entries do not make a round', 'one end', `${ends.length}`);
  const course = entries.filter(({ sequence }) => sequence >= offer.sequence && sequence <= end.sequence);
  const length = end.sequence - offer.sequence + 1;
  if (course.length === length) return course;
  return badBundle('entries of the round are left out', `${length} from offer to end`, `${course.length}`);
}

async function readConfig(
  { config: text, federation }: BundleText,
  { entries }: ProvenEntries,
  offered: number,
): Promise<(Pick<BundledRound, 'config' | 'amendedSince'> & { readonly kind: 'config' }) | Refused> {
  const newest = [...allOf('federation-founded', entries), ...allOf('federation-amended', entries)].at(-1);
  const digest = await sha256(text);
  if (newest?.event.configDigest !== digest)
    return badBundle('the configuration is not the ledger’s', newest?.event.configDigest ?? '', digest);
  const parsed = federationConfigSchema.safeParse(parseJson(text));
  if (parsed.success && parsed.data.federation === federation && configText(parsed.data) === text)
    return { kind: 'config', config: parsed.data, amendedSince: newest.sequence > offered };
  return badBundle('the configuration is none', `the canonical JSON of that of ${federation}`, 'something else');
}

type Facts = Readonly<Record<string, unknown>>;

/** The first fact in which the record and the ledger differ. */
function factComplaint(where: string, ledger: Facts, record: Facts): Refused | undefined {
  for (const [key, expected] of Object.entries(ledger)) {
    const [said, found] = [JSON.stringify(expected), JSON.stringify(record[key])];
    if (said !== found) return badBundle(`${where}: ${key} is not the ledger’s`, said, found);
  }
  return undefined;
}

async function endComplaint(text: BundleText, { course, record }: BundledRound): Promise<Refused | undefined> {
  const end = course.at(-1)?.event;
  if (end?.type !== 'round-committed' && end?.type !== 'round-abandoned') return badBundle('no end', 'one', 'none');
  const { type, ...said } = end;
  const outcome = type === 'round-committed' ? { state: 'committed', code: null } : { state: 'abandoned', model: null };
  const { stateAfter: optimiserState } = record.optimiser;
  const found = { ...record, round: record.number, optimiserState, record: await sha256(text.record) };
  return factComplaint('the end of the round', { ...outcome, ...said }, found);
}

async function offerComplaint({ course, record }: BundledRound): Promise<Refused | undefined> {
  const [offer] = allOf('round-offered', course);
  if (!offer) return badBundle('no offer', 'one', 'none');
  const { baseModel, cohort, f, eligibleDigest } = offer.event;
  const found = { ...record, eligibleDigest: await sha256(canonicalJson(record.eligible)) };
  return factComplaint('the offer', { baseModel, cohort, f, eligibleDigest }, found);
}

async function seedComplaint({ proven, course, record }: BundledRound): Promise<Refused | undefined> {
  const { federation, entries } = proven;
  const { number: round, seed } = record;
  const committed = theOne(
    'round-seed-committed',
    entries.filter(({ event }) => 'round' in event && event.round === round),
  );
  if (isRefused(committed)) return committed;
  if (committed.sequence > (course[0]?.sequence ?? 0))
    return badBundle('the seed was committed to too late', 'before the offer', `entry ${committed.sequence}`);
  const commitment = await seedCommitment({ federation, round, seed });
  const { seedCommitment: said } = committed.event;
  if (commitment !== said) return badBundle('the seed is not the one committed to', said, commitment);
  return factComplaint('the seed', { seedCommitment: said }, record);
}

interface Origin {
  readonly parent: Digest | null;
  readonly optimiserState: Digest | null;
}

/** The base model is one that this ledger committed before, with what the optimiser remembered then. */
function originOf(
  { baseModel }: RoundRecord,
  { entries }: ProvenEntries,
  course: readonly LedgerEntry[],
): Origin | Refused {
  const before = entries.filter(({ sequence }) => sequence < (course[0]?.sequence ?? 0));
  const commit = allOf('round-committed', before).findLast(({ event }) => event.model === baseModel)?.event;
  if (commit) return { parent: commit.baseModel, optimiserState: commit.optimiserState };
  if (allOf('federation-founded', before).some(({ event }) => event.model === baseModel))
    return { parent: null, optimiserState: null };
  return badBundle('no entry says where the base model comes from', baseModel, 'no commitment of it');
}

function organisationsOf({ proven, course }: BundledRound): ReadonlyMap<ClientId, OrganisationId> {
  const before = proven.entries.filter(({ sequence }) => sequence < (course[0]?.sequence ?? 0));
  return new Map(allOf('client-enrolled', before).map(({ event }) => [event.client, event.organisation]));
}

function drawComplaint(round: BundledRound): Refused | undefined {
  const { config, record } = round;
  const organisations = organisationsOf(round);
  const eligible = record.eligible.flatMap((id) => {
    const organisation = organisations.get(id);
    return organisation === undefined ? [] : [{ id, organisation }];
  });
  if (eligible.length < record.eligible.length)
    return badBundle('who was eligible had not enrolled', `${record.eligible.length} enrolments`, `${eligible.length}`);
  const drawn = selectCohort(eligible, { ...config.cohort, seed: record.seed });
  if (drawn.join() !== record.cohort.join())
    return badBundle('the seed draws another cohort', drawn.join(' '), record.cohort.join(' '));
  const { f } = config.rule;
  if (!isTolerance(f)) return badBundle('the configuration has no f', 'a whole number or a share', `${f}`);
  const organisationsOfCohort = drawn.flatMap((id) => organisations.get(id) ?? []);
  return factComplaint('the configuration', { f: liarsIn(config.rule, organisationsOfCohort) }, record);
}

function verdictComplaint(round: BundledRound): Refused | undefined {
  const { course, record } = round;
  const organisations = organisationsOf(round);
  const said = allOf('verdict', course).map(({ event }) => canonicalJson(event));
  const found = record.verdicts.map((verdict) => canonicalJson({ type: 'verdict', round: record.number, ...verdict }));
  const differs = found.findIndex((text, i) => text !== said[i]);
  if (differs >= 0 || said.length !== found.length)
    return badBundle('the verdicts are not the ledger’s', said[differs] ?? `${said.length}`, found[differs] ?? '');
  const judged = record.verdicts.map(({ client }) => client).join();
  if (judged !== record.cohort.join())
    return badBundle('not everyone offered the round has a verdict', record.cohort.join(' '), judged);
  const foreign = record.verdicts.find(({ client, organisation }) => organisations.get(client) !== organisation);
  return (
    foreign &&
    badBundle('a verdict names another organisation', organisations.get(foreign.client) ?? '', foreign.organisation)
  );
}
