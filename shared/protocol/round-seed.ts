// The recorded randomness of a round. The coordinator commits to a seed before it knows what the seed will decide, and
// reveals it with the record: the cohort is drawn from the seed, and a rule that draws does so from the seed mixed with
// the updates, at which no client can aim. Whoever runs the coordinator sees the updates before the close and
// could still leave one out: the record shows which reached the rule.

import { randomHex } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';
import { sha256 } from '../digest.ts';
import { asDigest, compareText, type Digest, type FederationId } from '../ids.ts';

const SEED_BYTES = 32;
const COMMITMENT_DOMAIN = 'muster/round-seed/v1';
const AGGREGATION_DOMAIN = 'muster/aggregation-seed/v1';

export interface RoundSeed {
  readonly federation: FederationId;
  readonly round: number;
  /** 256 bits, secret until the round is recorded. */
  readonly seed: Digest;
}

/** 256 bits of the system's secure generator, hex. */
export const newRoundSeed = (): Digest => asDigest(randomHex(SEED_BYTES));

/** SHA-256 of canonical JSON: hides the seed, and binds it to one round of one federation. */
export async function seedCommitment({ federation, round, seed }: RoundSeed): Promise<Digest> {
  return await sha256(canonicalJson({ domain: COMMITMENT_DOMAIN, federation, round, seed }));
}

/** SHA-256 of canonical JSON over the seed and the digests of the round's updates, sorted: their order does not matter. */
export async function aggregationSeed(seed: Digest, updateDigests: readonly Digest[]): Promise<Digest> {
  const updates = [...updateDigests].sort(compareText);
  return await sha256(canonicalJson({ domain: AGGREGATION_DOMAIN, seed, updates }));
}
