// Where things lie in the kernel's linear memory while one shard is computed: one after the other from the start, grown
// as needed and never given back, so that the next shard finds it large enough.

const PAGE = 65_536;
/** Bytes; cache lines, so that no two regions share one. */
const ALIGNMENT = 64;

export class LinearMemory {
  readonly #memory: WebAssembly.Memory;
  // Address 0 stays free: a null reference in the kernel's language.
  #end = ALIGNMENT;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Returns the address. Views that were made before may become empty. */
  reserve(bytes: number): number {
    const address = this.#end;
    this.#end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const lacking = this.#end - this.#memory.buffer.byteLength;
    if (lacking > 0) this.#memory.grow(Math.ceil(lacking / PAGE));
    return address;
  }

  reserveZeros(bytes: number): number {
    const address = this.reserve(bytes);
    new Uint8Array(this.#memory.buffer, address, bytes).fill(0);
    return address;
  }

  /** For structures of assembly/layout.ts that hold addresses and whole numbers alone. */
  reserveWords(words: ArrayLike<number>): number {
    const address = this.reserve(words.length * 4);
    this.words(address, words.length).set(words);
    return address;
  }

  words(address: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#memory.buffer, address, length);
  }

  floats(address: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer, address, length);
  }

  doubles(address: number, length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#memory.buffer, address, length);
  }
}
