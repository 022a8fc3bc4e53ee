// A whole ledger, stored or exported -> what was verified of it and what nobody can know from it alone, or the first
// thing that is wrong, an impossible course of events included. Pure: whoever holds the texts and notes can ask, without the folder and without the coordinator.

import type { FederationId } from '../../shared/ids.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
import type { SignedHead } from '../ledger/ledger-store.ts';
import { type Course, followCourse } from './follow-course.ts';
import { damagedEntry, type EntryChain, type ParseEntry, type StatedEntry, verifyEntries } from './verify-entries.ts';
import { type StatedHead, verifyHeads } from './verify-heads.ts';

/** What the asker brings along from elsewhere. */
export interface Held {
  /** Key that the ledger has to be of, hex. */
  readonly ledgerKey?: string | undefined;
  /** An older note. */
  readonly checkpoint?: string | undefined;
}

export interface LedgerClaim extends Held {
  readonly federation: FederationId;
  readonly entries: readonly StatedEntry[];
  /** By size. */
  readonly heads: readonly StatedHead[];
  readonly parse: ParseEntry;
}

export interface VerifiedLedger {
  readonly kind: 'verified';
  readonly entries: readonly LedgerEntry[];
  readonly head: SignedHead;
  readonly ledgerKey: string;
  /** What its entries come to. */
  readonly course: Course;
  /** Plain sentences. */
  readonly cannotKnow: readonly string[];
}

/** Refuses ledger-damaged, ledger-rewritten and, for a held note that is not of this ledger's key, bad-checkpoint. */
export async function verifyLedger(claim: LedgerClaim): Promise<VerifiedLedger | Refused> {
  const chain = verifyEntries(claim.entries, claim);
  if (isRefused(chain)) return chain;
  const { ledgerKey: expected } = claim;
  const { entries, ledgerKey } = chain;
  if (expected !== undefined && expected !== ledgerKey)
    return damagedEntry(1, { expected: `the ledger of the key ${expected}`, found: `that of ${ledgerKey}` });
  const newest = await verifyHeads(claim.heads, chain, claim.federation);
  if (isRefused(newest)) return newest;
  const complaint = await heldComplaint(claim, chain);
  if (complaint) return complaint;
  const course = followCourse(entries);
  if (isRefused(course)) return course;
  const { size, root, note } = newest;
  return { kind: 'verified', entries, head: { size, root, note }, ledgerKey, course, cannotKnow: cannotKnow(claim) };
}

async function heldComplaint(
  { checkpoint, federation }: LedgerClaim,
  { tree, entries, ledgerKey: publicKey }: EntryChain,
): Promise<Refused | undefined> {
  if (checkpoint === undefined) return undefined;
  const held = await openCheckpoint(checkpoint, { origin: originOf(federation), publicKey });
  if (isRefused(held)) return held;
  const root = held.size <= tree.size ? tree.root(held.size) : undefined;
  if (root === held.root) return undefined;
  const found = root === undefined ? `only ${tree.size} entries` : `root ${root}`;
  const expected = `root ${held.root} over the first ${held.size} entries`;
  return refuse('ledger-rewritten', { expected, found, hint: rewrittenHint(entries) });
}

function rewrittenHint(entries: readonly LedgerEntry[]): string {
  const recovered = entries.findLast(({ event }) => event.type === 'ledger-recovered');
  const after = recovered
    ? `entry ${recovered.sequence} says that the ledger was restored from a backup: ask its admin what was lost`
    : 'the ledger does not say that it was restored from a backup: ask its admin';
  return `${after}; keep both as evidence`;
}

function cannotKnow({ checkpoint, ledgerKey }: Held): readonly string[] {
  const unheld = [
    'Whether the history was rewritten by whoever holds the ledger’s key: only a checkpoint kept elsewhere shows it (--checkpoint).',
    'Whether entries at the end were cut off together with their checkpoints: what is left looks complete.',
  ];
  const held = ['Whether what follows the checkpoint you hold was rewritten or cut back: keep the newest one as well.'];
  return [
    ...(checkpoint === undefined ? unheld : held),
    ...(ledgerKey === undefined
      ? [
          'Whether this is the key of the federation you mean: it is the ledger’s own word (an invite states it: --key).',
        ]
      : []),
    'Whether a decision was right, or whether something was never written down: the ledger shows what was recorded.',
  ];
}
