// The entries of a ledger as somebody states them -> the chain they make, or the first one that is wrong: its text is not
// the canonical JSON of a known kind of entry, its place or link is another's, or a column that finds it says otherwise.

import type { ClientId, Digest, FederationId } from '../../shared/ids.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { entryHash, GENESIS } from '../../shared/ledger/ledger-hash.ts';
import { MerkleTree } from '../../shared/ledger/merkle-tree.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
import type { LedgerRow } from '../ledger/ledger-store.ts';

/** Columns are stated only where they are stored. */
export type StatedEntry = Pick<LedgerRow, 'text'> & Partial<LedgerRow>;

/** An entry's text, read; throws for what is none. */
export type ParseEntry = (text: string) => LedgerEntry;

export interface EntryChain {
  readonly kind: 'chain';
  /** At least one; entry n is leaf n - 1 of the tree. */
  readonly entries: readonly LedgerEntry[];
  readonly tree: MerkleTree;
  /** As the first entry names it, hex. */
  readonly ledgerKey: string;
}

interface Place {
  readonly sequence: number;
  readonly federation: FederationId;
  readonly previous: Digest;
}

/** Refuses ledger-damaged. */
export function verifyEntries(
  stated: readonly StatedEntry[],
  { federation, parse }: { readonly federation: FederationId; readonly parse: ParseEntry },
): EntryChain | Refused {
  const tree = new MerkleTree();
  const entries: LedgerEntry[] = [];
  let [previous, ledgerKey] = [GENESIS, ''];
  for (const row of stated) {
    const place = { sequence: entries.length + 1, federation, previous };
    const entry = readCanonical(row.text, parse);
    if (!entry) return damagedEntry(place.sequence, notAnEntry(row.text));
    previous = entryHash(row.text);
    const complaint =
      placeComplaint(entry, place) ?? columnComplaint(row, entry, previous) ?? headComplaint(entry, tree);
    if (complaint) return complaint;
    if (entry.event.type === 'federation-founded') ledgerKey = entry.event.ledgerKey;
    tree.append(previous);
    entries.push(entry);
  }
  if (entries.length === 0) return damagedEntry(1, { expected: 'the entry that founds the federation', found: 'none' });
  return { kind: 'chain', entries, tree, ledgerKey };
}

/** Undefined where the text is not, byte for byte, what its entry is written as. */
export function readCanonical(text: string, parse: ParseEntry): LedgerEntry | undefined {
  try {
    const entry = parse(text);
    const { event, sequence, federation, at, previous, head } = entry;
    const canonical = canonicalJson({ ...event, sequence, federation, at: at.toISOString(), previous, head });
    return canonical === text ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** `ledger-damaged`, naming the entry. */
export function damagedEntry(sequence: number, facts: { readonly expected: string; readonly found: string }): Refused {
  const message = `the ledger is not as it was written: entry ${sequence}`;
  return refuse('ledger-damaged', { message, ...facts, hint: DAMAGE_HINT });
}

export const DAMAGE_HINT =
  'keep this folder as evidence; restore a backup of before the change and compare it with a checkpoint kept elsewhere';

function placeComplaint(entry: LedgerEntry, place: Place): Refused | undefined {
  for (const key of ['sequence', 'federation', 'previous'] as const)
    if (entry[key] !== place[key])
      return damagedEntry(place.sequence, {
        expected: `${key} ${place[key]}`,
        found: `${key} ${entry[key]}`,
      });
  const { type } = entry.event;
  if ((type === 'federation-founded') === (place.sequence === 1)) return undefined;
  const expected = 'the federation founded by entry 1 and no other';
  return damagedEntry(place.sequence, { expected, found: type });
}

function columnComplaint(row: StatedEntry, entry: LedgerEntry, hash: Digest): Refused | undefined {
  const { sequence, event, at } = entry;
  const written = { sequence, hash, at, type: event.type, round: roundOf(event), client: clientOf(event) } as const;
  for (const key of ['sequence', 'hash', 'at', 'type', 'round', 'client'] as const) {
    if (!(key in row) || comparable(row[key]) === comparable(written[key])) continue;
    const [expected, found] = [written[key], row[key]].map((value) => `${key} ${shown(value)}`);
    return damagedEntry(sequence, { expected: expected ?? '', found: found ?? '' });
  }
  return undefined;
}

/** Entries that name a head of this very ledger: it has to be the one that the entries before them make. */
function headComplaint({ sequence, event }: LedgerEntry, tree: MerkleTree): Refused | undefined {
  const named = headOf(event);
  if (!named) return undefined;
  const root = named.size < sequence ? tree.root(named.size) : undefined;
  if (root === named.root) return undefined;
  return damagedEntry(sequence, {
    expected:
      root === undefined ? `a head of fewer than ${sequence} entries` : `root ${root} over ${named.size} entries`,
    found: `size ${named.size}, root ${named.root}, in a ${event.type}`,
  });
}

function headOf(event: LedgerEntry['event']): { readonly size: number; readonly root: string } | undefined {
  if (event.type === 'update-announced') return event.envelope.checkpoint;
  return event.type === 'ledger-recovered' ? { size: event.kept, root: event.root } : undefined;
}

type Column = LedgerRow[keyof LedgerRow] | undefined;

const comparable = (value: Column): Column => (value instanceof Date ? value.getTime() : value);
const shown = (value: Column): string =>
  value instanceof Date ? (Number.isNaN(value.getTime()) ? 'no date' : value.toISOString()) : String(value);

const roundOf = (event: LedgerEntry['event']): number | null => ('round' in event ? event.round : null);
const clientOf = (event: LedgerEntry['event']): ClientId | null => ('client' in event ? event.client : null);

function notAnEntry(text: string): { readonly expected: string; readonly found: string } {
  const found = text.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, '?');
  return { expected: 'the canonical JSON of a known kind of entry', found };
}
