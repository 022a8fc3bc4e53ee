// A round of the small federation on real stores: founded, its clients enrolled, round 1 offered to all of them. What a
// test stages is announced first, as on the way that updates really take.

import type { EnrolledClient } from '../../server/admission/enrolment-store.ts';
import { foundFederation } from '../../server/model/found-federation.ts';
import type { ModelVersion } from '../../server/model/model-store.ts';
import type { DataFolder } from '../../server/storage/data-folder.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { asDigest, type Digest } from '../../shared/ids.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { privacyEventOf } from '../../shared/protocol/privacy-claim.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import type { OfferedRound } from '../../shared/protocol/round-record.ts';
import { normL2 } from '../../shared/vector/vector.ts';
import { enrolment, inviteFor } from './federation-facts.ts';
import { openFolder, testClock } from './data-folders.ts';
import {
  announcedBy,
  federation,
  type Member,
  members,
  roundFor,
  schema,
  terms,
  updateFile,
} from './small-federation.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface OpenRound {
  readonly folder: DataFolder;
  readonly stores: FederationStores;
  readonly blobs: BlobStore;
  readonly cohort: readonly Member[];
  readonly offered: OfferedRound;
  readonly initialModel: ModelVersion;
}

const secretDigest = asDigest('5e'.repeat(32));

/** Founded in `dir`, with nobody enrolled. The initial model is all zeros. */
export async function foundedIn(dir: string): Promise<Pick<OpenRound, 'folder' | 'stores' | 'initialModel'>> {
  const folder = await openFolder(dir);
  const stores = folder.storeOf(federation);
  const plan = {
    federation,
    configText: '{}',
    fixedDifference: () => undefined,
    tensors: schema.map((tensor) => ({ ...tensor, initial: 'zeros' as const })),
    seed: 1,
  };
  const place = { store: stores.federation, blobs: folder.blobs, clock: testClock, ledgerKey: stores.ledger.publicKey };
  const { initialModel } = accepted(await foundFederation(plan, place));
  return { folder, stores, initialModel };
}

/** `clients`: how many are enrolled and offered round 1. */
export async function openRound({ clients, f = 0 }: { clients: number; f?: number }): Promise<OpenRound> {
  const { folder, stores, initialModel } = await foundedIn(temporaryFolder());
  const cohort = await members(clients);
  await enrolAll(
    stores,
    cohort.map(({ client }) => client),
  );
  const offered = roundFor(cohort, { baseModel: initialModel.digest, f });
  await offerRound(stores, offered);
  return { folder, stores, blobs: folder.blobs, cohort, offered, initialModel };
}

/** With one invite. */
export async function enrolAll(stores: FederationStores, clients: readonly EnrolledClient[]): Promise<void> {
  const { invite, event } = inviteFor(clients.length, secretDigest);
  await stores.enrolment.addInvite(invite, event);
  for (const client of clients) await stores.enrolment.enrol(client, secretDigest, [enrolment(client.id)]);
}

async function offerRound(stores: FederationStores, offered: OfferedRound): Promise<void> {
  const { number: round, baseModel, cohort, f } = offered;
  const eligibleDigest = await sha256(canonicalJson(offered.eligible));
  await stores.rounds.offer(offered, { type: 'round-offered', round, baseModel, cohort, eligibleDigest, f });
}

/** Announced and charged, not staged. */
export async function announce(
  { stores, offered }: OpenRound,
  sender: Member,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Digest> {
  const { number: round, baseModel: baseModelDigest } = offered;
  const { envelope, signature } = await announcedBy(sender, bytes, { round, baseModelDigest });
  const [client, digest] = [sender.client.id, envelope.updateDigest];
  await stores.updates.announce({ round, client, digest, envelope, signature }, privacyEventOf(terms), {
    type: 'update-announced',
    round,
    client,
    envelope,
    signature,
  });
  return digest;
}

export async function stage(world: OpenRound, sender: Member, values: readonly number[]): Promise<void> {
  const { stores, blobs, offered } = world;
  const bytes = updateFile(values);
  const update = await announce(world, sender, bytes);
  await blobs.put(bytes);
  const flat = Float32Array.from(values);
  const figures = {
    maxAbsolute: Math.max(...flat.map(Math.abs)),
    normL2: normL2(flat),
    noiseRatio: 1,
    noiseDeficit: 0,
  };
  const at = { round: offered.number, client: sender.client.id };
  const event = { type: 'update-staged', ...at, update, figures } as const;
  await stores.updates.stage(at, { figures, stagedAt: testClock.now() }, event);
}
