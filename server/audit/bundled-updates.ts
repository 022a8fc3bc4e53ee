// The statements and bytes of a bundled round: every announced update signed by the client whose id is the digest of its
// key, for this round, on its terms; every update that reached the rule announced, staged and there, byte for byte.

import { sha256 } from '../../shared/digest.ts';
import { verifySignature } from '../../shared/ed25519.ts';
import { type ClientId, compareText, type Digest } from '../../shared/ids.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { type Envelope, envelopeBytes } from '../../shared/protocol/envelope.ts';
import { privacyClaimOf } from '../../shared/protocol/privacy-claim.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { schemaText } from '../../shared/update-format/tensor-schema.ts';
import { magnitudes } from '../../shared/vector/vector.ts';
import type { BundledRound } from './bundled-round.ts';
import { termsOf } from '../config.ts';
import { allOf } from './bundle-entries.ts';
import { badBundle, type Bundle, type BundleText, neededBlobs } from './bundle-form.ts';
import { strangeKey } from './verify-statements.ts';

export interface BundledUpdate {
  readonly client: ClientId;
  readonly values: Float32Array;
}

interface BundledUpdates {
  readonly kind: 'updates';
  /** Those that reached the rule, by client id; null where the bundle was made without them. */
  readonly updates: readonly BundledUpdate[] | null;
}

/** Refuses bad-bundle. */
export async function readUpdates(round: BundledRound, { text, blobs }: Bundle): Promise<BundledUpdates | Refused> {
  const announced = new Map<ClientId, Envelope>();
  for (const { event, sequence } of allOf('update-announced', round.course)) {
    const complaint =
      (await statementComplaint(event, round, text)) ??
      (announced.has(event.client) ? badBundle('a second statement', `one of ${event.client}`, 'two') : undefined) ??
      checkpointComplaint(event.envelope, sequence, { ...text, head: round.proven.head });
    if (complaint) return complaint;
    announced.set(event.client, event.envelope);
  }
  const complaint =
    (await keysComplaint(round, text)) ?? placesComplaint(round, announced) ?? blobsComplaint(round, blobs);
  if (complaint) return complaint;
  if (!holdsUpdates(round, blobs)) return { kind: 'updates', updates: null };
  const updates: BundledUpdate[] = [];
  for (const { client, update } of round.record.updates) {
    const read = readUpdate({ client, update, byteLength: announced.get(client)?.byteLength }, round, blobs);
    if (isRefused(read)) return read;
    updates.push(read);
  }
  return { kind: 'updates', updates };
}

async function statementComplaint(
  event: { readonly client: ClientId; readonly envelope: Envelope; readonly signature: string },
  { record, config }: BundledRound,
  { clients, federation }: BundleText,
): Promise<Refused | undefined> {
  const { client, envelope, signature } = event;
  const terms = termsOf(config);
  const expected: Partial<Envelope> = {
    client,
    federation,
    round: record.number,
    baseModelDigest: record.baseModel,
    schemaDigest: await sha256(schemaText(terms.tensors)),
    privacy: privacyClaimOf(terms),
  };
  const found: Partial<Envelope> = Object.fromEntries(
    Object.entries(envelope).filter(([key]) => Object.hasOwn(expected, key)),
  );
  if (canonicalJson(expected) !== canonicalJson(found))
    return badBundle(`the statement of ${client} is not for this round`, canonicalJson(expected), canonicalJson(found));
  if (await verifySignature(clients[client] ?? '', signature, envelopeBytes(envelope))) return undefined;
  return badBundle(`the statement of ${client} is not signed by it`, 'a signature under its key', 'none that verifies');
}

/** The head that a client signed is a beginning of the history: its coordinator showed nobody another one. */
function checkpointComplaint(
  { client, checkpoint }: Envelope,
  sequence: number,
  { consistency, head }: Pick<BundleText, 'consistency'> & { readonly head: Envelope['checkpoint'] },
): Refused | undefined {
  const known = [head, ...consistency].find(({ size }) => size === checkpoint.size);
  if (known?.root === checkpoint.root && checkpoint.size < sequence) return undefined;
  const found = known ? `root ${known.root}` : `no proof of the first ${checkpoint.size} entries`;
  return badBundle(`the ledger that ${client} saw is not this one`, `root ${checkpoint.root}`, found);
}

async function keysComplaint({ record }: BundledRound, { clients }: BundleText): Promise<Refused | undefined> {
  const ids = Object.keys(clients).sort();
  if (ids.join() !== record.cohort.join())
    return badBundle('the keys are not those of the cohort', record.cohort.join(' '), ids.join(' '));
  const strange = await strangeKey(Object.entries(clients).map(([id, publicKey]) => ({ id, publicKey })));
  return strange && badBundle('a key is not its client’s', strange.id, strange.found);
}

/** Who reached the rule is who was announced, staged, and neither refused nor left out by the verdicts. */
function placesComplaint(
  { record, course }: BundledRound,
  announced: ReadonlyMap<ClientId, Envelope>,
): Refused | undefined {
  const staged = new Map(allOf('update-staged', course).map(({ event }) => [event.client, event]));
  const verdicts = new Map(record.verdicts.map((verdict) => [verdict.client, verdict]));
  const judged = record.verdicts.filter(({ verdict }) => verdict === 'selected' || verdict === 'not-selected');
  const said = record.updates.map(({ client }) => client).join();
  const expected = judged.map(({ client }) => client).join();
  if (said !== expected) return badBundle('the verdicts name others than the updates do', expected, said);
  for (const { client, updateDigest } of record.verdicts)
    if (updateDigest !== (announced.get(client)?.updateDigest ?? null))
      return badBundle(`the verdict of ${client} is on another update`, 'the one it announced', `${updateDigest}`);
  for (const { client, update } of record.updates) {
    const { figures, update: digest } = staged.get(client) ?? {};
    const { normL2: norm, maxAbsolute: largest, noiseRatio, noiseDeficit } = verdicts.get(client) ?? {};
    const told = { normL2: norm, maxAbsolute: largest, noiseRatio, noiseDeficit };
    const isAsStaged = digest === update && figures && canonicalJson({ ...figures }) === canonicalJson(told);
    if (!isAsStaged) return badBundle(`the update of ${client} is not as it was staged`, `${digest}`, update);
    if (announced.get(client)?.updateDigest !== update)
      return badBundle(`the update of ${client} is not the one it signed`, 'its statement’s', update);
  }
  return undefined;
}

/** Under central privacy either all of them or none: they are the admin's. */
const holdsUpdates = ({ config, record }: BundledRound, blobs: Bundle['blobs']): boolean =>
  config.privacy.mode !== 'central' || record.updates.some(({ update }) => blobs.has(update));

/** Nothing is in the bundle that the record does not name. */
function blobsComplaint(round: BundledRound, blobs: Bundle['blobs']): Refused | undefined {
  const { record, parent } = round;
  const needed = neededBlobs(record, { parent, withUpdates: holdsUpdates(round, blobs) });
  const named = new Set<Digest | null>([...needed, ...record.verdicts.map(({ updateDigest }) => updateDigest)]);
  const stray = [...blobs.keys()].sort(compareText).find((digest) => !named.has(digest));
  if (stray !== undefined) return badBundle('the bundle holds what the record does not name', 'no such blob', stray);
  const missing = needed.find((digest) => !blobs.has(digest));
  return missing && badBundle('a blob is missing', missing, 'none');
}

function readUpdate(
  stated: { readonly client: ClientId; readonly update: Digest; readonly byteLength: number | undefined },
  { config, record }: BundledRound,
  blobs: Bundle['blobs'],
): BundledUpdate | Refused {
  const { client, update, byteLength } = stated;
  const bytes = blobs.get(update) ?? new Uint8Array();
  const where = `the update of ${client}`;
  if (bytes.length !== byteLength) return badBundle(`${where} has another length`, `${byteLength}`, `${bytes.length}`);
  const decoded = decodeSafetensors(bytes, termsOf(config).tensors);
  if (decoded.kind === 'refused') return badBundle(`${where}: ${decoded.refusal.message}`, 'tensors', 'others');
  const { values } = decoded;
  const measured = magnitudes(values);
  if (!Number.isFinite(measured.normL2)) return badBundle(`${where} is not finite`, 'finite values', 'NaN or infinity');
  // Under central privacy nothing of it may be told, which recompute-release.ts sees to.
  if (config.privacy.mode === 'central') return { client, values };
  const verdict = record.verdicts.find((each) => each.client === client);
  const { normL2, maxAbsolute } = measured;
  if (verdict?.normL2 === normL2 && verdict.maxAbsolute === maxAbsolute) return { client, values };
  return badBundle(`${where} has other figures`, `L2 norm ${verdict?.normL2}`, `${normL2}`);
}
