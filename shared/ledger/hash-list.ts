// A growing list of hashes, 32 bytes each and nothing around them: one level of a Merkle tree of millions of leaves.

const HASH_BYTES = 32;

export class HashList {
  #bytes = new Uint8Array(HASH_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A view that holds until the list is next changed. `index` is below `length`. */
  at(index: number): Uint8Array {
    return this.#bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  push(hash: Uint8Array): void {
    const offset = this.#length * HASH_BYTES;
    if (offset === this.#bytes.length) {
      const grown = new Uint8Array(2 * offset);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(hash, offset);
    this.#length += 1;
  }

  /** Keeps the first `length`. */
  truncate(length: number): void {
    this.#length = length;
  }
}
