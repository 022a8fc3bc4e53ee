// The signed statement against the round it is for: whose it is, over which model, on which terms. A bad signature is
// found first, so that nothing else in the statement is ever held against the key it names.

import { verifySignature } from '../../../shared/ed25519.ts';
import type { Digest } from '../../../shared/ids.ts';
import { type Envelope, envelopeBytes, type PrivacyClaim } from '../../../shared/protocol/envelope.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../../shared/protocol/terms.ts';
import { privacyClaimOf } from '../../../shared/protocol/privacy-claim.ts';
import { maxSafetensorsBytes } from '../../../shared/update-format/safetensors.ts';
import type { AdmittedUpload } from '../../admission/admit-upload.ts';
import type { AnnouncedUpdate } from '../stages.ts';

export interface StatementTerms {
  readonly terms: FederationTerms;
  readonly schemaDigest: Digest;
  /** Whether a tree head of the ledger was signed here. */
  isCheckpoint(head: Envelope['checkpoint']): Promise<boolean>;
}

export async function checkStatement(
  { client, begin, round }: AdmittedUpload,
  { terms, schemaDigest, isCheckpoint }: StatementTerms,
): Promise<AnnouncedUpdate | Refused> {
  const { envelope, signature } = begin;
  const signed =
    envelope.client === client.id && (await verifySignature(client.publicKey, signature, envelopeBytes(envelope)));
  if (!signed) return refuse('bad-signature', { expected: `a signature of ${client.id}` });
  if (envelope.federation !== terms.federation) return refuse('wrong-federation', { found: envelope.federation });
  if (envelope.round !== round.number) {
    return refuse('replayed', { expected: `a statement for round ${round.number}`, found: `round ${envelope.round}` });
  }
  const { baseModelDigest } = envelope;
  if (baseModelDigest !== round.baseModel) {
    return refuse('wrong-base', { expected: round.baseModel, found: baseModelDigest });
  }
  const { checkpoint } = envelope;
  if (!(await isCheckpoint(checkpoint))) return unknownCheckpoint(checkpoint);
  return termsComplaint(envelope, terms, schemaDigest) ?? { kind: 'announced', client, envelope, signature };
}

function termsComplaint(envelope: Envelope, terms: FederationTerms, schemaDigest: Digest): Refused | undefined {
  const maxBytes = maxSafetensorsBytes(terms.tensors);
  if (envelope.byteLength > maxBytes) {
    return refuse('too-large', {
      expected: `at most ${maxBytes} bytes`,
      found: `${envelope.byteLength} bytes declared`,
    });
  }
  if (envelope.schemaDigest !== schemaDigest) {
    return refuse('bad-shape', { expected: `tensor schema ${schemaDigest}`, found: envelope.schemaDigest });
  }
  const [claimed, required] = [claimText(envelope.privacy), claimText(privacyClaimOf(terms))];
  if (claimed !== required) return refuse('wrong-terms', { expected: required, found: claimed });
  return undefined;
}

/** Either the client was shown another history, or this one was taken back: both are for people to look into. */
const unknownCheckpoint = ({ size, root }: Envelope['checkpoint']): Refused =>
  refuse('unknown-checkpoint', { expected: 'a checkpoint of this ledger', found: `size ${size}, root ${root}` });

function claimText(claim: PrivacyClaim | null): string {
  if (claim === null) return 'no privacy';
  const { noiseMultiplier, clippingNormL2 } = claim;
  if ('noiseBy' in claim) {
    const { plannedClients } = claim;
    return `noise by the coordinator: multiplier ${noiseMultiplier}, clipping norm ${clippingNormL2}, ${plannedClients} planned clients`;
  }
  const { samplingRate, steps } = claim;
  return `noise multiplier ${noiseMultiplier}, sampling rate ${samplingRate}, clipping norm ${clippingNormL2}, ${steps} steps`;
}
