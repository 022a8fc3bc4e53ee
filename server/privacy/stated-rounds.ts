// Whether rounds that a client states as spent are to be charged to it, by what stands before the statement and nothing
// else: whoever charges them and whoever follows the ledger afterwards ask the same question. A statement is charged as a
// whole or not at all, so that an entry is no longer than what it charges, and a round of a client is in one entry at most.

import type { RefusalCode } from '../../shared/protocol/refusals.ts';

export interface BeforeStated {
  /** The ledger says that a backup was restored: only then can rounds have been run that are not here. */
  readonly isRestored: boolean;
  /** Number of rounds in all. */
  readonly planned: number;
  /** Whether that round counts against the client already. */
  readonly isCounted: (round: number) => boolean;
}

export interface NotCharged {
  /** Null where the statement only says nothing new, which is no offence. */
  readonly code: RefusalCode | null;
  readonly expected: string;
  readonly found: string;
}

/** Undefined where all of `rounds` are to be charged. */
export function notCharged(rounds: readonly number[], before: BeforeStated): NotCharged | undefined {
  const { isRestored, planned, isCounted } = before;
  if (!isRestored) return { code: null, expected: 'a restored backup before it', found: 'a whole ledger' };
  const beyond = beyondPlanned(rounds, planned);
  if (beyond) return beyond;
  const counted = rounds.filter(isCounted);
  if (counted.length === 0) return undefined;
  const code = counted.length === rounds.length ? null : 'replayed';
  return { code, expected: 'rounds that do not count yet', found: `round ${counted[0]}` };
}

/** Of rounds that will never be run. */
export function beyondPlanned(rounds: readonly number[], planned: number): NotCharged | undefined {
  const beyond = rounds.find((round) => round > planned);
  if (beyond === undefined) return undefined;
  return { code: 'wrong-terms', expected: `rounds up to ${planned}`, found: `round ${beyond}` };
}
