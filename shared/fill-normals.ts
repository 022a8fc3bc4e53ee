// A random source in, independent N(0, 1) draws out, in float64: the ziggurat of Marsaglia and Tsang (J. Stat. Software
// 5(8), 2000) with 256 layers of equal area that cover f(x) = exp(-x^2 / 2). A random point of a random layer lies under
// the curve for certain in 98.5 % of all draws; else f decides, or in the lowest layer, beyond R, Marsaglia's exact tail
// (Technometrics 6, 1964). Layer (8 bits) and place in it (56 bits) are bits of their own: shared ones were a defect of
// the original (Leong et al., J. Stat. Software 12(7), 2005; Doornik, "An improved ziggurat method", 2005).
// Fineness: the values of a layer of width w are 2^-55 w apart before they are rounded to float64, and the tail's
// exponentials come from 106 bits each. So no gap is wider than 2^-49 as far as 15 standard deviations (Jin et al.,
// arXiv 2112.05307, attack through such gaps).
// Exactness: nothing is approximated but by rounding. With F(x) = sum of AREA / w over the layers wholly below f(x), the
// density at x is F + (f(x) - F), over 256 AREA: 2^-48 of it is what rounding of F, f and AREA takes.
// How long a draw takes tells whether f or the tail was asked, hence a little of its size, as with every sampler that
// rejects (Jin et al. read noise from the time of single draws); of many together it tells how many were.

import type { RandomSource } from './random-source.ts';

const LAYERS = 256;
/** Where the tail begins, and the area of each layer, R f(R) + the tail's: the one pair whose topmost layer ends at 1. */
const R = 3.654152885361009;
const AREA = 0.004928673233974655;
const HALF_PLACES = 2 ** 55;
/** Draws per block of words: 32 kB. */
const BLOCK = 4096;

const f = (x: number): number => Math.exp((-x * x) / 2);

interface Layers {
  /** Width over the number of places on one side. */
  readonly scale: Float64Array;
  /** Places nearer to the middle than this are under the curve. */
  readonly inside: Float64Array;
  /** f at the outer end, and how far above it the layer ends. */
  readonly bottom: Float64Array;
  readonly height: Float64Array;
}

const { scale, inside, bottom, height } = layersFromBelow();

/** Layer 0 is the tail with the rectangle below f(R); on it lies layer 1, which is R wide. */
function layersFromBelow(): Layers {
  const column = (): Float64Array => new Float64Array(LAYERS);
  const layers: Layers = { scale: column(), inside: column(), bottom: column(), height: column() };
  let [width, above, from] = [AREA / f(R), R, 0];
  for (let layer = 0; layer < LAYERS; layer++) {
    layers.scale[layer] = width / HALF_PLACES;
    layers.inside[layer] = (above / width) * HALF_PLACES;
    layers.bottom[layer] = from;
    layers.height[layer] = AREA / width;
    from += AREA / width;
    width = above;
    // The topmost layer has none above it.
    above = layer < LAYERS - 2 ? Math.sqrt(-2 * Math.log(from + AREA / width)) : 0;
  }
  return layers;
}

/** Fills `out` to its end. The words that the draws came from are overwritten. */
export function fillNormals(random: RandomSource, out: Float64Array): void {
  const block = new Uint32Array(2 * Math.min(out.length, BLOCK));
  try {
    for (let filled = 0; filled < out.length;) {
      const rest = out.subarray(filled);
      const words = block.subarray(0, 2 * rest.length);
      random.fillWords(words);
      filled += fromWords(random, words, rest);
    }
  } finally {
    block.fill(0);
  }
}

/** One draw from every two words, but for those that are rejected; returns how many there were. */
function fromWords(random: RandomSource, words: Uint32Array, out: Float64Array): number {
  let filled = 0;
  for (let i = 0; i < words.length; i += 2) {
    const first = words[i] ?? 0;
    const layer = first >>> 24;
    const place = ((first << 8) >> 8) * 2 ** 32 + (words[i + 1] ?? 0);
    const value = place * (scale[layer] ?? 0);
    if (Math.abs(place) < (inside[layer] ?? 0)) out[filled++] = value;
    else if (layer === 0) out[filled++] = value < 0 ? -beyondR(random) : beyondR(random);
    else if ((bottom[layer] ?? 0) + random.uniform() * (height[layer] ?? 0) < f(value)) out[filled++] = value;
  }
  return filled;
}

/** R + x, x exponential with rate R and kept with probability f(x). */
function beyondR(random: RandomSource): number {
  for (;;) {
    const x = exponential(random) / R;
    if (2 * exponential(random) >= x * x) return R + x;
  }
}

/** Where the first 53 bits leave a number near 0 with few of its own, the second 53 follow. */
const exponential = (random: RandomSource): number => -Math.log(1 - random.uniform() - 2 ** -53 * random.uniform());
