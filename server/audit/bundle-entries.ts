// The entries of a bundle against its checkpoint: each is what it says, in its place under a head that the ledger's key
// signed, and that head continues the one that the asker holds and those that clients signed. Only entries that pass
// here are looked at further.

import type { FederationId } from '../../shared/ids.ts';
import { openCheckpoint, originOf, type TreeHead } from '../../shared/ledger/checkpoint.ts';
import { entryHash } from '../../shared/ledger/ledger-hash.ts';
import { verifyConsistency, verifyInclusion } from '../../shared/ledger/merkle-proofs.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { badBundle, type BundleText } from './bundle-form.ts';
import type { EventOf, LedgerEntry, LedgerEvent } from '../ledger/ledger-event.ts';
import { type ParseEntry, readCanonical } from './verify-entries.ts';
import type { Held } from './verify-ledger.ts';

export interface ProvenEntries {
  readonly kind: 'proven';
  readonly federation: FederationId;
  readonly head: TreeHead;
  readonly ledgerKey: string;
  /** By sequence; the first founds the federation. */
  readonly entries: readonly LedgerEntry[];
}

/** Refuses bad-bundle, bad-checkpoint and ledger-rewritten. */
export async function proveEntries(
  text: BundleText,
  held: Held & { parse: ParseEntry },
): Promise<ProvenEntries | Refused> {
  const { federation, checkpoint } = text;
  const entries: LedgerEntry[] = [];
  for (const stated of text.entries) {
    const entry = readCanonical(stated.text, held.parse);
    if (entry?.sequence !== stated.sequence || entry.federation !== federation)
      return badEntry(stated.sequence, `an entry of ${federation} with this number, in canonical JSON`, stated.text);
    if (entry.sequence <= (entries.at(-1)?.sequence ?? 0))
      return badEntry(entry.sequence, 'a higher number than the one before', `${entry.sequence}`);
    entries.push(entry);
  }
  const founding = entries[0]?.event;
  if (entries[0]?.sequence !== 1 || founding?.type !== 'federation-founded')
    return badEntry(1, 'the entry that founds the federation', founding?.type ?? 'none');
  const { ledgerKey } = founding;
  if (held.ledgerKey !== undefined && held.ledgerKey !== ledgerKey)
    return badBundle('the bundle is of another ledger', `the key ${held.ledgerKey}`, ledgerKey);
  const head = await openCheckpoint(checkpoint, { origin: originOf(federation), publicKey: ledgerKey });
  if (isRefused(head)) return head;
  const proven = { kind: 'proven', federation, head, ledgerKey, entries } as const;
  return proofComplaint(text, head) ?? (await heldComplaint(held, text, proven)) ?? proven;
}

/** The one entry of that kind; refused where there is none or more than one. */
export function theOne<Type extends LedgerEvent['type']>(
  type: Type,
  entries: readonly LedgerEntry[],
): (LedgerEntry & { readonly event: EventOf<Type> }) | Refused {
  const found = allOf(type, entries);
  const [only] = found;
  return only && found.length === 1
    ? only
    : badBundle('the entries do not make a round', `one ${type}`, `${found.length}`);
}

export function allOf<Type extends LedgerEvent['type']>(
  type: Type,
  entries: readonly LedgerEntry[],
): (LedgerEntry & { readonly event: EventOf<Type> })[] {
  const isOfType = (event: LedgerEvent): event is EventOf<Type> => event.type === type;
  return entries.flatMap((entry) => (isOfType(entry.event) ? [{ ...entry, event: entry.event }] : []));
}

function proofComplaint({ entries, consistency }: BundleText, head: TreeHead): Refused | undefined {
  for (const { sequence, text, proof } of entries) {
    const leaf = entryHash(text);
    const claim = { leaf, index: sequence - 1, size: head.size, proof, root: head.root };
    if (!verifyInclusion(claim)) return badEntry(sequence, 'a proof that it is under the checkpoint', 'one that fails');
  }
  const broken = consistency.find(
    ({ size, root, proof }) => !verifyConsistency({ from: { size, root }, to: head, proof }),
  );
  return (
    broken && badBundle('an older head is not proven to be a beginning of the history', `size ${broken.size}`, 'not')
  );
}

async function heldComplaint(
  { checkpoint }: Held,
  text: BundleText,
  { federation, head, ledgerKey: publicKey }: ProvenEntries,
): Promise<Refused | undefined> {
  if (checkpoint === undefined) return undefined;
  const held = await openCheckpoint(checkpoint, { origin: originOf(federation), publicKey });
  if (isRefused(held)) return held;
  const known = [head, ...text.consistency].find(({ size }) => size === held.size);
  if (known?.root === held.root) return undefined;
  const expected = `root ${held.root} over the first ${held.size} entries`;
  if (known)
    return refuse('ledger-rewritten', { expected, found: `root ${known.root}`, hint: 'keep both as evidence' });
  return refuse('bad-bundle', {
    message: 'the bundle does not say whether it continues the checkpoint you hold',
    expected,
    found: `a checkpoint of size ${head.size}`,
    hint: 'have the bundle exported for it: muster bundle export N FILE --checkpoint NOTE',
  });
}

function badEntry(sequence: number, expected: string, found: string): Refused {
  const printable = found.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80);
  return badBundle(`entry ${sequence} of the bundle is not of the ledger`, expected, printable);
}
