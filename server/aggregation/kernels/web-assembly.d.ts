// The part of the WebAssembly interface that is used here: neither the language's library nor @types/node declares it.

declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    /** By 65,536 bytes each; views of the buffer before become empty. */
    grow(pages: number): number;
  }
  function instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: object } }>;
}
