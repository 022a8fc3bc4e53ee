// The tables of a data folder that hold what rounds came to, each beside what the ledger says of the same things:
// configuration, records and their verdicts, model versions, updates, privacy charges, seeds.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import type { ClientId, Digest, FederationId } from '../../shared/ids.ts';
import { seedCommitment } from '../../shared/protocol/round-seed.ts';
import type { ReleaseCharge } from '../privacy/charge-store.ts';
import { isUnderCentralPrivacy } from './is-central.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { FolderFacts } from './folder-facts.ts';
import type { UpdateRow } from '../update/staging/update-store.ts';

/** What a table holds and what the ledger says, each under the name of the thing it speaks of. */
export interface Compared {
  readonly table: ReadonlyMap<string, string>;
  readonly ledger: ReadonlyMap<string, string>;
}

export async function comparedConfig({ config }: FolderFacts, events: readonly LedgerEvent[]): Promise<Compared> {
  const said = events.flatMap((event) => ('configDigest' in event ? event.configDigest : []));
  const digest = await sha256(config);
  return {
    table: new Map([['the configuration', digest]]),
    ledger: new Map([['the configuration', said.at(-1) ?? '']]),
  };
}

export async function comparedRecords({ records }: FolderFacts, events: readonly LedgerEvent[]): Promise<Compared> {
  const name = (round: number): string => `the record of round ${round}`;
  const digests = records.map(async (record) => [name(record.number), await sha256(canonicalJson(record))] as const);
  const ends = events.flatMap((event) => ('record' in event ? [[name(event.round), event.record] as const] : []));
  return { table: new Map(await Promise.all(digests)), ledger: new Map(ends) };
}

export function comparedVersions({ versions }: FolderFacts, events: readonly LedgerEvent[]): Compared {
  const name = (round: number): string => `the model of round ${round}`;
  const said = (parent: Digest | null, model: Digest, state: Digest | null): string =>
    `${model}, from ${parent ?? 'none'}, optimiser state ${state ?? 'none'}`;
  const ledger = events.flatMap((event) => {
    if (event.type === 'federation-founded') return [[name(0), said(null, event.model, null)] as const];
    if (event.type !== 'round-committed') return [];
    return [[name(event.round), said(event.baseModel, event.model, event.optimiserState)] as const];
  });
  const table = versions.map((version) => {
    const { round, digest, parent, optimiserState } = version;
    return [name(round), said(parent, digest, optimiserState)] as const;
  });
  return { table: new Map(table), ledger: new Map(ledger) };
}

export function comparedUpdates({ updates }: FolderFacts, events: readonly LedgerEvent[]): Compared {
  const name = (round: number, client: ClientId): string => `the update of ${client} in round ${round}`;
  const said = (statement: Pick<UpdateRow, 'digest' | 'envelope' | 'signature' | 'state' | 'figures'>): string => {
    const { digest, envelope, signature, state, figures } = statement;
    return canonicalJson({ digest, envelope, signature, staged: state === 'staged' ? { ...figures } : null });
  };
  const ledger = new Map<string, string>();
  const staged = new Map(
    events.flatMap((event) =>
      event.type === 'update-staged' ? [[name(event.round, event.client), event] as const] : [],
    ),
  );
  for (const event of events) {
    if (event.type !== 'update-announced') continue;
    const figures = staged.get(name(event.round, event.client))?.figures ?? null;
    const state = figures === null ? 'announced' : 'staged';
    ledger.set(
      name(event.round, event.client),
      said({ ...event, digest: event.envelope.updateDigest, state, figures }),
    );
  }
  return { table: new Map(updates.map((row) => [name(row.round, row.client), said(row)])), ledger };
}

export function comparedVerdicts({ records }: FolderFacts, events: readonly LedgerEvent[]): Compared {
  const name = (round: number, client: ClientId): string => `the verdict on ${client} in round ${round}`;
  const table = records.flatMap(({ number: round, verdicts }) =>
    verdicts.map(
      (verdict) => [name(round, verdict.client), canonicalJson({ type: 'verdict', round, ...verdict })] as const,
    ),
  );
  const ledger = events.flatMap((event) =>
    event.type === 'verdict' ? [[name(event.round, event.client), canonicalJson(event)] as const] : [],
  );
  return { table: new Map(table), ledger: new Map(ledger) };
}

/** Every statement was charged as it claims, what clients stated themselves besides, and nothing else; one that leaves the noise to the coordinator was not. */
export function comparedCharges({ charges }: FolderFacts, events: readonly LedgerEvent[]): Compared {
  const name = (round: number, client: ClientId): string => `the charge of ${client} for round ${round}`;
  const said = ({ noiseMultiplier, samplingRate, steps }: SampledGaussianEvent): string =>
    canonicalJson({ noiseMultiplier, samplingRate, steps });
  const ledger = events.flatMap((event) => {
    if (event.type === 'spent-rounds-stated')
      return event.rounds.map((round) => [name(round, event.client), said(event)] as const);
    if (event.type !== 'update-announced') return [];
    const { privacy: claim } = event.envelope;
    if (claim === null || 'noiseBy' in claim) return [];
    return [[name(event.round, event.client), said(claim)] as const];
  });
  const table = charges.map(({ round, client, event }) => [name(round, client), said(event)] as const);
  return { table: new Map(table), ledger: new Map(ledger) };
}

/** What each committed round released under central privacy was charged before it was committed, and is what was charged. */
export function comparedReleases({ records, config }: FolderFacts, events: readonly LedgerEvent[]): Compared {
  const isCentral = isUnderCentralPrivacy(config);
  const name = (round: number): string => `the release of round ${round}`;
  const said = (release: Pick<ReleaseCharge, 'noiseMultiplier' | 'noiseCommitment'> | null | undefined): string =>
    release ? `multiplier ${release.noiseMultiplier}, noise ${release.noiseCommitment}` : 'none';
  const charges = new Map<number, string>();
  const ledger = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'round-charged') charges.set(event.round, said(event));
    if (event.type === 'round-committed')
      ledger.set(name(event.round), charges.get(event.round) ?? (isCentral ? 'one that is charged' : said(null)));
  }
  const committed = records.filter(({ state }) => state === 'committed');
  return { table: new Map(committed.map(({ number, central }) => [name(number), said(central)])), ledger };
}

/** A seed is the one committed to before the offer, and the one that the end of its round reveals. */
export async function comparedSeeds(
  { seeds, records }: Pick<FolderFacts, 'seeds' | 'records'>,
  events: readonly LedgerEvent[],
  federation: FederationId,
): Promise<Compared> {
  const [committed, revealed] = [
    (round: number): string => `the seed of round ${round}`,
    (round: number): string => `the seed revealed by round ${round}`,
  ];
  const said = (commitment: Digest, computed: Digest): string => `${commitment}, of a seed with ${computed}`;
  const ended = new Set(records.map(({ number }) => number));
  const table = new Map<string, string>();
  for (const { round, seed, commitment } of seeds) {
    table.set(committed(round), said(commitment, await seedCommitment({ federation, round, seed })));
    if (ended.has(round)) table.set(revealed(round), seed);
  }
  const ledger = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'round-seed-committed')
      ledger.set(committed(event.round), said(event.seedCommitment, event.seedCommitment));
    if ('seed' in event) ledger.set(revealed(event.round), event.seed);
  }
  return { table, ledger };
}
