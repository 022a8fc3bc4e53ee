// The masses of the composed loss, by Fourier transform of the tilted masses of one step: w e^(tilt t), made to sum to 1.
// Untilted, rounding leaves an error of 1e-16 and more in every entry, which is nothing to the bulk and everything to
// a tail of 1e-10; tilted, the bulk lies where the tail is wanted, and the error is as small as the tail itself.
// The transform is cyclic: what lies outside of the window comes back inside it, so that masses are only ever too large
// there, but for what lies above, which `./delta-curve.ts` adds.

import { type ComplexArray, fourierTransform, ROUNDING_PER_LEVEL } from './fourier.ts';
import type { LossMasses } from './loss-masses.ts';
import type { RepeatedLoss } from './log-moments.ts';

const UNIT_ROUNDING = 2 ** -53;
/** Of the products by which a power comes about, each of sqrt 5 u: at most as many as there are factors, and a few more. */
const PER_PRODUCT = 4 * UNIT_ROUNDING;

export interface TiltedComposition {
  /** Entry i holds the tilted mass of all losses (i + any multiple of the length) x gridStep. */
  readonly tilted: Float64Array;
  /** The most that any entry is off through the transform. */
  readonly rounding: number;
  /** The most, relatively, that all are off through the tilting. */
  readonly relativeRounding: number;
  /** log of the factor that was divided out: mass at loss t = e^(logScale - tilt x t) x tilted mass. */
  readonly logScale: number;
}

/** `size` is a power of two. */
export function composeTilted(composed: readonly RepeatedLoss[], tilt: number, size: number): TiltedComposition {
  const transform = fourierTransform(size);
  const product: ComplexArray = { re: new Float64Array(size).fill(1), im: new Float64Array(size) };
  const largest = new Float64Array(size).fill(1);
  const perTransform = ROUNDING_PER_LEVEL * transform.levels;
  let [logScale, relativeRounding, logGrowth] = [0, 0, 2 * perTransform];
  for (const { losses, steps } of composed) {
    const step = tiltedStep(losses, tilt, size);
    transform.forward(step.values);
    raiseToPower(step.values, steps);
    if (steps * perTransform < 0.1) boundFactors(largest, step.values, steps);
    multiply(product, step.values);
    logScale += steps * step.logScale;
    relativeRounding += steps * step.relativeRounding;
    logGrowth += steps * (perTransform + PER_PRODUCT);
  }
  transform.inverse(product);
  const rounding = Math.expm1(logGrowth) * mean(largest);
  return { tilted: product.re, rounding, relativeRounding, logScale };
}

/**
 * With e the error of a transform, |f| <= 1 the exact and a the computed entry, the power is off by at most
 * n e (a + e)^(n-1): at most 3 n e a^n where a is above 1/2 and n e below 0.1, and n e 2^(2-n) where it is not. Instead of
 * 1, the one or the other is enough; the mean over all entries is what reaches an entry of the inverse.
 */
function boundFactors(largest: Float64Array, { re, im }: ComplexArray, steps: number): void {
  const floor = 2 ** (2 - steps);
  for (let k = 0; k < largest.length; k++) {
    const factor = 3 * Math.sqrt((re[k] ?? NaN) ** 2 + (im[k] ?? NaN) ** 2) + floor;
    if (factor < 1) largest[k] = (largest[k] ?? NaN) * factor;
  }
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

interface TiltedStep {
  readonly values: ComplexArray;
  readonly logScale: number;
  readonly relativeRounding: number;
}

function tiltedStep({ masses, firstIndex, gridStep }: LossMasses, tilt: number, size: number): TiltedStep {
  const slope = tilt * gridStep;
  const exponents = masses.map((mass, i) => Math.log(mass) + slope * i);
  const largest = exponents.reduce((most, exponent) => Math.max(most, exponent), -Infinity);
  const tilted = exponents.map((exponent) => Math.exp(exponent - largest));
  const sum = tilted.reduce((total, mass) => total + mass, 0);
  const values = { re: new Float64Array(size), im: new Float64Array(size) };
  const offset = ((firstIndex % size) + size) % size;
  for (let i = 0; i < tilted.length; i++) {
    const at = (offset + i) % size;
    values.re[at] = (values.re[at] ?? NaN) + (tilted[i] ?? NaN) / sum;
  }
  const logScale = slope * firstIndex + largest + Math.log(sum);
  // Exponents are sums of two numbers, the logarithm of a double among them, of which each rounds by u of its size.
  const size1 = 750 + 2 * Math.abs(largest) + Math.abs(slope) * (masses.length + Math.abs(firstIndex));
  return { values, logScale, relativeRounding: 4 * UNIT_ROUNDING * size1 };
}

/** base := base^steps, point by point, by repeated squaring. */
function raiseToPower({ re, im }: ComplexArray, steps: number): void {
  for (let k = 0; k < re.length; k++) {
    let [pRe, pIm] = [1, 0];
    let [bRe, bIm] = [re[k] ?? NaN, im[k] ?? NaN];
    for (let left = steps; ; left = Math.floor(left / 2)) {
      if (left % 2 === 1) {
        const product = pRe * bRe - pIm * bIm;
        pIm = pRe * bIm + pIm * bRe;
        pRe = product;
      }
      if (left <= 1) break;
      const square = bRe * bRe - bIm * bIm;
      bIm = 2 * bRe * bIm;
      bRe = square;
    }
    re[k] = pRe;
    im[k] = pIm;
  }
}

function multiply(product: ComplexArray, { re, im }: ComplexArray): void {
  for (let k = 0; k < re.length; k++) {
    const [aRe, aIm] = [product.re[k] ?? NaN, product.im[k] ?? NaN];
    const [bRe, bIm] = [re[k] ?? NaN, im[k] ?? NaN];
    product.re[k] = aRe * bRe - aIm * bIm;
    product.im[k] = aRe * bIm + aIm * bRe;
  }
}
