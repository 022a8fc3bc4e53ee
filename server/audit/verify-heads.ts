// The checkpoints that a ledger keeps, against its entries: each signed by the ledger's key, over a beginning of these
// entries, one for a size. Every entry names the size that was signed with it: no checkpoint can be taken away, and none
// put between entries that were appended together.

import type { FederationId } from '../../shared/ids.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { SignedHead } from '../ledger/ledger-store.ts';
import { DAMAGE_HINT, damagedEntry, type EntryChain } from './verify-entries.ts';

/** Columns are stated only where they are stored. */
export type StatedHead = Pick<SignedHead, 'note'> & Partial<SignedHead>;

export interface VerifiedHead extends SignedHead {
  readonly kind: 'head';
}

/** `stated`: by size. @returns the newest, or ledger-damaged. */
export async function verifyHeads(
  stated: readonly StatedHead[],
  chain: EntryChain,
  federation: FederationId,
): Promise<VerifiedHead | Refused> {
  let newest: VerifiedHead | undefined;
  const sizes: number[] = [];
  for (const head of stated) {
    const verified = await verifyHead(head, chain, federation);
    if (isRefused(verified)) return verified;
    if (newest && verified.size <= newest.size)
      return damagedHead(verified.size, { expected: `a size above ${newest.size}`, found: `${verified.size}` });
    newest = verified;
    sizes.push(verified.size);
  }
  const { size } = chain.tree;
  if (newest?.size === size) return misplacedHead(chain, sizes) ?? newest;
  const covered = newest?.size ?? 0;
  return damagedEntry(covered + 1, {
    expected: `a checkpoint over all ${size} entries: every append signs one`,
    found: newest ? `the newest over ${covered}` : 'no checkpoint',
  });
}

/** `sizes`: ascending, up to the number of entries. Each entry is to name the smallest of them that is over it. */
function misplacedHead({ entries }: EntryChain, sizes: readonly number[]): Refused | undefined {
  const signed = new Set(sizes);
  let covering = 0;
  for (const { sequence, head } of entries) {
    if ((sizes[covering] ?? Infinity) < sequence) covering++;
    const size = sizes[covering];
    if (head === size) continue;
    if (head >= sequence && head <= entries.length && !signed.has(head))
      return damagedHead(head, { expected: `a checkpoint: entry ${sequence} was signed with it`, found: 'none' });
    return damagedEntry(sequence, { expected: `head ${size}, the first signed over it`, found: `head ${head}` });
  }
  return undefined;
}

async function verifyHead(
  { note, size, root }: StatedHead,
  { tree, ledgerKey: publicKey }: EntryChain,
  federation: FederationId,
): Promise<VerifiedHead | Refused> {
  const opened = await openCheckpoint(note, { origin: originOf(federation), publicKey });
  if (isRefused(opened)) {
    const { message, expected = message, found = message } = opened.refusal;
    return damagedHead(size ?? '?', { expected, found });
  }
  if (size !== undefined && size !== opened.size)
    return damagedHead(size, { expected: `a note of size ${size}`, found: `one of size ${opened.size}` });
  if (root !== undefined && root !== opened.root)
    return damagedHead(opened.size, { expected: `root ${opened.root} as signed`, found: root });
  if (opened.size > tree.size)
    return damagedEntry(tree.size + 1, {
      expected: `${opened.size} entries, as a checkpoint was signed over so many`,
      found: `${tree.size}`,
    });
  const ours = tree.root(opened.size);
  if (opened.root !== ours)
    return damagedHead(opened.size, { expected: `root ${ours} of the entries`, found: `${opened.root} as signed` });
  return { kind: 'head', size: opened.size, root: opened.root, note };
}

function damagedHead(size: number | string, facts: { readonly expected: string; readonly found: string }): Refused {
  const message = `the ledger is not as it was written: the checkpoint of size ${size}`;
  return refuse('ledger-damaged', { message, ...facts, hint: DAMAGE_HINT });
}
