import { describe, expect, it } from 'vitest';
import { type LossMasses, stepLosses } from '../../../../shared/accounting/pld/loss-masses.ts';
import { EXACT_DELTAS } from './vectors.ts';

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
const lossOf = ({ firstIndex, gridStep }: LossMasses, i: number): number => (firstIndex + i) * gridStep;
const secondMass = (losses: LossMasses): number =>
  losses.masses.reduce((total, mass, i) => total + mass * Math.exp(-lossOf(losses, i)), 0);
const deltaOf = (losses: LossMasses, epsilon: number): number =>
  losses.masses.reduce(
    (total, mass, i) => total + mass * Math.max(0, -Math.expm1(epsilon - lossOf(losses, i))),
    losses.massAtInfinity,
  );

describe('the masses of one step’s loss', () => {
  it.each([
    [1, 0.01],
    [0.5, 0.2],
    [3, 1],
    [1, 0.999],
  ])('for noise %d and rate %d come to 1 under both neighbours', (noiseMultiplier, samplingRate) => {
    const { remove, add } = stepLosses({ noiseMultiplier, samplingRate }, 2 ** -6, 1e-15);
    for (const losses of [remove, add]) {
      expect(sum(losses.masses) + losses.massAtInfinity).toBeGreaterThanOrEqual(1 - 1e-14);
      expect(sum(losses.masses) + losses.massAtInfinity).toBeLessThan(1 + 1e-9);
      expect(secondMass(losses)).toBeCloseTo(1, 9);
      expect(losses.massAtInfinity).toBeLessThan(1e-14);
    }
  });

  it('keep delta at every point of the grid, in either direction, and never show less', () => {
    const single = EXACT_DELTAS.filter(({ events, epsilon }) => events.length === 1 && Number.isInteger(8 * epsilon));
    expect(single.length).toBeGreaterThan(30);
    for (const { events, epsilon, ...exact } of single) {
      for (const event of events) {
        const losses = stepLosses(event, 2 ** -7, 1e-25);
        for (const direction of ['remove', 'add'] as const) {
          const found = deltaOf(losses[direction], epsilon);
          const row = `${direction} ${JSON.stringify({ event, epsilon })}`;
          expect(found, row).toBeGreaterThanOrEqual(exact[direction] * (1 - 2e-12));
          expect(found - exact[direction], row).toBeLessThan(1e-7 * exact[direction] + 1e-24);
        }
      }
    }
  });

  it('are raised by more than the last digits on a fine grid, where they are differences of nearly equal numbers', () => {
    const single = EXACT_DELTAS.filter(({ mechanisms, epsilon }) => mechanisms.length === 1 && epsilon === 0.5);
    for (const { events, epsilon, remove } of single.filter((row) => row.remove > 1e-20)) {
      for (const event of events) {
        const losses = stepLosses(event, 2 ** -14, 1e-25);
        expect(deltaOf(losses.remove, epsilon) / remove, JSON.stringify(event)).toBeGreaterThan(1 + 2e-12);
      }
    }
  });

  it('move up to the grid’s ends, or to infinity, what lies outside', () => {
    const { remove, add } = stepLosses({ noiseMultiplier: 1, samplingRate: 1 }, 2 ** -4, 1e-2);
    for (const losses of [remove, add]) {
      expect(losses.massAtInfinity).toBeGreaterThan(1e-3);
      expect(losses.masses[0]).toBeGreaterThan(5e-5);
      expect(sum(losses.masses) + losses.massAtInfinity).toBeCloseTo(1, 9);
    }
  });
});
