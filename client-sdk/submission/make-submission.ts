// A trained update -> what is sent: safetensors bytes in canonical order, and a signed statement about them. Where the
// update has no noise of its own, its bytes hold a random salt, so that their digest, which goes on the ledger for all to
// read, cannot be compared with guesses at the update.

import { randomHex } from '../../shared/bytes.ts';
import { sha256 } from '../../shared/digest.ts';
import type { SigningKey } from '../../shared/ed25519.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { TreeHead } from '../../shared/ledger/checkpoint.ts';
import { type Envelope, envelopeBytes } from '../../shared/protocol/envelope.ts';
import type { Offer } from '../../shared/protocol/messages.ts';
import { privacyClaimOf } from '../../shared/protocol/privacy-claim.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol/version.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { parameterCount, schemaText } from '../../shared/update-format/tensor-schema.ts';
import type { Submission } from '../participation/client-store.ts';

const NONCE_BYTES = 16;
const SALT_BYTES = 32;

export interface SubmissionFacts {
  readonly offer: Offer;
  readonly terms: FederationTerms;
  readonly key: SigningKey;
  /** Of the last ledger checkpoint that the client has checked. */
  readonly checkpoint: TreeHead;
}

/** @throws InvariantError when the trainer returned another number of values than the model has. */
export async function makeSubmission(
  update: Float32Array,
  { offer, terms, key, checkpoint }: SubmissionFacts,
): Promise<Submission> {
  const expected = parameterCount(terms.tensors);
  if (update.length !== expected) {
    throw new InvariantError(`the trainer returned ${update.length} values, the model has ${expected}`);
  }
  const salt = terms.privacy.mode === 'central' ? { salt: randomHex(SALT_BYTES) } : undefined;
  const bytes = encodeSafetensors(terms.tensors, update, salt);
  const envelope: Envelope = {
    protocolVersion: PROTOCOL_VERSION,
    federation: terms.federation,
    client: key.clientId,
    round: offer.round,
    baseModelDigest: offer.baseModelDigest,
    updateDigest: await sha256(bytes),
    byteLength: bytes.byteLength,
    schemaDigest: await sha256(schemaText(terms.tensors)),
    privacy: privacyClaimOf(terms),
    checkpoint: { size: checkpoint.size, root: checkpoint.root },
    nonce: randomHex(NONCE_BYTES),
  };
  return { envelope, signature: await key.sign(envelopeBytes(envelope)), bytes };
}
