import { describe, expect, it } from 'vitest';
import {
  adaptiveComplaint,
  nextClippingNormOf,
  sumNoiseMultiplier,
} from '../../../server/privacy/adaptive-clipping.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import type { AdaptiveClipping, CentralPrivacyTerms } from '../../../shared/protocol/terms.ts';
import { seededRandomSource, standardNormals } from '../../../shared/random-source.ts';
import { centralTerms } from '../../support/central-terms.ts';
import { fc } from '../../support/properties.ts';

const adaptive = (changes: Partial<AdaptiveClipping> = {}): AdaptiveClipping => ({
  quantile: 0.5,
  learningRate: 0.2,
  countNoiseStdDev: 5,
  ...changes,
});

/** Log-normal norms of median 1, drawn anew each round; the last clipping norms. */
function followed(start: number, wish: Partial<AdaptiveClipping>, sent = 100): readonly number[] {
  const random = seededRandomSource(3, 'norms', start);
  const terms = { adaptiveClipping: adaptive(wish) };
  const course = [start];
  for (let round = 0; round < 300; round++) {
    const clippingNormL2 = course.at(-1) ?? NaN;
    const norms = standardNormals(random, sent).map((normal) => Math.exp(0.5 * normal));
    const within = norms.filter((norm) => norm <= clippingNormL2).length;
    const [normal = NaN] = standardNormals(random, 1);
    course.push(nextClippingNormOf(clippingNormL2, { n: sent, within, plannedClients: 100, normal }, terms));
  }
  return course.slice(-50);
}

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((total, value) => total + Math.log(value), 0) / values.length);

describe('the adaptive clipping norm', () => {
  it.each([0.01, 0.5, 1, 30, 1e4])('comes to the median of the norms from %d, above or below', (start) => {
    expect(geometricMean(followed(start, {}))).toBeCloseTo(1, 1);
  });

  it.each([
    [0.8, Math.exp(0.5 * 0.8416)],
    [0.2, Math.exp(-0.5 * 0.8416)],
  ])('comes to the quantile %d where that is asked for', (quantile, expected) => {
    for (const start of [0.05, 20]) expect(geometricMean(followed(start, { quantile })) / expected).toBeCloseTo(1, 1);
  });

  it('comes to the median still where half of the planned clients send nothing', () => {
    expect(geometricMean(followed(0.05, {}, 50))).toBeCloseTo(1, 1);
  });

  it('falls while all are within and rises while none is, by what the paper says', () => {
    const terms = { adaptiveClipping: adaptive() };
    const all = { n: 100, within: 100, plannedClients: 100, normal: 0 };
    expect(nextClippingNormOf(2, all, terms)).toBeCloseTo(2 * Math.exp(-0.2 * 0.5), 12);
    expect(nextClippingNormOf(2, { ...all, within: 0 }, terms)).toBeCloseTo(2 * Math.exp(0.2 * 0.5), 12);
    // Noise of one standard deviation: 5 of 100 more.
    expect(nextClippingNormOf(2, { ...all, within: 50, normal: 1 }, terms)).toBeCloseTo(2 * Math.exp(-0.2 * 0.05), 12);
  });

  it('is learnt from a count on a grid, far finer than the half that one update moves it by', () => {
    const terms = { adaptiveClipping: adaptive({ learningRate: 1, countNoiseStdDev: 1 }) };
    const count = { n: 7, within: 3, plannedClients: 1 };
    const fallBy = (normal: number): number => -Math.log(nextClippingNormOf(1, { ...count, normal }, terms));
    // -1/2, and the noise in steps of 2^-12.
    for (const normal of [0.3, 0.3 + 1e-6, -1.234567]) {
      const steps = Math.round(normal * 2 ** 12);
      expect(fallBy(normal)).toBeCloseTo(-0.5 + steps / 2 ** 12, 12);
    }
  });

  it('stays where it is not adaptive', () => {
    const count = { n: 3, within: 0, plannedClients: 3, normal: 9 };
    expect(nextClippingNormOf(2, count, { adaptiveClipping: null })).toBe(2);
  });
});

describe('the noise that the count leaves to the sum', () => {
  it.each([
    [1, 5, 1.005],
    [0.5, 1, 0.516],
  ])('of multiplier %d beside a count of deviation %d is %d', (noiseMultiplier, countNoiseStdDev, expected) => {
    const adaptiveClipping = adaptive({ countNoiseStdDev });
    expect(sumNoiseMultiplier({ noiseMultiplier, adaptiveClipping })).toBeCloseTo(expected, 3);
  });

  it('costs with that of the count, of sensitivity one half, what the round is charged', () => {
    const multipliers = fc.double({ min: 0.3, max: 20, noNaN: true });
    fc.assert(
      fc.property(multipliers, fc.double({ min: 1.01, max: 50, noNaN: true }), (noiseMultiplier, ratio) => {
        const countNoiseStdDev = (noiseMultiplier / 2) * ratio;
        const sum = sumNoiseMultiplier({ noiseMultiplier, adaptiveClipping: adaptive({ countNoiseStdDev }) });
        const once = { samplingRate: 1, steps: 1 };
        const charged = epsilonOf([{ noiseMultiplier, ...once }], 1e-5);
        const spent = epsilonOf(
          [
            { noiseMultiplier: sum, ...once },
            { noiseMultiplier: countNoiseStdDev / 0.5, ...once },
          ],
          1e-5,
        );
        expect(spent / charged).toBeCloseTo(1, 9);
      }),
      { seed: 5, numRuns: 100 },
    );
  });

  it('is all of it where clipping is not adaptive', () => {
    expect(sumNoiseMultiplier({ noiseMultiplier: 1.3, adaptiveClipping: null })).toBe(1.3);
  });
});

describe('adaptive clipping is refused', () => {
  const terms = (changes: Partial<AdaptiveClipping>): CentralPrivacyTerms => ({
    ...centralTerms,
    noiseMultiplier: 1,
    plannedClients: 100,
    adaptiveClipping: adaptive(changes),
  });

  it('where the count’s noise alone costs as much as the round may', () => {
    expect(adaptiveComplaint(terms({ countNoiseStdDev: 0.5 }), 100)?.refusal).toMatchObject({ code: 'bad-config' });
    expect(adaptiveComplaint(terms({ countNoiseStdDev: 0.51 }), 100)).toBeUndefined();
  });

  it('where too few clients may come for the count to reach the quantile', () => {
    expect(adaptiveComplaint(terms({ quantile: 0.8 }), 60)?.refusal.message).toMatch(/out of reach/);
    expect(adaptiveComplaint(terms({ quantile: 0.2 }), 60)?.refusal.message).toMatch(/out of reach/);
    expect(adaptiveComplaint(terms({ quantile: 0.8 }), 61)).toBeUndefined();
    expect(adaptiveComplaint(terms({ quantile: 0.5 }), 1)).toBeUndefined();
  });
});
