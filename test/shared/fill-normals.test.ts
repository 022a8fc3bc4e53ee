import { describe, expect, it } from 'vitest';
import { fillNormals } from '../../shared/fill-normals.ts';
import { type RandomSource, secureRandomSource, seededRandomSource } from '../../shared/random-source.ts';
import { KS_CRITICAL_P_001, ksStatistic } from '../support/kolmogorov-smirnov.ts';
import { sumOfSquaresZScore } from '../support/normal-statistics.ts';
import { fc } from '../support/properties.ts';

/** Places of a layer, high and low word: its outer end, and a share of 2^-40 before it, which is under the curve. */
const END = [0x7f_ffff, 0xffff_ffff] as const;
const BEFORE_END = [0x7f_ffff, 0xffff_8000] as const;

function normals(random: RandomSource, count: number): Float64Array {
  const out = new Float64Array(count);
  fillNormals(random, out);
  return out;
}

/** Words as given, and uniform draws as given, then 0. */
function scripted(words: readonly number[], uniforms: readonly number[] = []): RandomSource {
  const [nextWords, nextUniforms] = [[...words], [...uniforms]];
  return {
    uniform: () => nextUniforms.shift() ?? 0,
    fillWords: (out) => out.forEach((_, i) => (out[i] = nextWords.shift() ?? 0)),
  };
}

/** The first draw at a place of a layer, counted from the lowest. */
const drawnAt = (layer: number, [high, low]: readonly [number, number], uniforms?: readonly number[]): number =>
  normals(scripted([layer * 2 ** 24 + high, low], uniforms), 1)[0] ?? NaN;

const endOf = (layer: number): number => drawnAt(layer, BEFORE_END) / (1 - 2 ** -40);

const f = (x: number): number => Math.exp((-x * x) / 2);

describe('normal draws', () => {
  it('follow N(0, 1), which two thirds and one and a half of its standard deviation and its square are told from', () => {
    const sample = normals(seededRandomSource(20, 'ziggurat'), 20_001);
    expect(ksStatistic(sample)).toBeLessThan(KS_CRITICAL_P_001);
    expect(Math.abs(sumOfSquaresZScore(sample, 1))).toBeLessThan(4);
    for (const wrong of [(x: number) => (2 / 3) * x, (x: number) => 1.5 * x, (x: number) => x * x, Math.abs]) {
      expect(ksStatistic(sample.map(wrong))).toBeGreaterThan(KS_CRITICAL_P_001);
    }
  });

  it('have the moments, the tails on both sides and the independence of N(0, 1) in a million draws', () => {
    const count = 1_000_000;
    const sample = normals(seededRandomSource(21, 'ziggurat'), count);
    // P(x > 1), P(x > 2), ... to ten digits; R = 3.654... is where the tail begins.
    const tails: readonly (readonly [number, number])[] = [
      [1, 0.1586552539],
      [2, 0.0227501319],
      [3, 0.001349898],
      [3.654152885361009, 0.0001290105],
      [4, 3.167124183e-5],
      [4.5, 3.397673125e-6],
    ];
    for (const sign of [1, -1]) {
      for (const [from, share] of tails) {
        const found = sample.reduce((sum, x) => sum + (sign * x > from ? 1 : 0), 0);
        expect(Math.abs(found - count * share)).toBeLessThan(4 * Math.sqrt(count * share));
      }
    }
    const mean = (of: (x: number, next: number) => number): number =>
      sample.reduce((sum, x, i) => sum + of(x, sample[i + 1] ?? 0), 0) / count;
    // Each within four standard errors: of x^k, of x y and of (x^2 - 1) (y^2 - 1).
    const error = 4 / Math.sqrt(count);
    expect(Math.abs(mean((x) => x))).toBeLessThan(error);
    expect(Math.abs(mean((x) => x * x) - 1)).toBeLessThan(Math.sqrt(2) * error);
    expect(Math.abs(mean((x) => x ** 3))).toBeLessThan(Math.sqrt(15) * error);
    expect(Math.abs(mean((x) => x ** 4) - 3)).toBeLessThan(Math.sqrt(96) * error);
    expect(Math.abs(mean((x, next) => x * next))).toBeLessThan(error);
    expect(Math.abs(mean((x, next) => (x * x - 1) * (next * next - 1)))).toBeLessThan(2 * error);
  });

  it('come from layers of equal area that end where the next one begins, and cover the curve', () => {
    const ends = Array.from({ length: 255 }, (_, i) => endOf(i + 1));
    const [R = NaN] = ends;
    const areas = ends.map((end, i) => end * (f(ends[i + 1] ?? 0) - f(end)));
    const area = areas.reduce((sum, one) => sum + one, 0) / areas.length;
    for (const one of areas) expect(Math.abs(one / area - 1)).toBeLessThan(1e-10);
    // The lowest has R f(R) and the tail, P(x > R) sqrt(2 pi) = R's share of all.
    expect(Math.abs((R * f(R) + 0.00012901052 * Math.sqrt(2 * Math.PI)) / area - 1)).toBeLessThan(1e-5);
  });

  it('are asked of the curve beyond the end of the next layer', () => {
    const end = drawnAt(100, BEFORE_END);
    // Just under the end of its own layer almost nothing of the layer is under the curve.
    expect(drawnAt(100, BEFORE_END, [1e-3])).not.toBe(end);
    expect(drawnAt(100, BEFORE_END, [0])).toBe(end);
    expect(drawnAt(255, [2 ** 22, 0], [0.999_999])).not.toBe(drawnAt(255, [2 ** 22, 0], [0]));
  });

  it('lie no further apart than 2^-51 within a layer, on both sides of 0', () => {
    const place = fc.tuple(fc.nat(255), fc.nat(2 ** 24 - 1), fc.nat(2 ** 32 - 17));
    fc.assert(
      fc.property(place, ([layer, high, low]) => {
        const [here, there] = [drawnAt(layer, [high, low]), drawnAt(layer, [high, low + 16])];
        expect(there).toBeGreaterThanOrEqual(here);
        expect(there - here).toBeLessThanOrEqual(16 * 2 ** -51);
        expect(here < 0).toBe(high >= 2 ** 23);
      }),
      { seed: 1 },
    );
  });

  it('reach further into the tail than exponentials from 53 bits could, on both sides', () => {
    const almostOne = 1 - 2 ** -53;
    // 1 - u = 2^-60 for the distance, beyond 53 bits; 2^-106 for the coin, which as 2^-53 would refuse it.
    const uniforms = [almostOne, 1 - 2 ** -7, almostOne, almostOne];
    const R = endOf(1);
    const expected = R + (60 * Math.LN2) / R;
    expect(expected).toBeGreaterThan(15);
    expect(drawnAt(0, END, uniforms)).toBeCloseTo(expected, 12);
    expect(drawnAt(0, [2 ** 23, 0], uniforms)).toBeCloseTo(-expected, 12);
    // Refused, and drawn again.
    const again = [...uniforms.slice(0, 2), almostOne, 0, 0.5, 0, 0.9, 0];
    expect(drawnAt(0, END, again)).toBeCloseTo(R + Math.LN2 / R, 12);
  });

  it('never come twice from the secure source', () => {
    const drawn = normals(secureRandomSource(), 30_000);
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it('repeat with the seed, fill any length to its end, and leave none of the words they came from behind', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2, 7, 4096, 10_001), fc.nat(), (count, seed) => {
        const source = seededRandomSource(seed);
        const blocks = new Set<ArrayBuffer>();
        const watched: RandomSource = {
          uniform: () => source.uniform(),
          fillWords: (words) => {
            blocks.add(words.buffer);
            source.fillWords(words);
          },
        };
        const drawn = normals(watched, count);
        expect(drawn).toEqual(normals(seededRandomSource(seed), count));
        expect(drawn.every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
        for (const block of blocks) expect(new Uint8Array(block).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 20, seed: 1 },
    );
  });
});
