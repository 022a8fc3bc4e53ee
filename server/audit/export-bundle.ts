// A data folder and the number of a round that has ended -> its bundle (audit/bundle-form.ts), with proofs under the
// newest checkpoint. No names leave: clients are ids, keys and what the ledger says of them.

import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Digest, FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import type { BlobStore } from '../../shared/ports.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { allOf } from './bundle-entries.ts';
import { BUNDLE_FORM, type BundleExtent, type BundleText, neededBlobs, packBundle } from './bundle-form.ts';
import { isUnderCentralPrivacy } from './is-central.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
import type { LedgerStore, SignedHead } from '../ledger/ledger-store.ts';
import type { FederationStores } from '../storage/federation-stores.ts';
import { parseLedgerRow } from '../storage/ledger-row.ts';

export interface BundleSource {
  readonly federation: FederationId;
  readonly stores: FederationStores;
  readonly blobs: BlobStore;
}

export interface BundleWish {
  readonly round: number;
  /** Note of whoever asks: the bundle proves that it continues it. */
  readonly held?: string | undefined;
  /** Under central privacy: the updates too, which undo the noise for whoever is given them. They are in any other bundle. */
  readonly withUpdates?: boolean | undefined;
}

export interface PackedBundle {
  readonly kind: 'packed';
  readonly bytes: Uint8Array;
  readonly holdsUpdates: boolean;
}

/** Refuses unknown-round, updates-dropped, and for the held note bad-checkpoint and unknown-checkpoint. */
export async function exportBundle(wish: BundleWish, source: BundleSource): Promise<PackedBundle | Refused> {
  const { rounds, ledger } = source.stores;
  const record = await rounds.record(wish.round);
  if (!record) return await unknownRound(wish.round, rounds);
  const parent = (await source.stores.models.byDigest(record.baseModel, wish.round))?.parent ?? null;
  const config = (await source.stores.federation.founding())?.config ?? '';
  const withUpdates = !isUnderCentralPrivacy(config) || wish.withUpdates === true;
  const blobs = await blobsOf(record, { parent, withUpdates }, source.blobs);
  if (isRefused(blobs)) return blobs;
  const head = await ledger.newest();
  if (!head) throw new InvariantError('a round without a checkpoint');
  const rows = (await ledger.rows()).filter(({ sequence }) => sequence <= head.size);
  const entries = entriesOf(
    record,
    rows.map(({ text }) => parseLedgerRow(text)),
  );
  const consistency = await consistencyOf({ ...wish, entries, head }, source);
  if (isRefused(consistency)) return consistency;
  const proven: BundleText['entries'] = [];
  for (const { sequence } of entries) {
    const { text = '' } = rows[sequence - 1] ?? {};
    proven.push({ sequence, text, proof: [...(await ledger.inclusionProof(sequence, head.size))] });
  }
  const text: BundleText = {
    form: BUNDLE_FORM,
    federation: source.federation,
    round: wish.round,
    checkpoint: head.note,
    entries: proven,
    consistency,
    record: canonicalJson(record),
    config,
    clients: await keysOf(record, source.stores),
  };
  return { kind: 'packed', bytes: packBundle({ text, blobs }), holdsUpdates: withUpdates };
}

/** Refuses unknown-round. */
export async function unknownRound(round: number, rounds: FederationStores['rounds']): Promise<Refused> {
  const ended = (await rounds.records()).length;
  const expected = ended > 0 ? `1 to ${ended}` : 'no round has ended yet';
  return refuse('unknown-round', { expected, found: `${round}` });
}

/** Models, optimiser state, every update that reached the rule, and of those left out what is kept. */
async function blobsOf(
  record: RoundRecord,
  extent: BundleExtent,
  store: BlobStore,
): Promise<ReadonlyMap<Digest, Uint8Array<ArrayBuffer>> | Refused> {
  const needed = new Set(neededBlobs(record, extent));
  const leftOut = extent.withUpdates ? record.verdicts.flatMap(({ updateDigest }) => updateDigest ?? []) : [];
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  for (const digest of new Set([...needed, ...leftOut])) {
    const bytes = await store.get(digest);
    if (bytes) blobs.set(digest, new Uint8Array(bytes));
    else if (needed.has(digest))
      return refuse('updates-dropped', {
        expected: `the bytes of all ${record.updates.length} updates and of what the round began with`,
        found: `${digest} is not kept`,
        hint: 'export the bundle sooner after the round, or keep updates longer: retention.updateRounds',
      });
  }
  return blobs;
}

/** By sequence, from the offer to the end without a gap: nothing that happened in the round can be left out. */
function entriesOf(record: RoundRecord, entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const { number: round, eligible, baseModel } = record;
  const ofRound = entries.filter(({ event }) => 'round' in event && event.round === round);
  const offer = ofRound.find(({ event }) => event.type === 'round-offered')?.sequence ?? 0;
  const end = ofRound.find(({ event }) => 'record' in event)?.sequence ?? 0;
  const before = entries.filter(({ sequence }) => sequence < offer);
  const origin = allOf('round-committed', before).findLast(({ event }) => event.model === baseModel);
  const isEligible = new Set(eligible);
  return entries.filter(({ sequence, event }) => {
    if (sequence >= offer && sequence <= end) return true;
    if (event.type === 'client-enrolled') return isEligible.has(event.client);
    if (event.type === 'round-seed-committed') return event.round === round;
    return 'configDigest' in event || sequence === origin?.sequence;
  });
}

interface Continued extends BundleWish {
  readonly entries: readonly LedgerEntry[];
  readonly head: SignedHead;
}

async function consistencyOf(
  { round, held, entries, head }: Continued,
  { federation, stores }: BundleSource,
): Promise<BundleText['consistency'] | Refused> {
  const statements = allOf('update-announced', entries).filter(({ event }) => event.round === round);
  const sizes = new Set(statements.map(({ event }) => event.envelope.checkpoint.size));
  if (held !== undefined) {
    const [founding] = allOf('federation-founded', entries);
    const key = { origin: originOf(federation), publicKey: founding?.event.ledgerKey ?? '' };
    const opened = await openCheckpoint(held, key);
    if (isRefused(opened)) return opened;
    sizes.add(opened.size);
  }
  const proofs: BundleText['consistency'] = [];
  for (const size of [...sizes].sort((a, b) => a - b)) {
    const proof = await continuation(size, head, stores.ledger);
    if (isRefused(proof)) return proof;
    proofs.push(proof);
  }
  return proofs;
}

async function continuation(
  size: number,
  head: SignedHead,
  ledger: LedgerStore,
): Promise<BundleText['consistency'][number] | Refused> {
  const older = size <= head.size ? await ledger.headAt(size) : undefined;
  if (older) return { size, root: older.root, proof: [...(await ledger.consistencyProof(size, head.size))] };
  return refuse('unknown-checkpoint', {
    expected: `a checkpoint signed here, of at most ${head.size} entries`,
    found: `size ${size}`,
  });
}

async function keysOf({ cohort }: RoundRecord, { enrolment }: FederationStores): Promise<BundleText['clients']> {
  const drawn = new Set(cohort);
  const members = (await enrolment.clients()).filter(({ id }) => drawn.has(id));
  return Object.fromEntries(members.map(({ id, publicKey }) => [id, publicKey]));
}
