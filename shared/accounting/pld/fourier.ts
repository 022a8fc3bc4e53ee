// The discrete Fourier transform of complex numbers, radix 2, in place, in float64. Forward takes natural order to
// bit-reversed order (Gentleman and Sande), inverse takes it back (Cooley and Tukey): between them the composition
// only multiplies point by point, for which order is nothing, so that nobody has to permute.
// Rounding: on each of the log2(size) levels a number takes part in one addition (u), one complex product (sqrt 5 u;
// Brent, Percival and Zimmermann 2007) and one rounded root of unity (sqrt 2 u), u = 2^-53.

import { InvariantError } from '../../invariant-error.ts';

/** Error of any entry of a transform, per level, in units of the sum of the absolute values that went in. */
export const ROUNDING_PER_LEVEL = 6 * 2 ** -53;

export interface ComplexArray {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export interface FourierTransform {
  readonly levels: number;
  /** X_k = sum of x_j e^(-2 pi i jk / size), X_k at the place whose binary digits are those of k reversed. */
  forward(values: ComplexArray): void;
  /** The inverse of `forward`, division by the size included. */
  inverse(values: ComplexArray): void;
}

/** @throws InvariantError where the size is not a power of two from 2 on. */
export function fourierTransform(size: number): FourierTransform {
  const levels = Math.log2(size);
  if (!(Number.isInteger(levels) && levels >= 1)) throw new InvariantError(`expected a power of two, found ${size}`);
  const roots = rootsOfUnity(size);
  return {
    levels,
    forward(values) {
      for (let half = size / 2; half >= 1; half /= 2) separate(values, half, roots);
    },
    inverse(values) {
      for (let half = 1; half < size; half *= 2) merge(values, half, roots);
      for (let i = 0; i < size; i++) {
        values.re[i] = (values.re[i] ?? NaN) / size;
        values.im[i] = (values.im[i] ?? NaN) / size;
      }
    },
  };
}

/** e^(-2 pi i j / size) for j below half the size. */
function rootsOfUnity(size: number): ComplexArray {
  const angle = (-2 * Math.PI) / size;
  return {
    re: Float64Array.from({ length: size / 2 }, (_, j) => Math.cos(angle * j)),
    im: Float64Array.from({ length: size / 2 }, (_, j) => Math.sin(angle * j)),
  };
}

/** One level forward: (a, b) becomes (a + b, (a - b) w). */
function separate({ re, im }: ComplexArray, half: number, roots: ComplexArray): void {
  const stride = roots.re.length / half;
  for (let start = 0; start < re.length; start += 2 * half) {
    for (let j = 0; j < half; j++) {
      const [low, high] = [start + j, start + j + half];
      const wRe = roots.re[j * stride] ?? NaN;
      const wIm = roots.im[j * stride] ?? NaN;
      const differenceRe = (re[low] ?? NaN) - (re[high] ?? NaN);
      const differenceIm = (im[low] ?? NaN) - (im[high] ?? NaN);
      re[low] = (re[low] ?? NaN) + (re[high] ?? NaN);
      im[low] = (im[low] ?? NaN) + (im[high] ?? NaN);
      re[high] = differenceRe * wRe - differenceIm * wIm;
      im[high] = differenceRe * wIm + differenceIm * wRe;
    }
  }
}

/** One level of the inverse, but for a factor of 2: (a, b) becomes (a + b / w, a - b / w). */
function merge({ re, im }: ComplexArray, half: number, roots: ComplexArray): void {
  const stride = roots.re.length / half;
  for (let start = 0; start < re.length; start += 2 * half) {
    for (let j = 0; j < half; j++) {
      const [low, high] = [start + j, start + j + half];
      const wRe = roots.re[j * stride] ?? NaN;
      const wIm = roots.im[j * stride] ?? NaN;
      const turnedRe = (re[high] ?? NaN) * wRe + (im[high] ?? NaN) * wIm;
      const turnedIm = (im[high] ?? NaN) * wRe - (re[high] ?? NaN) * wIm;
      re[high] = (re[low] ?? NaN) - turnedRe;
      im[high] = (im[low] ?? NaN) - turnedIm;
      re[low] = (re[low] ?? NaN) + turnedRe;
      im[low] = (im[low] ?? NaN) + turnedIm;
    }
  }
}
