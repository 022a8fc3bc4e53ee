import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markCohort } from '../../../../server/update/anomaly/cohort-anomaly.ts';
import { asClientId } from '../../../../shared/ids.ts';

const cohortOf = (norms: readonly number[]) =>
  norms.map((normL2, i) => ({ client: asClientId(i.toString(16).padStart(64, '0')), normL2 }));
const marksOf = (norms: readonly number[], maxAbsoluteZ?: number) => [
  ...markCohort(cohortOf(norms), { maxAbsoluteZ }).values(),
];
const norm = fc.double({ min: 0, max: 1e6, noNaN: true });

describe('the norms of a cohort', () => {
  it('flag the outlier that a standard deviation cannot see among seven', () => {
    const marks = marksOf([1, 1.1, 0.9, 1.05, 0.95, 1.02, 10]); // median 1.02, MAD 0.07
    expect(marks.map(({ flags }) => flags)).toEqual([[], [], [], [], [], [], ['norm-outlier']]);
    expect(marks[6]?.normZ).toBeCloseTo((0.6745 * 8.98) / 0.07, 9);
    expect(marks[2]?.normZ).toBeCloseTo((0.6745 * -0.12) / 0.07, 9);
  });

  it('flag what is too small as well as what is too large, strictly beyond the bound', () => {
    const norms = [8, 9, 10, 11, 12, 13, 14, 1]; // median 10.5, MAD 2
    expect(marksOf(norms, 3).at(-1)).toEqual({ normZ: (0.6745 * -9.5) / 2, flags: ['norm-outlier'] });
    expect(marksOf(norms).at(-1)?.flags).toEqual([]);
    const exactly = Math.abs((0.6745 * -9.5) / 2);
    expect(marksOf(norms, exactly).at(-1)?.flags).toEqual([]);
  });

  it('by default flag beyond 6', () => {
    const edge = (z: number): readonly number[] => [9, 10, 10, 11, 9, 11, 10 + z / 0.6745]; // median 10, MAD 1
    expect(marksOf(edge(5.99)).at(-1)?.flags).toEqual([]);
    expect(marksOf(edge(6.01)).at(-1)?.flags).toEqual(['norm-outlier']);
  });

  it('mark everyone and remove nobody, whatever the order', () => {
    const arrivals = fc.array(norm, { maxLength: 12 }).chain((norms) => {
      const cohort = cohortOf(norms);
      return fc.record({
        cohort: fc.constant(cohort),
        arrived: fc.shuffledSubarray(cohort, { minLength: cohort.length }),
      });
    });
    fc.assert(
      fc.property(arrivals, ({ cohort, arrived }) => {
        const marks = markCohort(cohort);
        expect(marks.size).toBe(cohort.length);
        const again = markCohort(arrived);
        for (const { client } of cohort) expect(again.get(client)).toEqual(marks.get(client));
      }),
    );
  });

  it('give finite figures for every cohort, so that they can be recorded', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(norm, fc.constantFrom(0, 1)), { minLength: 3, maxLength: 12 }), (norms) => {
        expect(marksOf(norms).every(({ normZ }) => Number.isFinite(normZ))).toBe(true);
      }),
    );
  });

  it('mostly equal have a floor under their spread: equals stay at 0, another stands out', () => {
    const marks = marksOf([5, 5, 5, 5, 5.1]);
    expect(marks[0]).toEqual({ normZ: 0, flags: [] });
    expect(marks[4]?.normZ).toBeCloseTo((0.6745 * 0.1) / 5e-6, 0);
    expect(marks[4]?.flags).toEqual(['norm-outlier']);
    expect(marksOf([5, 5, 5, 5, 5 + 1e-8])[4]?.flags).toEqual([]); // rounding is no anomaly
    expect(marksOf([0, 0, 0])[0]).toEqual({ normZ: 0, flags: [] });
  });

  it('say nothing below three updates', () => {
    for (const norms of [[], [1], [1, 1000]])
      expect(marksOf(norms)).toEqual(norms.map(() => ({ normZ: null, flags: [] })));
  });
});
