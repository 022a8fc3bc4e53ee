import { describe, expect, it } from 'vitest';
import { fltrustDeclared } from '../../../../server/aggregation/rules/fltrust.ts';
import { aggregateOf, anyValue, codeOf, cohortCase, ruleOf } from '../../../support/rule-cases.ts';
import { near } from './near.ts';
import { fc } from '../../../support/properties.ts';

const fltrust = ruleOf(fltrustDeclared);
const length = (row: Iterable<number>) => Math.hypot(...row);

describe('FLTrust', () => {
  it('needs one update, whatever f', async () => {
    expect([0, 3].map((f) => fltrust.minimumCohort(f))).toEqual([1, 1]);
    expect([...(await aggregateOf(fltrust, [[4, 0]], 9, { reference: [2, 0] })).values]).toEqual([2, 0]);
    expect(await codeOf(aggregateOf(fltrust, [], 0, { reference: [] }))).toBe('cohort-too-small');
  });

  it('refuses without a root update, and names what it needs', async () => {
    await expect(aggregateOf(fltrust, [[1, 2]], 0)).rejects.toMatchObject({
      refusal: { code: 'bad-option', hint: expect.stringContaining("the coordinator's own root update") },
    });
  });

  it('refuses a root update of another length or not finite', async () => {
    expect(await codeOf(aggregateOf(fltrust, [[1, 2]], 0, { reference: [1] }))).toBe('bad-shape');
    expect(await codeOf(aggregateOf(fltrust, [[1, 2]], 0, { reference: [1, NaN] }))).toBe('not-finite');
    expect(await codeOf(aggregateOf(fltrust, [[1, 2]], 0, { reference: [1, Infinity] }))).toBe('not-finite');
  });

  it('keeps the model and says so where nobody points the way of the root update', async () => {
    const { values, selected, shares, m, warnings } = await aggregateOf(
      fltrust,
      [
        [-1, 0],
        [0, 3],
        [0, 0],
      ],
      0,
      { reference: [1, 0] },
    );
    expect({ values: [...values], selected, shares: [...shares], m }).toEqual({
      values: [0, 0],
      selected: [],
      shares: [0, 0, 0],
      m: 0,
    });
    expect(warnings).toEqual([expect.stringContaining('the model stays as it is')]);
  });

  it('keeps the model and says so where the root update is zero', async () => {
    const { values, warnings, scores } = await aggregateOf(
      fltrust,
      [
        [1, 2],
        [3, 4],
      ],
      0,
      { reference: [0, 0] },
    );
    expect([...values]).toEqual([0, 0]);
    expect([...(scores ?? [])]).toEqual([1, 1]);
    expect(warnings).toEqual([expect.stringContaining('root update is zero')]);
  });

  it('does not trust a zero update', async () => {
    const { selected, scores } = await aggregateOf(
      fltrust,
      [
        [0, 0],
        [1, 0],
      ],
      0,
      { reference: [1, 0] },
    );
    expect(selected).toEqual([1]);
    expect([...(scores ?? [])]).toEqual([1, 0]);
  });

  // By way of distances the cosine of a row drowns where the row is far longer or shorter than the root update.
  it.each([1e-30, 1e-16, 1e-9, 1e-4, 1, 1e4, 1e9, 1e16, 1e30])('knows the cosine of rows of size %f', async (size) => {
    const root = Array.from({ length: 50 }, (_, k) => Math.fround(Math.sqrt(k + 1)));
    const across = root.map((_, k) => size * (k % 2 === 0 ? (root[k + 1] ?? NaN) : -(root[k - 1] ?? NaN)));
    const rows = [root.map((value) => size * value), root.map((value) => -size * value), across];
    const { scores, selected } = await aggregateOf(fltrust, rows, 1, { reference: root });
    expect([...(scores ?? [])]).toEqual([expect.closeTo(0, 7), expect.closeTo(2, 7), expect.closeTo(1, 7)]);
    expect(selected?.slice(0, 1)).toEqual([0]);
    expect(selected).not.toContain(1);
  });

  it('does not trust an orthogonal update for the rounding of its cosine', async () => {
    const third = 1 / 3;
    const root = [third, third, 0.1, 0.7];
    const rows = [0.1, 0.3, 0.7, 1.1, 2.3, 5.9].map((size) => [size, -size, 0, 0]);
    const { selected, warnings } = await aggregateOf(fltrust, rows, 2, { reference: root });
    expect(selected).toEqual([]);
    expect(warnings).toHaveLength(1);
  });
});

describe('laws of FLTrust', () => {
  const cases = cohortCase(anyValue, () => 1).chain(({ rows, f }) => {
    const d = rows[0]?.length ?? 0;
    return fc.array(anyValue, { minLength: d, maxLength: d }).map((root) => ({ rows, f, root }));
  });

  it('never move the model further than the root update would', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, f, root }) => {
        const { values } = await aggregateOf(fltrust, rows, f, { reference: root });
        expect(length(values)).toBeLessThanOrEqual(length(root) * (1 + 1e-6));
      }),
      { seed: 5 },
    );
  });

  it('have shares that sum to 1, or to 0 with a warning, and no trust for an obtuse angle', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, f, root }) => {
        const { shares, warnings, scores, selected } = await aggregateOf(fltrust, rows, f, { reference: root });
        const sum = shares.reduce((total, share) => total + share, 0);
        expect(sum).toBeCloseTo(warnings.length === 0 ? 1 : 0, 9);
        expect(selected).toEqual([...shares.keys()].filter((row) => (scores?.[row] ?? NaN) < 1));
      }),
      { seed: 6 },
    );
  });

  it('do not hang on the length of any update, which is taken out', async () => {
    const rows = [
      [3, 1],
      [1, 4],
      [2, -1],
      [-1, 0.5],
    ];
    const grown = rows.map((row, i) => row.map((value) => value * 10 ** (3 * i)));
    const [one, other] = await Promise.all(
      [rows, grown].map((each) => aggregateOf(fltrust, each, 1, { reference: [1, 1] })),
    );
    expect([...(other?.values ?? [])]).toEqual(near([...(one?.values ?? [])]));
  });

  it('do not hang on the order of the rows, up to rounding', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, f, root }) => {
        const one = await aggregateOf(fltrust, rows, f, { reference: root });
        const other = await aggregateOf(fltrust, rows.toReversed(), f, { reference: root });
        expect([...other.shares].reverse()).toEqual(near([...one.shares], 9));
        expect([...other.values]).toEqual(near([...one.values], 4));
      }),
      { seed: 7 },
    );
  });
});

describe('vectors of the field', () => {
  it('trusts 1, 0, 0 and 0.7071 and aggregates to [0.8787, 0.2929]', async () => {
    const rows = [
      [2, 0],
      [0, 3],
      [-1, 0],
      [1, 1],
    ];
    const { values, shares, selected, m, scores } = await aggregateOf(fltrust, rows, 1, { reference: [1, 0] });
    expect([...values]).toEqual(near([0.87867966, 0.29289322]));
    expect([...(scores ?? [])]).toEqual(near([0, 1, 2, 1 - Math.SQRT1_2], 12));
    expect([...shares]).toEqual(near([1 / (1 + Math.SQRT1_2), 0, 0, Math.SQRT1_2 / (1 + Math.SQRT1_2)], 12));
    expect({ selected, m }).toEqual({ selected: [0, 3], m: 2 });
  });
});
