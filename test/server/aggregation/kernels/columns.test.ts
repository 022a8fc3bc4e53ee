import { describe, expect, it } from 'vitest';
import type { CoordinateWindow, Mixture } from '../../../../server/aggregation/cohort.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { seededMixture, seededRows } from './kernel-world.ts';
import { type Rows, shardOf, sumsOfPairs } from './shard-world.ts';

/** Few different values, so that many coordinates hold ties. */
const tied = (rows: Rows): Rows => rows.map((row) => row.map((value) => Math.round(3 * value) / 4));

const windowsOf = (n: number): readonly CoordinateWindow[] => [
  { kind: 'median' },
  ...Array.from({ length: Math.ceil(n / 2) }, (_, trim): CoordinateWindow => ({ kind: 'trimmed', trim })),
  ...Array.from({ length: n }, (_, less): CoordinateWindow => ({ kind: 'around-median', keep: n - less })),
];

async function expectPlain(rows: Rows, window: CoordinateWindow, mixture: Mixture | null = null): Promise<void> {
  const plain = mixture ? plainCohort(rows).mixed(mixture) : plainCohort(rows);
  const expected = await plain.coordinateWise(window);
  const { values, counts } = shardOf(rows, { kind: 'coordinate-wise', window }, { mixture });
  expect([window, values]).toEqual([window, expected.values]);
  expect([window, ...counts]).toEqual([window, ...expected.shares.map((share) => Math.round(share * plain.d))]);
}

describe('a window of each coordinate', () => {
  it('holds the values of the plain loops, to the bit, for every window of up to 12 rows', async () => {
    for (const n of [1, 2, 3, 4, 5, 6, 7, 11, 12])
      for (const window of windowsOf(n)) {
        await expectPlain(seededRows(n, 35, `${n}`), window);
        await expectPlain(tied(seededRows(n, 35, `${n}`)), window);
      }
  });

  it.each([1, 15, 16, 17, 64, 959, 961, 1930])('covers %i columns and counts none beyond', async (d) => {
    const rows = tied(seededRows(5, d, `${d}`));
    for (const window of windowsOf(5)) await expectPlain(rows, window);
    await expectPlain(
      Array.from({ length: 5 }, () => new Float32Array(d)),
      { kind: 'median' },
    );
  });

  it('holds them for many rows', async () => {
    for (const n of [50, 129, 300])
      for (const window of [
        { kind: 'median' },
        { kind: 'trimmed', trim: 10 },
        { kind: 'around-median', keep: 40 },
        { kind: 'around-median', keep: 7 },
      ] as const)
        await expectPlain(seededRows(n, 70, `${n}`), window);
    await expectPlain(tied(seededRows(10_000, 2, 'most')), { kind: 'median' });
  });

  it('holds them where values are as far apart as float32 goes', async () => {
    const sizes = [3.4e38, -3.4e38, 1e30, 1, -1, 1e-45, 0, -1e-25, 2 ** 24];
    const rows = sizes.map((_, i) => Float32Array.from({ length: 40 }, (_value, k) => sizes[(i * k + i) % 9] ?? NaN));
    for (const window of windowsOf(9)) await expectPlain(rows, window);
  });

  it('takes zeros for equal whatever their signs: the mean is +0 and the counts are the same in any order', () => {
    const rows = [0, -0, -0, 0, -0].map((zero) => new Float32Array(20).fill(zero));
    for (const window of windowsOf(5))
      for (const order of [rows, rows.toReversed(), rows.slice(1, 3)]) {
        if (window.kind !== 'median' && order.length < 5) continue;
        const { values, counts } = shardOf(order, { kind: 'coordinate-wise', window });
        expect(values.every((value) => Object.is(value, 0))).toBe(true);
        expect(counts.every((count) => count === 20)).toBe(true);
      }
  });

  it('is a fault where it would hold no value, or more than there are', () => {
    const rows = seededRows(4, 3, 'fault');
    for (const window of [
      { kind: 'trimmed', trim: 2 },
      { kind: 'trimmed', trim: -1 },
      { kind: 'around-median', keep: 0 },
      { kind: 'around-median', keep: 5 },
      { kind: 'around-median', keep: NaN },
    ] as const)
      expect(() => shardOf(rows, { kind: 'coordinate-wise', window })).toThrow(InvariantError);
  });
});

describe('a weighted sum', () => {
  it('has the bits of the plain loops, with and without a point, whatever the weights', async () => {
    for (const n of [1, 2, 5, 50])
      for (const d of [1, 16, 17, 961]) {
        const rows = seededRows(n, d, `${n}/${d}`);
        const [point = new Float32Array()] = seededRows(1, d, 'point');
        const weights = Float64Array.from({ length: n }, (_, j) => [1, 0, 0.3, -2.5][j % 4] ?? NaN);
        for (const plus of [{}, { plus: { point, weight: 0.7 } }, { plus: { point, weight: 0 } }]) {
          const combination = { weights, divisor: 1.7, ...plus };
          const { values } = shardOf(rows, { kind: 'combine', combination });
          expect(values).toEqual(await plainCohort(rows).combine(combination));
        }
      }
  });

  it('leaves rows of weight 0 out, and is +0 over zeros of any sign', () => {
    const rows = [new Float32Array(20).fill(NaN), new Float32Array(20).fill(-0)];
    const combination = { weights: Float64Array.of(0, 1), divisor: 1 };
    expect([...shardOf(rows, { kind: 'combine', combination }).values]).toEqual(new Array(20).fill(0));
  });

  it('adds in float64 in the order of the rows and rounds once', () => {
    const rows = [1, 2 ** -24, 2 ** -24, 2 ** 60, -(2 ** 60)].map((value) => Float32Array.of(value));
    const sumOf = (order: Rows): number | undefined =>
      shardOf(order, { kind: 'combine', combination: { weights: new Float64Array(order.length).fill(1), divisor: 1 } })
        .values[0];
    expect(sumOf(rows.slice(0, 3))).toBe(1 + 2 ** -23);
    expect([sumOf(rows), sumOf(rows.toReversed())]).toEqual([0, 1 + 2 ** -23]);
  });
});

describe('a mixture', () => {
  it('is computed before the job, its rows in float64 and rounded once', async () => {
    for (const [n, d, images] of [
      [5, 17, 3],
      [3, 970, 7],
      [50, 40, 50],
    ] as const) {
      const rows = seededRows(n, d, 'mixture');
      const mixture = seededMixture(images, n, `${n}`);
      for (const window of [{ kind: 'median' }, { kind: 'around-median', keep: 2 }] as const)
        await expectPlain(rows, window, mixture);
      const weights = Float64Array.from({ length: images }, (_, j) => j + 1);
      const combination = { weights, divisor: 3 };
      expect(shardOf(rows, { kind: 'combine', combination }, { mixture }).values).toEqual(
        await plainCohort(rows).mixed(mixture).combine(combination),
      );
    }
  });

  it('has the distances of its rows', () => {
    const rows = seededRows(9, 1000, 'distances');
    const mixture = seededMixture(6, 9, 'distances');
    const image = mixture.coefficients.map((weights, r) => {
      const combination = { weights, divisor: mixture.divisors[r] ?? NaN };
      return shardOf(rows, { kind: 'combine', combination }).values;
    });
    for (const precision of ['float32-tiles', 'float64'] as const)
      expect(shardOf(rows, { kind: 'distances', precision }, { mixture }).sums).toEqual(sumsOfPairs(image, precision));
  });

  it('may hold a row of nothing, which is 0 and counted within the columns alone', () => {
    const mixture = { coefficients: [new Float64Array(2), Float64Array.of(1, 1)], divisors: Float64Array.of(1, 2) };
    const window = { kind: 'trimmed', trim: 0 } as const;
    const { values, counts } = shardOf(seededRows(2, 5, 'nothing'), { kind: 'coordinate-wise', window }, { mixture });
    expect(values).toHaveLength(5);
    expect([...counts]).toEqual([5, 5]);
  });
});

describe('a shard', () => {
  it('yields the same whatever ran on the thread before, and memory of its own', () => {
    const rows = seededRows(7, 50, 'same');
    const results = [
      { kind: 'coordinate-wise', window: { kind: 'around-median', keep: 3 } } as const,
      { kind: 'distances', precision: 'float32-tiles' } as const,
      { kind: 'distances', precision: 'float64' } as const,
      { kind: 'distances-to-point', point: null } as const,
      { kind: 'combine', combination: { weights: new Float64Array(7).fill(1), divisor: 7 } } as const,
    ].map((job) => {
      const before = shardOf(rows, job);
      shardOf([new Float32Array(5000).fill(3e38), new Float32Array(5000).fill(-3e38)], {
        kind: 'distances',
        precision: 'float32-tiles',
      });
      expect(shardOf(rows, job)).toEqual(before);
      return before;
    });
    const buffers = results.flatMap(({ sums, values, counts }) => [sums.buffer, values.buffer, counts.buffer]);
    expect(new Set(buffers).size).toBe(15);
  });

  it('of no columns yields nothing but zeros', () => {
    const rows = seededRows(3, 10, 'none');
    const [from, to] = [4, 4];
    expect(shardOf(rows, { kind: 'distances', precision: 'float64' }, { from, to }).sums).toEqual(new Float64Array(3));
    const { values, counts } = shardOf(rows, { kind: 'coordinate-wise', window: { kind: 'median' } }, { from, to });
    expect([values, counts]).toEqual([new Float32Array(), new Float64Array(3)]);
  });
});
