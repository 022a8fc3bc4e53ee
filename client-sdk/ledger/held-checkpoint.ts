// A checkpoint that was opened, with the note that it was opened from: signed evidence for whoever is to be convinced.

import type { TreeHead } from '../../shared/ledger/checkpoint.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';

export interface HeldCheckpoint extends TreeHead {
  readonly note: string;
}

export const isSameHead = (one: TreeHead, other: TreeHead): boolean =>
  one.size === other.size && one.root === other.root;

/** `expected` and `found` are the two notes, whole: who signed both has told two histories. */
export function rewritten(held: HeldCheckpoint, shown: HeldCheckpoint): Refused {
  return refuse('ledger-rewritten', {
    message: `the ledger shown (${headText(shown)}) does not extend the one seen before (${headText(held)})`,
    expected: held.note,
    found: shown.note,
    hint: 'keep both notes, show them to the other clients, and ask the admin whether a backup was restored',
  });
}

const headText = ({ size, root }: TreeHead): string => `${size} entries, root ${root}`;
