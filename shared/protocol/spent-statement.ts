// What a client signs to say which rounds it has spent that its coordinator does not count, as one does not that was
// restored from a backup. Spent is spent for good: said again, by whomever, it says nothing new, so that no challenge is in it.

import { canonicalBytes } from '../canonical-json.ts';

export interface SpentStatement {
  readonly federation: string;
  /** SHA-256 of the key that signs. */
  readonly client: string;
  /** Ascending, each once. */
  readonly rounds: readonly number[];
}

const DOMAIN = 'muster/spent-rounds/v1';

/** Rounds of one statement; whoever has more makes more of them. */
export const MAX_SPENT_ROUNDS = 1_000;

export const spentStatementBytes = ({ federation, client, rounds }: SpentStatement): Uint8Array<ArrayBuffer> =>
  canonicalBytes({ domain: DOMAIN, federation, client, rounds });
