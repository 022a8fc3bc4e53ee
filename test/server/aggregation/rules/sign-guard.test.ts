import { describe, expect, it } from 'vitest';
import { signGuardDeclared } from '../../../../server/aggregation/rules/sign-guard.ts';
import { seededRandomSource, standardNormals } from '../../../../shared/random-source.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, codeOf, exactly, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { near } from './near.ts';
import { fc } from '../../../support/properties.ts';

const signGuard = ruleOf(signGuardDeclared);
const whole = ruleOf(signGuardDeclared, { slice: 1 });
const seed = 'a';

/** Three positive values in four, all of length 1 at 1/sqrt(8). */
const unit = [1, 1, 1, -1, 1, 1, 1, -1];
const times = (factor: number, row: readonly number[]) => row.map((value) => factor * value);

/** n rows of d normals around 0.5. */
const honest = (n: number, d: number, label = 'honest'): Rows => {
  const random = seededRandomSource(1, 'sign-guard-test', label);
  return Array.from({ length: n }, () => Float32Array.from(standardNormals(random, d), (value) => value + 0.5));
};

describe('SignGuard', () => {
  it('needs more than 2f updates', async () => {
    expect([0, 1, 4].map((f) => signGuard.minimumCohort(f))).toEqual([1, 3, 9]);
    expect(await codeOf(aggregateOf(signGuard, honest(8, 20), 4, { seed }))).toBe('cohort-too-small');
    expect(await codeOf(aggregateOf(signGuard, honest(9, 20), 4, { seed }))).toBe('aggregate');
  });

  it('takes bounds on both sides of the median, and a slice above 0 up to 1', () => {
    for (const options of [{ lower: -0.1 }, { lower: 1.1 }, { upper: 0.9 }, { slice: 0 }, { slice: 1.1 }])
      expect(() => ruleOf(signGuardDeclared, options)).toThrow('an option’s value does not fit');
  });

  it('does not draw without a seed', async () => {
    expect(await codeOf(aggregateOf(signGuard, honest(3, 20), 1))).toBe('bad-option');
  });

  it('keeps norms from lower to upper medians, both included', async () => {
    const rule = ruleOf(signGuardDeclared, { lower: 0.5, upper: 2, slice: 1 });
    const rows = [0.49, 0.5, 1, 1, 1, 2, 2.01].map((factor) => times(factor, unit));
    expect((await aggregateOf(rule, rows, 2, { seed })).selected).toEqual([1, 2, 3, 4, 5]);
  });

  it('clips what it keeps to the median norm of all updates', async () => {
    const rows = [1, 2, 4, 5, 20].map((factor) => times(factor, unit));
    const { selected, values, shares, m, scores } = await aggregateOf(whole, rows, 1, { seed });
    expect(selected).toEqual([0, 1, 2, 3]);
    expect([...values]).toEqual(near(times((1 + 2 + 4 + 4) / 4, unit)));
    expect([...shares]).toEqual(near([0.25, 0.25, 0.25, 0.2, 0], 12));
    expect({ m, scores }).toEqual({ m: 4, scores: null });
  });

  it('averages the two middle norms of an even number', async () => {
    const { values } = await aggregateOf(
      whole,
      [1, 2, 3, 3].map((factor) => times(factor, unit)),
      1,
      { seed },
    );
    expect([...values]).toEqual(near(times((1 + 2 + 2.5 + 2.5) / 4, unit)));
  });

  it('keeps the largest cluster of signs: flipped updates go, and so do those full of zeros', async () => {
    const flipped = times(-1, unit);
    const sparse = [3, 0, 0, 0, 0, 0, 0, 0];
    const rows = [flipped, unit, unit, sparse, unit, flipped, unit, unit];
    expect((await aggregateOf(whole, rows, 3, { seed })).selected).toEqual([1, 2, 4, 6, 7]);
  });

  it('takes the cluster of the lowest row where two are equally large', async () => {
    const flipped = times(-1, unit);
    expect((await aggregateOf(whole, [flipped, unit, unit, flipped], 1, { seed })).selected).toEqual([0, 3]);
    expect((await aggregateOf(whole, [unit, flipped, unit, flipped], 1, { seed })).selected).toEqual([0, 2]);
  });

  it('is one cluster where all signs are alike', async () => {
    const { selected } = await aggregateOf(
      whole,
      [1, 1.5, 2].map((factor) => times(factor, unit)),
      1,
      { seed },
    );
    expect(selected).toEqual([0, 1, 2]);
  });

  it('keeps zeros where most updates are zero', async () => {
    const { selected, values } = await aggregateOf(
      whole,
      [
        [0, 0],
        [0, 0],
        [1, 1],
      ],
      1,
      { seed },
    );
    expect(selected).toEqual([0, 1]);
    expect([...values]).toEqual([0, 0]);
  });

  it('refuses where nobody passes both filters', async () => {
    // Two share their signs and have wild norms; the others have the median norm and signs of their own.
    const signs = (positive: number, negative: number) =>
      Array.from({ length: 20 }, (_, k) => (k < positive ? 1 : k < positive + negative ? -1 : 0));
    const alike = times(100, signs(20, 0));
    const rows = [alike, alike, signs(0, 20), times(Math.sqrt(20), signs(1, 0)), signs(10, 10)];
    expect(await codeOf(aggregateOf(whole, rows, 2, { seed }))).toBe('cohort-too-small');
    expect(await codeOf(aggregateOf(ruleOf(signGuardDeclared, { slice: 1, upper: 101 }), rows, 2, { seed }))).toBe(
      'aggregate',
    );
  });

  it('looks at a tenth of the coordinates, rounded up, and at no more than 65,536 at once', async () => {
    const asked: number[] = [];
    const cohort = plainCohort(honest(3, 41));
    const watched = { ...cohort, gather: (at: Uint32Array) => (asked.push(at.length), cohort.gather(at)) };
    accepted(await signGuard.aggregate({ cohort: watched, f: 1, seed, reference: null }));
    expect(asked).toEqual([5]);
    const wide = {
      ...watched,
      d: 700_001,
      gather: (at: Uint32Array) => (asked.push(at.length), cohort.gather(at.map(() => 0))),
    };
    accepted(await signGuard.aggregate({ cohort: wide, f: 1, seed, reference: null }));
    expect(asked.slice(1)).toEqual([65_536, 4465]);
  });
});

describe('laws of SignGuard', () => {
  it('are the same bits for the same seed, and another slice for another', async () => {
    const outcome = (one: string) =>
      aggregateOf(ruleOf(signGuardDeclared, { slice: 0.02 }), honest(12, 400), 2, { seed: one });
    const runs = await Promise.all(['a', 'a', 'b', 'c', 'd'].map(outcome));
    const [first, again, ...others] = runs.map(exactly);
    expect(again).toEqual(first);
    expect(others.some((other) => JSON.stringify(other) !== JSON.stringify(first))).toBe(true);
  });

  it('do not hang on the order of the rows, given the seed', async () => {
    const rows = honest(12, 60).map((row, i) => (i < 3 ? row.map((value) => -value) : row));
    const { selected } = await aggregateOf(whole, rows, 3, { seed });
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...rows.keys()], { minLength: rows.length }), async (order) => {
        const moved = await aggregateOf(
          whole,
          order.map((row) => rows[row] ?? []),
          3,
          { seed },
        );
        expect(moved.selected?.map((row) => order[row] ?? NaN).sort((a, b) => a - b)).toEqual(selected);
      }),
      { seed: 2, numRuns: 30 },
    );
  });

  it('never take far outliers or flipped updates among honest ones', async () => {
    const rows = honest(12, 500).map((row, i) =>
      i < 2 ? row.map((value) => 50 * value) : i < 4 ? row.map((value) => -value) : row,
    );
    for (const one of ['a', 'b', 'c']) {
      const { selected } = await aggregateOf(whole, rows, 4, { seed: one });
      expect(selected?.every((row) => row >= 4)).toBe(true);
      expect(selected?.length).toBeGreaterThanOrEqual(6);
    }
  });

  it('scale with the updates', async () => {
    const rows = honest(9, 60);
    const one = await aggregateOf(signGuard, rows, 2, { seed });
    const other = await aggregateOf(
      signGuard,
      rows.map((row) => Float32Array.from(row, (value) => 8 * value)),
      2,
      { seed },
    );
    expect(other.selected).toEqual(one.selected);
    expect([...other.values]).toEqual([...one.values].map((value) => 8 * value));
  });
});
