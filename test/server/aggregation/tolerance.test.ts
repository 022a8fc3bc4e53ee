import { describe, expect, it } from 'vitest';
import { ruleOf } from '../../../server/aggregation/rules.ts';
import {
  checkTolerance,
  isTolerance,
  tolerated,
  toleratedOrganisations,
} from '../../../server/aggregation/tolerance.ts';
import { asOrganisationId } from '../../../shared/ids.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { fc } from '../../support/properties.ts';

describe('f', () => {
  it('as a fraction of the clients offered is rounded up, and to the number meant where it is whole', () => {
    const parts = fc
      .integer({ min: 1, max: 1000 })
      .chain((whole) => fc.record({ whole: fc.constant(whole), part: fc.nat(whole - 1) }));
    fc.assert(
      fc.property(parts, fc.nat(10_000), ({ whole, part }, offered) => {
        expect(tolerated(part / whole, offered)).toBe(
          Number((BigInt(part) * BigInt(offered) + BigInt(whole) - 1n) / BigInt(whole)),
        );
      }),
      { numRuns: 2000 },
    );
    expect([tolerated(0.2, 20), tolerated(0.15, 20), tolerated(0.07, 100), tolerated(0.21, 20)]).toEqual([4, 3, 7, 5]);
    expect(tolerated(1e-12, 20)).toBe(1);
  });

  it('as a whole number is taken as it is', () => {
    expect([tolerated(0, 20), tolerated(1, 20), tolerated(7, 3)]).toEqual([0, 1, 7]);
  });

  it('as anything else is no tolerance', () => {
    for (const f of [-1, -0.5, 1.5, NaN, Infinity]) {
      expect(isTolerance(f)).toBe(false);
      expect(() => tolerated(f, 20)).toThrow(InvariantError);
    }
    expect([0, 0.3, 1, 4].every(isTolerance)).toBe(true);
  });
});

describe('f by organisations', () => {
  const cohortOf = (...names: readonly string[]) => names.map(asOrganisationId);

  it('is the clients of the largest organisations, wherever they stand in the cohort', () => {
    const cohort = cohortOf('a', 'b', 'c', 'b', 'c', 'b', 'd');
    expect([0, 1, 2, 3, 4, 5].map((g) => toleratedOrganisations(g, cohort))).toEqual([0, 3, 5, 6, 7, 7]);
    expect(toleratedOrganisations(2, [])).toBe(0);
  });

  it('is never less than the clients of any g organisations, and is reached by some', () => {
    const letters = ['a', 'b', 'c', 'd'];
    const cohorts = fc.array(fc.constantFrom(...letters), { maxLength: 25 });
    fc.assert(
      fc.property(cohorts, fc.nat({ max: 5 }), (names, g) => {
        const choices = Array.from({ length: 2 ** letters.length }, (_, mask) =>
          letters.filter((_letter, i) => (mask >> i) % 2 === 1),
        ).filter(({ length }) => length <= g);
        const sizes = choices.map((liars) => names.filter((name) => liars.includes(name)).length);
        expect(toleratedOrganisations(g, cohortOf(...names))).toBe(Math.max(...sizes));
      }),
    );
  });

  it('takes a whole number of organisations', () => {
    for (const g of [-1, 0.5, NaN, Infinity])
      expect(() => toleratedOrganisations(g, cohortOf('a'))).toThrow(InvariantError);
  });
});

describe('a federation that cannot carry its f', () => {
  const multiKrum = accepted(ruleOf({ name: 'multi-krum' })).made;

  it('is refused with the largest f that fits, and that one is taken', () => {
    for (const cohortSize of [3, 4, 10, 11, 20]) {
      const largest = Math.floor((cohortSize - 3) / 2);
      expect(checkTolerance(multiKrum, { cohortSize, f: largest })).toBeUndefined();
      for (const f of [largest + 1, largest + 5, 1e9])
        expect(checkTolerance(multiKrum, { cohortSize, f })?.refusal).toMatchObject({
          code: 'f-too-large',
          expected: expect.stringContaining(`at least ${2 * f + 3} clients`),
          found: `${cohortSize}`,
          hint: `the largest f that fits is ${largest}`,
        });
    }
  });

  it('is told so where not even f = 0 fits', () => {
    expect(checkTolerance(multiKrum, { cohortSize: 2, f: 1 })?.refusal.hint).toMatch(/even for f = 0/);
  });

  it('is never refused under the mean, which has no f', () => {
    expect(checkTolerance(accepted(ruleOf({ name: 'mean' })).made, { cohortSize: 4, f: 4 })).toBeUndefined();
  });
});
