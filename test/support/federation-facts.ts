// What a small federation writes down: three clients and as many rounds as a test asks for. Everything is a function of
// its arguments, so that two programs (a test and the child it kills) agree on what should be there.

import { createHash } from 'node:crypto';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import {
  asClientId,
  asDigest,
  asFederationId,
  asOrganisationId,
  type ClientId,
  type Digest,
} from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import type { EventOf } from '../../server/ledger/ledger-event.ts';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import type { ModelVersion } from '../../server/model/model-store.ts';
import type { OfferedRound, RoundRecord, Verdict } from '../../shared/protocol/round-record.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import type { EnrolledClient, Invite } from '../../server/admission/enrolment-store.ts';
import type { UpdateRow } from '../../server/update/staging/update-store.ts';
import type { UpdateFigures } from '../../server/update/update-figures.ts';
import { newcomer } from './small-federation.ts';

export const federation = asFederationId('digits');
export const organisation = asOrganisationId('st-mary');
export const charge: SampledGaussianEvent = { noiseMultiplier: 1.03, samplingRate: 0.1, steps: 10 };
export const figures: UpdateFigures = {
  maxAbsolute: 0.1 + 0.2,
  normL2: 14.4,
  noiseRatio: 1e-300,
  noiseDeficit: 0.0125,
};

type AnnouncedRow = Pick<UpdateRow, 'round' | 'client' | 'digest' | 'envelope' | 'signature'>;

export const sha256 = (label: string): string => createHash('sha256').update(label).digest('hex');
export const digest = (label: string): Digest => asDigest(sha256(label));
export const modelOf = (round: number): Digest => digest(`model ${round}`);
/** Of an optimiser that remembers something. */
export const stateAfter = (round: number): Digest | null => (round === 0 ? null : digest(`state ${round}`));
export const inviteSecret = digest('secret');

/** In the order of ids. */
export const clientIds: readonly ClientId[] = ['a', 'b', 'c'].map((name) => asClientId(sha256(name))).sort();
export const clientAt = (index: number): ClientId => clientIds[index] ?? asClientId(sha256(`client ${index}`));

export function enrolled(id: ClientId): EnrolledClient {
  const enrolledAt = new Date('2026-02-28T23:59:59.999Z');
  return {
    id,
    organisation,
    name: 'Ward 7 “Süd”',
    publicKey: `key-${id}`,
    enrolledAt,
    ...newcomer,
  };
}

export const enrolment = (client: ClientId): EventOf<'client-enrolled'> => ({
  type: 'client-enrolled',
  client,
  organisation,
  invite: inviteSecret,
  status: 'active',
  looksLike: null,
});

/** Good for `quota` clients. */
export function inviteFor(
  quota: number,
  secretDigest: Digest = inviteSecret,
): { readonly invite: Omit<Invite, 'used' | 'revoked'>; readonly event: EventOf<'invite-issued'> } {
  const expiresAt = new Date('2026-12-31T00:00:00.000Z');
  const invite = { secretDigest, organisation, quota, expiresAt, replaces: null };
  const event = { type: 'invite-issued', invite: secretDigest, organisation, quota, replaces: null } as const;
  return { invite, event: { ...event, expiresAt: expiresAt.toISOString() } };
}

export function version(round: number): ModelVersion {
  // Above 2^31, where Prisma's Int would end.
  return {
    digest: modelOf(round),
    parent: round === 0 ? null : modelOf(round - 1),
    round,
    byteLength: 3_000_000_000,
    optimiserState: stateAfter(round),
  };
}

export function offered(number: number): OfferedRound {
  return {
    number,
    baseModel: modelOf(number - 1),
    eligible: [...clientIds],
    cohort: [...clientIds],
    seedCommitment: digest(`commitment ${number}`),
    f: 0,
    offeredAt: '2026-03-01T12:00:00.000Z',
  };
}

export function offer(number: number): LedgerEvent {
  return {
    type: 'round-offered',
    round: number,
    baseModel: modelOf(number - 1),
    cohort: clientIds,
    eligibleDigest: digest('eligible'),
    f: 0,
  };
}

export function announced(
  round: number,
  client: ClientId,
): { update: AnnouncedRow; event: EventOf<'update-announced'> } {
  const update = digest(`update ${round} ${client}`);
  const envelope: Envelope = {
    protocolVersion: 1,
    federation,
    client,
    round,
    baseModelDigest: modelOf(round - 1),
    updateDigest: update,
    byteLength: 31_400,
    schemaDigest: digest('schema'),
    privacy: { ...charge, clippingNormL2: 1 },
    checkpoint: { size: 1, root: digest('root') },
    nonce: '0'.repeat(32),
  };
  const event = { type: 'update-announced', round, client, envelope, signature: 'c2lnbmF0dXJl' } as const;
  return { update: { round, client, digest: update, envelope, signature: 'c2lnbmF0dXJl' }, event };
}

export function staging(round: number, client: ClientId): LedgerEvent {
  return { type: 'update-staged', round, client, update: digest(`update ${round} ${client}`), figures };
}

export function verdict(round: number, client: ClientId): Verdict {
  return {
    client,
    organisation,
    verdict: 'selected',
    code: null,
    layer: null,
    flags: ['norm-outlier'],
    updateDigest: digest(`update ${round} ${client}`),
    ...figures,
    normZ: -0.5,
    cosineToMedian: 0.25,
    cosineToMedianZ: -1.5,
    cosineToPrevious: null,
    positiveShare: 0.5,
    signZ: 0.1,
    nearDuplicates: 0,
    pairRatio: 1.01,
    spectralZ: 0.75,
    suspicion: 0.3,
    score: 1 / 3,
    rank: 2,
    distanceToAggregate: 0.1 + 0.7,
    share: 1 / 7,
    epsilon: 0.7,
  };
}

export function record(number: number): RoundRecord {
  return {
    ...offered(number),
    seed: digest(`seed ${number}`),
    state: 'committed',
    code: null,
    model: modelOf(number),
    rule: { name: 'multi-krum', variant: 'canonical', m: 1, neighbours: 1, pre: [{ name: 'nnm', variant: 'n - f' }] },
    aggregation: {
      certificate: { bound: 1e-300, exact: true },
      condition: { observed: 0.1 + 0.2, limit: 1 / 3, satisfied: true, source: 'a theorem' },
      liars: { suspected: 1, gap: null },
      warnings: ['One update stands apart.'],
      reference: modelOf(number - 1),
    },
    central: null,
    optimiser: {
      name: 'momentum',
      variant: 'beta = 0.9',
      stateBefore: stateAfter(number - 1),
      stateAfter: stateAfter(number),
    },
    updates: clientIds.map((client) => ({ client, update: digest(`update ${number} ${client}`) })),
    aggregateNormL2: 0.125,
    stepNormL2: 0.25,
    accountant: null,
    bytesReceived: 94_200,
    closedAt: '2026-03-01T12:00:09.000Z',
    verdicts: clientIds.map((client) => verdict(number, client)),
  };
}

export function commitEvents(number: number): LedgerEvent[] {
  const end = { seed: digest(`seed ${number}`), record: digest(`record ${number}`) };
  const made = { model: modelOf(number), optimiserState: stateAfter(number) };
  const committed = { baseModel: modelOf(number - 1), ...made, ...end };
  return [
    ...clientIds.map((client): LedgerEvent => ({ type: 'verdict', round: number, ...verdict(number, client) })),
    { type: 'round-committed', round: number, ...committed },
  ];
}

export async function found(stores: FederationStores): Promise<void> {
  await stores.federation.found(
    { config: '{"rounds":15}', initialModel: version(0), foundedAt: new Date('2026-02-28T10:00:00.001Z') },
    {
      type: 'federation-founded',
      configDigest: digest('config'),
      model: modelOf(0),
      ledgerKey: stores.ledger.publicKey,
    },
  );
}

/** Founded, with three clients. */
export async function foundWithClients(stores: FederationStores): Promise<void> {
  await found(stores);
  const { invite, event } = inviteFor(clientIds.length);
  await stores.enrolment.addInvite(invite, event);
  for (const id of clientIds) await stores.enrolment.enrol(enrolled(id), inviteSecret, [enrolment(id)]);
}

/** A whole round: offered, every client's update announced and staged, committed. */
export async function runRound(stores: FederationStores, number: number): Promise<void> {
  await stores.rounds.offer(offered(number), offer(number));
  for (const client of clientIds) {
    const { update, event } = announced(number, client);
    await stores.updates.announce(update, charge, event);
    await stores.updates.stage({ round: number, client }, { figures, stagedAt: new Date(0) }, staging(number, client));
  }
  await stores.rounds.commit(record(number), version(number), commitEvents(number));
}
