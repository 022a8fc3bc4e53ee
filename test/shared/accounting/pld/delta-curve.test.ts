import { describe, expect, it } from 'vitest';
import { composeTilted } from '../../../../shared/accounting/pld/composition.ts';
import { deltaCurve } from '../../../../shared/accounting/pld/delta-curve.ts';
import { frameFor } from '../../../../shared/accounting/pld/frame.ts';
import { bestTilt, logDeltaBound, logMoments } from '../../../../shared/accounting/pld/log-moments.ts';
import type { LossMasses } from '../../../../shared/accounting/pld/loss-masses.ts';

// Randomised response, whose loss is 1/4 or -1/4: on the grid without any error, so that what is left is the composition's.
const P = 1 / (1 + Math.exp(-0.25));
const STEPS = 400;
const response: LossMasses = {
  gridStep: 0.25,
  firstIndex: -1,
  masses: Float64Array.of(1 - P, 0, P),
  massAtInfinity: 0,
};

/** Chance of k answers of the one kind, by products of positive numbers. */
function chance(k: number): number {
  let log = k * Math.log(P) + (STEPS - k) * Math.log1p(-P);
  for (let i = 1; i <= k; i++) log += Math.log((STEPS - k + i) / i);
  return Math.exp(log);
}

function exactDelta(epsilon: number): number {
  let sum = 0;
  for (let k = STEPS; k >= 0; k--) {
    const loss = (2 * k - STEPS) * response.gridStep;
    if (loss > epsilon) sum += chance(k) * -Math.expm1(epsilon - loss);
  }
  return sum;
}

function curveAt(epsilon: number, losses: LossMasses): ReturnType<typeof deltaCurve> {
  const composed = [{ losses, steps: STEPS }];
  const moments = logMoments(composed);
  const bound = (tilt: number): number => logDeltaBound(moments, tilt) - tilt * epsilon;
  const chernoffTilt = bestTilt(bound, -7, 7);
  const expected = { epsilon, lowestEpsilon: epsilon, logDelta: bound(chernoffTilt) };
  return deltaCurve(
    composed,
    frameFor(moments, { chernoffTilt, expected, gridStep: losses.gridStep }),
    losses.gridStep,
  );
}

const EPSILONS = Array.from({ length: 120 }, (_, i) => 0.8 * i + 0.03);

describe('the curve of composed losses', () => {
  it('keeps ten digits of deltas from 1 down to 1e-60, from above', () => {
    expect(exactDelta(EPSILONS.at(-1) ?? NaN)).toBeLessThan(1e-40);
    for (const epsilon of EPSILONS) {
      const [exact, { value, least }] = [exactDelta(epsilon), curveAt(epsilon, response).deltaAt(epsilon)];
      expect(value / exact, `at ${epsilon}`).toBeGreaterThan(1 - 1e-12); // the oracle's own rounding
      expect(value / exact, `at ${epsilon}`).toBeLessThan(1 + 1e-4);
      expect(least, `at ${epsilon}`).toBeLessThan(exact);
      expect(value - exact, `at ${epsilon}`).toBeLessThan(value - least);
    }
  });

  it('inverts itself', () => {
    for (const epsilon of EPSILONS.slice(1)) {
      const curve = curveAt(epsilon, response);
      expect(curve.epsilonAt(curve.deltaAt(epsilon).value).value).toBeCloseTo(epsilon, 9);
    }
  });

  it('adds the mass at infinity of every step', () => {
    const withInfinity = { ...response, massAtInfinity: 1e-9 };
    const without = curveAt(40, response).deltaAt(40).value;
    expect(curveAt(40, withInfinity).deltaAt(40).value).toBeCloseTo(without + STEPS * 1e-9, 15);
    expect(curveAt(40, withInfinity).epsilonAt(0.9 * STEPS * 1e-9).value).toBe(Infinity);
  });
});

describe('the tilted composition', () => {
  it('states a bound on its rounding that holds for every entry and is needed', () => {
    const { tilted, rounding, logScale } = composeTilted([{ losses: response, steps: STEPS }], 1e-9, 1024);
    const errors = Array.from({ length: STEPS + 1 }, (_, k) => {
      const at = (((2 * k - STEPS) % 1024) + 1024) % 1024;
      return Math.abs(
        (tilted[at] ?? NaN) - chance(k) * Math.exp(1e-9 * (2 * k - STEPS) * response.gridStep - logScale),
      );
    });
    expect(Math.max(...errors)).toBeLessThan(rounding + 1e-11 * Math.max(...tilted)); // the oracle's own
    const all = Array.from({ length: STEPS + 1 }, (_, k) => k);
    const nearlyEmpty = all.filter((k) => chance(k) < 1e-30).map((k) => Math.abs(tilted[(2 * k + 624) % 1024] ?? NaN));
    const largestNoise = Math.max(...nearlyEmpty);
    expect(largestNoise).toBeGreaterThan(0);
    expect(largestNoise).toBeLessThan(rounding);
    expect(rounding).toBeLessThan(1e-11);
  });
});
