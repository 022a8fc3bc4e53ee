// A coordinator's receive spine on a real data folder, with one round that stays open: SQLite, the ledger with its signed
// checkpoints, blobs with fsync, and the turns that announcing and staging take, all as client-doors.ts puts them
// together, and as in a round of 20 the distances to those that came before. Sockets are left out. Every update comes
// from a client of its own, enrolled and signed before it is timed.

import { randomBytes } from 'node:crypto';
import { makeSubmission } from '../client-sdk/submission/make-submission.ts';
import { configText, parseFederation, termsOf } from '../server/config.ts';
import type { EnrolledClient } from '../server/admission/enrolment-store.ts';
import { openKernel } from '../server/aggregation/kernels/open-kernel.ts';
import { foundFederation } from '../server/model/found-federation.ts';
import { openDataFolder } from '../server/storage/data-folder.ts';
import type { FederationStores } from '../server/storage/federation-stores.ts';
import { ArrivedUpdates } from '../server/update/staging/arrived-updates.ts';
import { announceUpdate, receiveUpdate, type UpdateRooms } from '../server/update/receive-update.ts';
import { Turns } from '../server/turns.ts';
import { vetConfig } from '../server/vet-config.ts';
import { sha256 } from '../shared/digest.ts';
import { type SigningKey, signingKeyFromSeed } from '../shared/ed25519.ts';
import { asDigest, asFederationId, asOrganisationId } from '../shared/ids.ts';
import { InvariantError } from '../shared/invariant-error.ts';
import { systemClock } from '../shared/ports.ts';
import { privacyEventOf } from '../shared/protocol/privacy-claim.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import type { OfferedRound } from '../shared/protocol/round-record.ts';
import type { FederationTerms } from '../shared/protocol/terms.ts';
import { parameterCount, schemaText, type TensorSpec } from '../shared/update-format/tensor-schema.ts';

/** What a client sends, and who it is. */
export type Sending = Awaited<ReturnType<typeof makeSubmission>> & { readonly client: EnrolledClient };

export interface ReceivingWorld {
  readonly terms: FederationTerms;
  /** A fresh client's. */
  prepare(values: Float32Array): Promise<Sending>;
  /** From the signed statement to the receipt. @throws RefusedError */
  receive(sending: Sending): Promise<void>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly dir: string;
  readonly tensors: readonly TensorSpec[];
  readonly isPrivate: boolean;
}

const FEDERATION = asFederationId('admission');
const ORGANISATION = asOrganisationId('bench');
const SECRET = asDigest('5e'.repeat(32));
const MOST_CLIENTS = 1_000_000;
const COHORT_SIZE = 20;
const MEMORY_BUDGET_BYTES = 2 ** 30;
/** The demo's; the noise is calibrated once here so that no bench waits for it. */
const TRAINING = {
  learningRate: 2,
  stepsPerRound: 10,
  samplingRate: 0.1,
  expectedBatchSize: 40,
  clippingNormL2: 1,
} as const;
const PRIVACY = { mode: 'local', epsilonBudget: 8, delta: 1e-4, noiseMultiplier: 1.03 } as const;

export async function openReceivingWorld({ dir, tensors, isPrivate }: WorldOptions): Promise<ReceivingWorld> {
  const privacy = isPrivate ? PRIVACY : { mode: 'none' };
  const input = { federation: FEDERATION, rounds: 15, model: { tensors }, training: TRAINING, privacy };
  const config = accepted(parseFederation(input));
  const { boundsOf } = accepted(await vetConfig(config));
  const terms = termsOf(config);
  const folder = accepted(await openDataFolder(dir));
  const { blobs } = folder;
  const stores = folder.storeOf(FEDERATION);
  const plan = { federation: FEDERATION, configText: configText(config), fixedDifference: () => undefined };
  const place = { store: stores.federation, blobs, clock: systemClock, ledgerKey: stores.ledger.publicKey };
  const { tensors: initial, seed } = config.model;
  const founded = accepted(await foundFederation({ ...plan, tensors: initial, seed }, place));
  const offered = await openRound(stores, founded.initialModel.digest);
  const turns = new Turns();
  const inTurn: UpdateRooms['staging']['inTurn'] = (client, act) => turns.share(client, act);
  const { updates, ledger } = stores;
  const kernel = await openKernel();
  const parameters = parameterCount(terms.tensors);
  const arrived = new ArrivedUpdates({ kernel, parameters, memoryBudgetBytes: MEMORY_BUDGET_BYTES });
  const isCheckpoint = async ({ size, root }: { readonly size: number; readonly root: string }): Promise<boolean> =>
    (await ledger.headAt(size))?.root === root;
  const rooms: UpdateRooms = {
    statement: { terms, schemaDigest: await sha256(schemaText(terms.tensors)), isCheckpoint },
    place: { federation: FEDERATION, updates, charge: privacyEventOf(terms) },
    boundsOf,
    staging: { updates, blobs, clock: systemClock, arrived: inCohorts(arrived), isOpen: () => true, inTurn },
  };
  return {
    terms,
    prepare: (values) => prepare(values, { stores, terms, offered }),
    receive: (sending) => receive(sending, { rooms, offered, turns }),
    close: async () => {
      await kernel.close();
      await folder.close();
    },
  };
}

/** The one round that stays open, as rounds of `COHORT_SIZE` updates. */
function inCohorts(arrived: ArrivedUpdates): UpdateRooms['staging']['arrived'] {
  let count = 0;
  return { keep: (_, client, values) => arrived.keep(Math.floor(count++ / COHORT_SIZE), client, values) };
}

/** Without a cohort: who is enrolled later is let in by `receive`. */
async function openRound(
  { rounds, enrolment }: FederationStores,
  baseModel: OfferedRound['baseModel'],
): Promise<OfferedRound> {
  const expiresAt = new Date(Date.now() + 24 * 3600 * 1000);
  const invite = { secretDigest: SECRET, organisation: ORGANISATION, quota: MOST_CLIENTS, expiresAt, replaces: null };
  const { secretDigest, ...told } = invite;
  await enrolment.addInvite(invite, {
    type: 'invite-issued',
    ...told,
    invite: secretDigest,
    expiresAt: expiresAt.toISOString(),
  });
  const drawn = { baseModel, cohort: [], f: 0 };
  const offeredAt = new Date().toISOString();
  const offered = { number: 1, ...drawn, eligible: [], seedCommitment: SECRET, offeredAt };
  await rounds.offer(offered, { type: 'round-offered', round: 1, ...drawn, eligibleDigest: SECRET });
  return offered;
}

interface Sender {
  readonly stores: FederationStores;
  readonly terms: FederationTerms;
  readonly offered: OfferedRound;
}

async function prepare(values: Float32Array, { stores, terms, offered }: Sender): Promise<Sending> {
  const key = await signingKeyFromSeed(randomBytes(32).toString('hex'));
  const client = await enrol(key, stores);
  const head = await stores.ledger.newest();
  if (!head) throw new InvariantError('a federation without a checkpoint');
  const { number: round, baseModel: baseModelDigest } = offered;
  const offer = { federation: FEDERATION, round, baseModelDigest, deadlineMs: 60_000, checkpoint: head.note };
  return { ...(await makeSubmission(values, { offer, terms, key, checkpoint: head })), client };
}

async function enrol(
  { clientId: id, publicKey }: SigningKey,
  { enrolment }: FederationStores,
): Promise<EnrolledClient> {
  const client: EnrolledClient = {
    id,
    organisation: ORGANISATION,
    name: id,
    publicKey,
    enrolledAt: new Date(),
    status: 'active',
    reason: null,
    predecessor: null,
    looksLike: null,
    suspicion: 0,
    judged: 0,
  };
  const enrolled = { type: 'client-enrolled', client: id, organisation: ORGANISATION, invite: SECRET } as const;
  if (!(await enrolment.enrol(client, SECRET, [{ ...enrolled, status: 'active', looksLike: null }])))
    throw new InvariantError('the invite took no client');
  return client;
}

interface Reception {
  readonly rooms: UpdateRooms;
  readonly offered: OfferedRound;
  readonly turns: Turns;
}

async function receive({ client, bytes, ...statement }: Sending, { rooms, offered, turns }: Reception): Promise<void> {
  const begin = { federation: FEDERATION, round: offered.number, ...statement };
  const round = { ...offered, cohort: [client.id] };
  const announced = accepted(
    await turns.share(client.id, () => announceUpdate({ federation: FEDERATION, client, begin, round }, rooms)),
  );
  if (announced.kind === 'staged') throw new InvariantError('a fresh update was staged before');
  accepted(await receiveUpdate({ kind: 'received', announced, bytes }, rooms));
}
