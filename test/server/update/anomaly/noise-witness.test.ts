import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { noiseWitnessBound } from '../../../../server/update/anomaly/noise-witness.ts';
import { normBound } from '../../../../server/update/anomaly/norm-bound.ts';
import { fillStandardNormals, seededRandomSource } from '../../../../shared/random-source.ts';
import { checks, noiseStdDev, parameters, privacy, training } from './intact-updates.ts';
import { fc } from '../../../support/properties.ts';

const quantiles = z
  .array(z.strictObject({ parameters: z.number(), tail: z.number(), lowerOverD: z.number(), upperOverD: z.number() }))
  .parse(JSON.parse(readFileSync(new URL('../../../oracles/chi_square.json', import.meta.url), 'utf8')));

/** Models of a size, and chances as small, as federations have them. */
const inUse = (row: { readonly parameters: number; readonly tail: number }): boolean =>
  row.parameters > 1000 && row.tail < 1e-5;

/** How often at least one of `runs` of `checked` honest pure-noise updates crosses the bound. */
function rateOfRuns(runs: number, checked: number, crosses: (ratio: number) => boolean): number {
  const random = seededRandomSource(11, 'chi-square', checked);
  const draws = new Float64Array(200);
  const oneCrosses = (): boolean => {
    fillStandardNormals(random, draws);
    return crosses(draws.reduce((sum, draw) => sum + draw * draw, 0) / draws.length);
  };
  const alarms = Array.from({ length: runs }, () => Array.from({ length: checked }, oneCrosses).some(Boolean));
  return alarms.filter(Boolean).length / runs;
}

describe('the noise witness', () => {
  it.each(quantiles)('lies on the safe side of the exact quantile at d = $parameters, tail $tail', (row) => {
    const bound = noiseWitnessBound({ parameters: row.parameters, checks: 1, falseAlarmProbability: row.tail });
    expect(bound).toBeLessThanOrEqual(row.lowerOverD);
    // Not so far on it that liars pass: its margin is at most 1.7 times the exact one, 1.15 times where it is used.
    expect(1 - bound).toBeLessThanOrEqual((inUse(row) ? 1.15 : 1.7) * (1 - row.lowerOverD));
  });

  it.each([1, 10])('alarms falsely in fewer runs of %i checks than it was asked for, but not in none', (checked) => {
    const falseAlarmProbability = 0.4;
    const bound = noiseWitnessBound({ parameters: 200, checks: checked, falseAlarmProbability });
    const rate = rateOfRuns(10_000 / checked, checked, (ratio) => ratio < bound);
    expect(rate).toBeLessThan(falseAlarmProbability);
    expect(rate).toBeGreaterThan(falseAlarmProbability / 40);
  });

  it('is what the formula says for the demo', () => {
    expect(noiseWitnessBound({ parameters, checks })).toBeCloseTo(1 - 2 * Math.sqrt(19.519293032620798 / 7850), 12);
  });

  it('asks for more of more parameters, for less over more checks, and always for something between 0 and 1', () => {
    const options = fc.record({
      parameters: fc.integer({ min: 1, max: 1e7 }),
      checks: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(options, fc.integer({ min: 2, max: 1000 }), (one, times) => {
        const bound = noiseWitnessBound(one);
        expect(bound).toBeGreaterThanOrEqual(0);
        expect(bound).toBeLessThan(1);
        expect(noiseWitnessBound({ ...one, parameters: one.parameters * times })).toBeGreaterThanOrEqual(bound);
        expect(noiseWitnessBound({ ...one, checks: one.checks * times })).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it('is vacuous, at 0, where d is too small to tell', () => {
    const leastD = Math.ceil(4 * Math.log(300 / 1e-6)); // 79
    expect(noiseWitnessBound({ parameters: leastD - 1, checks: 300 })).toBe(0);
    expect(noiseWitnessBound({ parameters: leastD, checks: 300 })).toBeGreaterThan(0);
  });
});

describe('the bound on the norm', () => {
  const noiseless = normBound({ training, privacy: { mode: 'none' }, parameters, checks });

  it('without noise is what twice the expected examples at the clipping norm add up to', () => {
    // 10 steps of 80 examples, each of norm 1, over the public 40, times the rate 2
    expect(noiseless).toBe(40);
  });

  it.each(quantiles)('leaves the noise its upper tail at d = $parameters, tail $tail', (row) => {
    const options = { training, privacy, parameters: row.parameters, checks: 1, falseAlarmProbability: row.tail };
    const noisePart = (normBound(options) - noiseless) / (noiseStdDev * Math.sqrt(row.parameters));
    expect(noisePart).toBeGreaterThanOrEqual(Math.sqrt(row.upperOverD));
    expect(noisePart ** 2 - 1).toBeLessThanOrEqual((inUse(row) ? 1.15 : 2.1) * (row.upperOverD - 1));
  });

  it.each([0.5, 4, 20, 100])('leaves the batches their tail where %d examples are expected in a round', (expected) => {
    const few = { ...training, stepsPerRound: 1, expectedBatchSize: expected };
    const bound = normBound({ training: few, privacy: { mode: 'none' }, parameters, checks: 100 });
    const examples = (bound / (few.learningRate * few.clippingNormL2)) * expected;
    // Exact tail of Poisson(expected), which a sum of independent draws of that mean does not pass: P(N > examples).
    let [term, tail] = [Math.exp(-expected), 0];
    for (let n = 0; n < examples + 400; n++, term *= expected / n) if (n > examples) tail += term;
    expect(tail).toBeLessThanOrEqual(1e-6 / 100);
    expect(examples).toBeGreaterThanOrEqual(2 * expected);
  });

  it('grows with the checks of a run', () => {
    const bounds = [1, 10, 1000].map((count) => normBound({ training, privacy, parameters, checks: count }));
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(new Set(bounds).size).toBe(3);
  });
});
