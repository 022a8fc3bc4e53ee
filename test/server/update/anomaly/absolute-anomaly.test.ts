import { describe, expect, it } from 'vitest';
import { vetUpdate } from '../../../../server/update/anomaly/absolute-anomaly.ts';
import { anomalyBounds } from '../../../../server/update/anomaly/anomaly-bounds.ts';
import { isRefused } from '../../../../shared/protocol/refusals.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';
import {
  checks,
  intactUpdate,
  noiseOf,
  noiseStdDev,
  pairs,
  parameters,
  privacy,
  rounds,
  signalOf,
  training,
} from './intact-updates.ts';

const terms = { training, privacy, parameters, checks, pairs, rounds };
const bounds = anomalyBounds(terms);
const codeOf = (values: Float32Array, limits = bounds): string | undefined => {
  const outcome = vetUpdate(intactUpdate(values), limits);
  return isRefused(outcome) ? outcome.refusal.code : undefined;
};
const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + (b[i] ?? NaN));
const random = seededRandomSource(5, 'honest');

describe('an update judged alone', () => {
  it('passes when it is honest: noise of the declared size and a signal', () => {
    for (let i = 0; i < 100; i++) expect(codeOf(plus(noiseOf(random, noiseStdDev), signalOf(i % 5)))).toBeUndefined();
  });

  it('is vetted with its own figures and nothing of it changed', () => {
    const intact = intactUpdate(noiseOf(random, noiseStdDev));
    const before = intact.values.slice();
    const vetted = vetUpdate(intact, bounds);
    const squared = before.reduce((sum, value) => sum + value ** 2, 0);
    expect(vetted).toMatchObject({
      ...intact,
      kind: 'vetted',
      figures: { maxAbsolute: Math.max(...before.map(Math.abs)) },
    });
    if (isRefused(vetted)) throw new Error('refused');
    expect(vetted.figures.normL2).toBeCloseTo(Math.sqrt(squared), 4);
    expect(vetted.figures.noiseRatio).toBeCloseTo(squared / (7850 * noiseStdDev ** 2), 4);
    expect(vetted.values).toEqual(before);
  });

  it('is refused as noise-missing at norm 7, where honest noise alone has 14.4', () => {
    const outcome = vetUpdate(intactUpdate(signalOf(7)), bounds);
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusal: { code: 'noise-missing', expected: expect.stringContaining('0.89624 times'), found: '0.235349' },
    });
  });

  it('is refused as noise-missing with none of the noise, with part of it, or with less than declared', () => {
    expect(codeOf(new Float32Array(parameters))).toBe('noise-missing');
    expect(codeOf(noiseOf(random, noiseStdDev * 0.9))).toBe('noise-missing');
    expect(codeOf(noiseOf(random, noiseStdDev).fill(0, 0, 1600))).toBe('noise-missing');
  });

  it('is refused as noise-missing although a few large values lift its norm, and however those are spread', () => {
    const padded = signalOf(7);
    for (const [values, size] of [
      [2, 9],
      [100, 1.3],
      [3000, 0.24],
    ] as const) {
      const update = padded.slice().fill(size, 0, values);
      const outcome = vetUpdate(intactUpdate(update), bounds);
      expect(outcome).toMatchObject({
        refusal: { code: 'noise-missing', expected: expect.stringContaining('small values') },
      });
      expect('figures' in outcome && outcome.figures.noiseRatio).toBeGreaterThan(0.9);
    }
  });

  it('needs no noise where none is declared', () => {
    const noiseless = anomalyBounds({ ...terms, privacy: { mode: 'none' } });
    expect(noiseless.noise).toBeNull();
    expect(vetUpdate(intactUpdate(signalOf(7)), noiseless)).toMatchObject({
      kind: 'vetted',
      figures: { noiseRatio: null },
    });
  });

  it('is refused for one value beyond 10, of either sign, and not at 10', () => {
    const withValue = (value: number): Float32Array => noiseOf(random, noiseStdDev).fill(value, 17, 18);
    expect(codeOf(withValue(10.001))).toBe('too-large-value');
    expect(codeOf(withValue(-10.001))).toBe('too-large-value');
    expect(codeOf(withValue(-10))).toBeUndefined();
    expect(codeOf(withValue(10.001), anomalyBounds({ ...terms, maxAbsolute: 11 }))).toBeUndefined();
  });

  it('is refused for a norm beyond the bound and passes below it', () => {
    expect(codeOf(signalOf(bounds.maxNormL2 * 1.001))).toBe('too-large-norm');
    expect(codeOf(signalOf(bounds.maxNormL2 * 0.999))).toBeUndefined();
    expect(codeOf(signalOf(20), anomalyBounds({ ...terms, maxNormL2: 19 }))).toBe('too-large-norm');
  });

  it('that sends ten times an honest update, or N(0, 1) in every coordinate, is refused for its norm', () => {
    expect(codeOf(noiseOf(random, noiseStdDev * 10))).toBe('too-large-norm');
    expect(codeOf(noiseOf(random, 1))).toBe('too-large-norm');
  });

  it('hears of the value first, then of the norm, then of the noise', () => {
    const strict = {
      ...bounds,
      maxAbsolute: 1,
      maxNormL2: 1,
      noise: { stdDev: 10, leastRatio: 0.9, largestDeficit: 1, leastPairRatio: 0.9 },
    };
    expect(codeOf(signalOf(200), strict)).toBe('too-large-value');
    expect(codeOf(signalOf(2), strict)).toBe('too-large-norm');
    expect(codeOf(signalOf(0.5), strict)).toBe('noise-missing');
  });

  it('never passes with a NaN, should one come this far', () => {
    const values = noiseOf(random, noiseStdDev).fill(NaN, 3, 4);
    expect(codeOf(values)).toBe('too-large-value');
    expect(codeOf(values, { ...bounds, maxAbsolute: Infinity, maxNormL2: Infinity })).toBeDefined();
  });

  it('is told the public bound and its own figure in plain numbers', () => {
    const loud = vetUpdate(intactUpdate(signalOf(0).fill(1e5, 0, 1)), bounds);
    expect(loud).toMatchObject({ refusal: { expected: 'no value beyond 10 either way', found: '100000' } });
  });
});
