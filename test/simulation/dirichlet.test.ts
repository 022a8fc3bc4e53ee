import { describe, expect, it } from 'vitest';
import { seededRandomSource } from '../../shared/random-source.ts';
import { logDirichletDraw, logGammaDraw } from '../../simulation/dirichlet.ts';

const DRAWS = 20_000;

/** Kolmogorov and Smirnov's largest gap between the sample and a distribution function. */
function largestGap(sample: readonly number[], shareBelow: (x: number) => number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  const gaps = sorted.map((x, i) =>
    Math.max(shareBelow(x) - i / sorted.length, (i + 1) / sorted.length - shareBelow(x)),
  );
  return Math.max(...gaps);
}

/** Of Gamma(k, 1) with whole k: 1 - e^-x (1 + x + ... + x^(k-1) / (k-1)!). */
function erlang(k: number): (x: number) => number {
  return (x) => {
    let [term, sum] = [1, 0];
    for (let i = 1; i <= k; i++) [sum, term] = [sum + term, (term * x) / i];
    return 1 - Math.exp(-x) * sum;
  };
}

function sums(shapes: readonly number[]): readonly number[] {
  const random = seededRandomSource(1, 'gamma', ...shapes);
  return Array.from({ length: DRAWS }, () =>
    shapes.reduce((sum, shape) => sum + Math.exp(logGammaDraw(random, shape)), 0),
  );
}

describe('gamma draws', () => {
  // Independent gammas add up: their sum is Gamma of the summed shapes, whose distribution is known for whole shapes.
  it.each([
    [[1], 1],
    [[5], 5],
    [[0.5, 0.5], 1],
    [[0.1, 0.2, 0.7], 1],
    [[0.01, 0.99], 1],
    [[2.5, 0.5], 3],
    [[1.3, 1.7, 4], 7],
  ])('of shapes %j add up to Gamma(%i)', (shapes, k) => {
    // 1.95 / sqrt(draws) is passed once in a thousand samples.
    expect(largestGap(sums(shapes), erlang(k))).toBeLessThan(1.95 / Math.sqrt(DRAWS));
  });

  it('of a shape that is wrong would be noticed by that', () => {
    expect(largestGap(sums([1.05]), erlang(1))).toBeGreaterThan(1.95 / Math.sqrt(DRAWS));
  });

  it.each([1e-6, 1e-3, 1e12])('of shape %f are finite', (shape) => {
    const random = seededRandomSource(2, 'gamma', shape);
    const draws = Array.from({ length: 1000 }, () => logGammaDraw(random, shape));
    expect(draws.every(Number.isFinite)).toBe(true);
  });
});

describe('Dirichlet draws', () => {
  it('are shares that sum to 1, with mean a_k / A and variance m (1 - m) / (A + 1)', () => {
    const concentrations = [0.2, 0.5, 1.3];
    const total = 2;
    const random = seededRandomSource(3, 'dirichlet');
    const draws = Array.from({ length: DRAWS }, () => logDirichletDraw(random, concentrations).map(Math.exp));
    for (const shares of draws) expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    concentrations.forEach((concentration, k) => {
      const values = draws.map((shares) => shares[k] ?? NaN);
      const mean = concentration / total;
      const variance = (mean * (1 - mean)) / (total + 1);
      const found = values.reduce((a, b) => a + b) / DRAWS;
      const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS;
      expect(Math.abs(found - mean)).toBeLessThan(4 * Math.sqrt(variance / DRAWS));
      expect(spread / variance).toBeCloseTo(1, 1);
    });
  });

  it('name one class even where every weight is below the smallest float64', () => {
    const random = seededRandomSource(4, 'dirichlet');
    const shares = logDirichletDraw(random, [1e-5, 1e-5, 1e-5]);
    expect(shares.every(Number.isFinite)).toBe(true);
    expect(Math.max(...shares)).toBeCloseTo(0, 12);
  });
});
