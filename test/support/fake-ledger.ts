// A ledger in memory, whose owner a test can make lie: entries in a Merkle tree, a signed checkpoint after every one of
// them, honest proofs, and forks, which are signed by the same key.

import { type Json, canonicalJson } from '../../shared/canonical-json.ts';
import { type SigningKey, signingKeyFromSeed } from '../../shared/ed25519.ts';
import { asFederationId, type Digest } from '../../shared/ids.ts';
import { originOf, signCheckpoint, type TreeHead } from '../../shared/ledger/checkpoint.ts';
import { entryHash, GENESIS } from '../../shared/ledger/ledger-hash.ts';
import { MerkleTree } from '../../shared/ledger/merkle-tree.ts';
import type { EntryProof, LedgerProof, LedgerProofRequest } from '../../shared/protocol/messages.ts';

const federation = asFederationId('study');
const COMMITS: readonly unknown[] = ['federation-founded', 'round-committed'];

interface Row {
  readonly event: { readonly [key: string]: Json };
  readonly text: string;
  /** The checkpoint that was signed when it was appended. */
  readonly note: string;
}

export class FakeLedger {
  readonly #tree = new MerkleTree();
  readonly #rows: Row[] = [];
  readonly #key: SigningKey;

  private constructor(key: SigningKey) {
    this.#key = key;
  }

  /** `seed`: the private key of the ledger. */
  static async found(model: Digest, seed = '1e'.repeat(32)): Promise<FakeLedger> {
    const ledger = new FakeLedger(await signingKeyFromSeed(seed));
    await ledger.append({ type: 'federation-founded', model });
    return ledger;
  }

  get publicKey(): string {
    return this.#key.publicKey;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** The newest checkpoint, or that of an earlier size. */
  get note(): string {
    return this.noteAt(this.size);
  }

  noteAt(size: number): string {
    const row = this.#rows[size - 1];
    if (!row) throw new Error(`expected a size of 1 to ${this.size}, found ${size}`);
    return row.note;
  }

  head(size = this.size): TreeHead {
    return { size, root: this.#tree.root(size) };
  }

  /** Written as a coordinator writes it, unless the event brings a `federation` of its own. */
  async append(event: { readonly [key: string]: Json }): Promise<void> {
    const previous = this.#rows.at(-1)?.text;
    const at = '2026-03-01T12:00:00.000Z';
    const sequence = this.size + 1;
    const row = { sequence, federation, at, previous: previous ? entryHash(previous) : GENESIS, head: sequence };
    await this.appendText(canonicalJson({ ...row, ...event }), event);
  }

  /** Any text at all as an entry, found as if it were that event. */
  async appendText(text: string, event: { readonly [key: string]: Json }): Promise<void> {
    this.#tree.append(entryHash(text));
    const head = { size: this.#tree.size, root: this.#tree.root() };
    const note = await signCheckpoint(head, { ...this.#key, origin: originOf(federation) });
    this.#rows.push({ event, text, note });
  }

  /** Another history under the same key: the first `kept` entries, and then a different one. */
  async fork(kept: number, event: { readonly [key: string]: Json } = { type: 'fork' }): Promise<FakeLedger> {
    const forked = new FakeLedger(this.#key);
    for (const row of this.#rows.slice(0, kept)) await forked.appendText(row.text, row.event);
    await forked.append(event);
    return forked;
  }

  /** What an honest owner answers: null for what is not so. */
  prove({ size, held, model }: LedgerProofRequest): LedgerProof {
    const from = this.#rows.findIndex(({ note }) => note === held) + 1;
    const isExtension = held !== null && from > 0 && from <= size && size <= this.size;
    return {
      kind: 'ledger-proof',
      consistency: isExtension ? this.#tree.consistencyProof(from, size) : null,
      recovered: this.entryProof(size, ({ event }) => event['type'] === 'ledger-recovered'),
      model: this.entryProof(size, ({ event }) => COMMITS.includes(event['type']) && event['model'] === model),
    };
  }

  /** Of the newest of the first `size` entries that is meant. */
  entryProof(size: number, isMeant: (row: Row) => boolean): EntryProof | null {
    const index = this.#rows.slice(0, size).findLastIndex(isMeant);
    const row = this.#rows[index];
    if (!row || size > this.size) return null;
    return { entry: row.text, index, proof: this.#tree.inclusionProof(index, size) };
  }
}
