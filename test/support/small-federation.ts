// A federation of six parameters: its terms, clients with real keys, update files and signed statements. What a test of
// one stage hands in; nothing here is stored anywhere.

import type { EnrolledClient } from '../../server/admission/enrolment-store.ts';
import type { AnnouncedUpdate } from '../../server/update/stages.ts';
import { sha256 } from '../../shared/digest.ts';
import { type SigningKey, signingKeyFromSeed } from '../../shared/ed25519.ts';
import { asDigest, asFederationId, asOrganisationId, compareText, type Digest } from '../../shared/ids.ts';
import { type Envelope, envelopeBytes } from '../../shared/protocol/envelope.ts';
import type { UploadBegin } from '../../shared/protocol/messages.ts';
import { privacyClaimOf } from '../../shared/protocol/privacy-claim.ts';
import type { OfferedRound } from '../../shared/protocol/round-record.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { canonicalOrder, schemaText, type TensorSchema } from '../../shared/update-format/tensor-schema.ts';

export const federation = asFederationId('digits');
export const organisation = asOrganisationId('st-mary');
export const baseModel: Digest = asDigest('ba'.repeat(32));

export const schema: TensorSchema = canonicalOrder([
  { name: 'dense/kernel', shape: [2, 2] },
  { name: 'dense/bias', shape: [2] },
]);

export const terms: FederationTerms = {
  federation,
  tensors: schema,
  training: { learningRate: 0.5, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1.5 },
  privacy: {
    mode: 'local',
    noiseMultiplier: 1.03,
    epsilonBudget: 8,
    delta: 1e-4,
    adjacency: 'add-remove',
    unit: 'example',
    void: false,
  },
  rounds: 15,
};

export const openTerms: FederationTerms = { ...terms, privacy: { mode: 'none' } };

/** The key of that number. */
export const keyAt = (index: number): Promise<SigningKey> => signingKeyFromSeed(index.toString(16).padStart(64, '0'));

/** What is known of a client that has just been let in. */
export const newcomer = {
  status: 'active',
  reason: null,
  predecessor: null,
  looksLike: null,
  suspicion: 0,
  judged: 0,
} as const satisfies Partial<EnrolledClient>;

export interface Member {
  readonly key: SigningKey;
  readonly client: EnrolledClient;
}

export async function member(index: number): Promise<Member> {
  const key = await keyAt(index);
  const { clientId: id, publicKey } = key;
  const enrolledAt = new Date('2026-02-28T12:00:00.000Z');
  return { key, client: { id, organisation, name: `ward ${index}`, publicKey, enrolledAt, ...newcomer } };
}

/** In the order of client ids. */
export async function members(count: number): Promise<readonly Member[]> {
  const all = await Promise.all(Array.from({ length: count }, (_, i) => member(i + 1)));
  return all.sort((a, b) => compareText(a.client.id, b.client.id));
}

export function memberAt(cohort: readonly Member[], index: number): Member {
  const found = cohort[index];
  if (!found) throw new Error(`expected more than ${index} members, found ${cohort.length}`);
  return found;
}

/** In the order of client ids. */
export async function threeMembers(): Promise<readonly [Member, Member, Member]> {
  const all = await members(3);
  return [memberAt(all, 0), memberAt(all, 1), memberAt(all, 2)];
}

export function roundFor(cohort: readonly Member[], changes: Partial<OfferedRound> = {}): OfferedRound {
  const ids = cohort.map(({ client }) => client.id);
  return {
    number: 1,
    baseModel,
    eligible: ids,
    cohort: ids,
    seedCommitment: asDigest('c0'.repeat(32)),
    f: 0,
    offeredAt: '2026-03-01T12:00:00.000Z',
    ...changes,
  };
}

export const updateFile = (values: readonly number[]): Uint8Array<ArrayBuffer> =>
  encodeSafetensors(schema, Float32Array.from(values));

export async function envelopeFor(
  { client }: Member,
  bytes: Uint8Array<ArrayBuffer>,
  changes: Partial<Envelope> = {},
): Promise<Envelope> {
  return {
    protocolVersion: 1,
    federation,
    client: client.id,
    round: 1,
    baseModelDigest: baseModel,
    updateDigest: await sha256(bytes),
    byteLength: bytes.byteLength,
    schemaDigest: await sha256(schemaText(schema)),
    privacy: privacyClaimOf(terms),
    checkpoint: { size: 1, root: asDigest('c1'.repeat(32)) },
    nonce: '0123456789abcdef'.repeat(2),
    ...changes,
  };
}

/** `key`: who signs. */
export async function beginFor(envelope: Envelope, key: SigningKey): Promise<UploadBegin> {
  const { federation: to, round } = envelope;
  return { federation: to, round, envelope, signature: await key.sign(envelopeBytes(envelope)) };
}

export async function announcedBy(
  sender: Member,
  bytes: Uint8Array<ArrayBuffer>,
  changes: Partial<Envelope> = {},
): Promise<AnnouncedUpdate> {
  const envelope = await envelopeFor(sender, bytes, changes);
  const { signature } = await beginFor(envelope, sender.key);
  return { kind: 'announced', client: sender.client, envelope, signature };
}
