import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { liarChance, type LiarDraw } from '../../../server/admission/liar-chance.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

const count = z.number();
const pinned = z
  .array(
    z.object({
      population: count,
      liars: count,
      cohort: count,
      f: count,
      rounds: count,
      perRound: count,
      overall: count,
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('../../oracles/liar_chance.json', import.meta.url), 'utf8')));

const relativeError = (found: number, exact: number): number =>
  found === exact ? 0 : Math.abs(found - exact) / Math.abs(exact);

const draws: fc.Arbitrary<LiarDraw> = fc.integer({ min: 1, max: 200 }).chain((population) =>
  fc.record({
    population: fc.constant(population),
    liars: fc.nat(population),
    cohort: fc.nat(population),
    f: fc.nat(population),
    rounds: fc.nat(1000),
  }),
);

describe('the chance of more liars than f', () => {
  it.each(pinned)('is exact: $population clients, $liars liars, $cohort drawn, f = $f', (row) => {
    const { perRound, overall } = liarChance(row);
    expect(relativeError(perRound, row.perRound)).toBeLessThan(1e-9);
    expect(relativeError(overall, row.overall)).toBeLessThan(1e-9);
  });

  it('is a probability that falls with f and rises with the liars and the rounds', () => {
    fc.assert(
      fc.property(draws, (draw) => {
        const { perRound, overall } = liarChance(draw);
        expect(perRound).toBeGreaterThanOrEqual(0);
        expect(perRound).toBeLessThanOrEqual(1);
        expect(overall).toBeLessThanOrEqual(1);
        const slack = 1 + 1e-12;
        expect(liarChance({ ...draw, f: draw.f + 1 }).perRound).toBeLessThanOrEqual(perRound * slack);
        expect(liarChance({ ...draw, rounds: draw.rounds + 1 }).overall * slack).toBeGreaterThanOrEqual(overall);
        const liars = Math.min(draw.liars + 1, draw.population);
        expect(liarChance({ ...draw, liars }).perRound * slack).toBeGreaterThanOrEqual(perRound);
      }),
    );
  });

  it('is the same with the liars drawn from the clients and the cohort from the liars', () => {
    fc.assert(
      fc.property(draws, (draw) => {
        const swapped = { ...draw, liars: draw.cohort, cohort: draw.liars };
        expect(relativeError(liarChance(swapped).perRound, liarChance(draw).perRound)).toBeLessThan(1e-10);
      }),
    );
  });

  it('leaves the rest to the honest: at most f liars are at least cohort - f honest clients', () => {
    fc.assert(
      fc.property(draws, (draw) => {
        fc.pre(draw.f < draw.cohort);
        const honest = { ...draw, liars: draw.population - draw.liars, f: draw.cohort - draw.f - 1 };
        expect(liarChance(draw).perRound + liarChance(honest).perRound).toBeCloseTo(1, 12);
      }),
    );
  });

  it('is none without liars, and none where f is the whole cohort or more', () => {
    const draw = { population: 30, liars: 9, cohort: 6, f: 2, rounds: 100 };
    for (const changes of [{ liars: 0 }, { liars: 0, f: 0 }, { f: 6 }, { f: 7 }, { cohort: 0, f: 0 }, { liars: 2 }])
      expect(liarChance({ ...draw, ...changes })).toEqual({ perRound: 0, overall: 0 });
  });

  it('is exactly 1 where the honest clients are too few to fill the cohort, and never above 1', () => {
    for (let population = 20; population <= 400; population++) {
      const [liars, cohort] = [Math.ceil(population * 0.7), Math.ceil(population * 0.6)];
      const least = cohort + liars - population;
      expect(liarChance({ population, liars, cohort, f: least - 1, rounds: 9 })).toEqual({ perRound: 1, overall: 1 });
      for (const f of [least, least + 1]) {
        const { perRound, overall } = liarChance({ population, liars, cohort, f, rounds: 9 });
        expect(perRound).toBeLessThanOrEqual(1);
        expect(overall).toBeLessThanOrEqual(1);
      }
    }
  });

  it('is summed from its largest term, also where the term after f is too small for a float', () => {
    const draw = { population: 10_000, liars: 5_000, cohort: 4_000, rounds: 1 };
    expect(liarChance({ ...draw, f: 0 }).perRound).toBeCloseTo(1, 9);
    // Symmetric around 2,000, which itself has the probability 1 / sqrt(2 pi 600.06).
    expect(liarChance({ ...draw, f: 1_999 }).perRound).toBeCloseTo(0.5 + 0.5 * 0.0163, 3);
  });

  it('is certain or impossible where everybody is drawn', () => {
    const draw = { population: 30, liars: 9, cohort: 30, rounds: 4 };
    expect(liarChance({ ...draw, f: 8 })).toEqual({ perRound: 1, overall: 1 });
    expect(liarChance({ ...draw, f: 9 })).toEqual({ perRound: 0, overall: 0 });
    expect(liarChance({ ...draw, f: 8, rounds: 0 })).toEqual({ perRound: 1, overall: 0 });
  });

  it.each<[string, Partial<LiarDraw>]>([
    ['more liars than clients', { liars: 31 }],
    ['a larger cohort than there are clients', { cohort: 31 }],
    ['a share for f', { f: 0.2 }],
    ['a negative f', { f: -1 }],
    ['rounds that are no number', { rounds: NaN }],
  ])('is not asked of %s', (_, changes) => {
    const draw = { population: 30, liars: 9, cohort: 6, f: 2, rounds: 100, ...changes };
    expect(() => liarChance(draw)).toThrow(InvariantError);
  });
});
