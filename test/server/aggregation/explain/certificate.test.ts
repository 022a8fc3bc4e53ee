import { describe, expect, it } from 'vitest';
import type { Distances } from '../../../../server/aggregation/cohort.ts';
import { certify, relaxedBound } from '../../../../server/aggregation/explain/certificate.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { drawnFrom, hostileCohort, kindNames } from './hostile-cohorts.ts';
import { distanceToMean, reachOf, type Rows, subsets } from './subsets.ts';
import { fc } from '../../../support/properties.ts';

const float32 = (rows: Rows): Rows => rows.map((row) => [...Float32Array.from(row)]);

interface Measured {
  readonly rows: Rows;
  readonly point: Float32Array;
  readonly distances: Distances;
  readonly toAggregate: Float64Array;
}

async function measured(given: Rows, point: Float32Array): Promise<Measured> {
  const rows = float32(given);
  const cohort = plainCohort(rows);
  const [distances, toAggregate] = [await cohort.squaredDistances(), await cohort.squaredDistancesTo(point)];
  return { rows, point, distances, toAggregate };
}

const points = {
  mean: async (rows: Rows) =>
    await plainCohort(rows).combine({ weights: new Float64Array(rows.length).fill(1), divisor: rows.length }),
  median: async (rows: Rows) => (await plainCohort(rows).coordinateWise({ kind: 'median' })).values,
  'an update': (rows: Rows) => Float32Array.from(rows.at(-1) ?? []),
  'any vector': (rows: Rows) => Float32Array.from(drawnFrom('any', rows.length)(rows[0]?.length ?? 0)),
};
const measuredAt = async (rows: Rows, rule: keyof typeof points): Promise<Measured> =>
  await measured(rows, await points[rule](float32(rows)));
const rules = ['mean', 'median', 'an update', 'any vector'] as const;

const smallShapes = [
  { n: 4, f: 1, d: 1 },
  { n: 5, f: 3, d: 2 },
  { n: 7, f: 2, d: 3 },
  { n: 8, f: 3, d: 12 },
  { n: 9, f: 4, d: 2 },
];

describe('certify', () => {
  it.each(kindNames)('is never exceeded by the mean of any honest updates: %s', async (kind) => {
    for (const shape of smallShapes)
      for (const rule of rules) {
        const { rows, point, distances, toAggregate } = await measuredAt(hostileCohort(kind, shape), rule);
        const { bound } = certify(distances, toAggregate, shape.f);
        for (let honest = shape.n - shape.f; honest <= shape.n; honest++)
          for (const set of subsets(shape.n, honest))
            expect(distanceToMean(rows, set, point)).toBeLessThanOrEqual(bound);
      }
  });

  it.each(kindNames)('is the largest distance to the mean of any n - f updates: %s', async (kind) => {
    for (const shape of smallShapes)
      for (const rule of rules) {
        const { rows, point, distances, toAggregate } = await measuredAt(hostileCohort(kind, shape), rule);
        const { bound, exact } = certify(distances, toAggregate, shape.f);
        const reach = reachOf(rows, point, shape.f);
        expect(exact).toBe(true);
        expect(bound / reach).toBeGreaterThanOrEqual(1);
        expect(bound / reach).toBeLessThan(1 + 1e-6);
      }
  });

  it('is the distance to the plain mean where nobody lies', async () => {
    const { distances, toAggregate } = await measured([[0, 0], [4, 0], [2, 6]], Float32Array.of(2, 5)); // prettier-ignore
    const { bound, exact } = certify(distances, toAggregate, 0);
    expect(bound).toBeCloseTo(3, 6);
    expect(exact).toBe(true);
    expect(relaxedBound(distances, toAggregate, 0)).toBe(bound);
  });

  it('is 0 where all updates are the aggregate', async () => {
    const { distances, toAggregate } = await measured([[1, 2], [1, 2], [1, 2]], Float32Array.of(1, 2)); // prettier-ignore
    expect(certify(distances, toAggregate, 1)).toEqual({ bound: 0, exact: true });
  });

  it('does not depend on the order of the updates', async () => {
    const draw = fc.record({
      seed: fc.nat(1e6),
      kind: fc.constantFrom(...kindNames),
      turn: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(draw, async ({ seed, kind, turn }) => {
        const rows = hostileCohort(kind, { n: 10, f: 3, d: 4 }, seed);
        const turned = [...rows.slice(turn), ...rows.slice(0, turn)].reverse();
        const [one, other] = [await measuredAt(rows, 'median'), await measuredAt(turned, 'median')];
        const bounds = [one, other].map(({ distances, toAggregate }) => certify(distances, toAggregate, 3).bound);
        expect(bounds[0]).toBeCloseTo(bounds[1] ?? NaN, 9);
      }),
      { numRuns: 40, seed: 5 },
    );
  });

  it('scales with the updates', async () => {
    for (const kind of kindNames) {
      const { distances, toAggregate } = await measuredAt(hostileCohort(kind, { n: 12, f: 3, d: 5 }), 'median');
      const scaled = { ...distances, squared: distances.squared.map((squared) => squared * 64) };
      const { bound } = certify(distances, toAggregate, 3);
      expect(certify(scaled, toAggregate.map((squared) => squared * 64), 3).bound).toBe(8 * bound); // prettier-ignore
    }
  });

  it('holds for distances that are off by as much as they say, or as sums in float64 can be', async () => {
    for (const kind of kindNames)
      for (const [relativeError, error] of [
        [0, 2 ** -28],
        [1e-6, 1e-6],
        [1e-2, 1e-2],
        [0.3, 0.3],
      ] as const) {
        // prettier-ignore
        const { rows, point, distances, toAggregate } = await measuredAt(
          hostileCohort(kind, { n: 8, f: 2, d: 6 }),
          'mean',
        );
        const off = {
          // The worst there is for the bound: every distance between updates too large, every other too small.
          distances: {
            ...distances,
            relativeError,
            squared: distances.squared.map((squared) => squared * (1 + error)),
          },
          toAggregate: toAggregate.map((squared) => squared * (1 - error)),
        };
        const reach = reachOf(rows, point, 2);
        expect(certify(off.distances, off.toAggregate, 2).bound).toBeGreaterThanOrEqual(reach);
        expect(relaxedBound(off.distances, off.toAggregate, 2)).toBeGreaterThanOrEqual(reach);
      }
  });

  it('holds however many figures are summed', () => {
    // n updates equally far apart, and an aggregate next to their mean: what is left of two sums of a million figures.
    const n = 1000;
    const short = [0.1, 0.7].filter((distance) => {
      const toAggregate = new Float64Array(n).fill(((distance * (n - 1)) / (2 * n)) * (1 + 1e-14));
      const squared = new Float64Array(n * n).map((_, at) => (at % (n + 1) === 0 ? 0 : distance));
      const { bound } = certify({ n, squared, relativeError: 2 ** -52 }, toAggregate, 0);
      return bound < Math.sqrt(0.9e-14 * ((distance * (n - 1)) / (2 * n)));
    });
    expect(short).toEqual([]);
  });

  it('holds for more liars than honest', async () => {
    const { rows, point, distances, toAggregate } = await measuredAt(
      hostileCohort('honest', { n: 9, f: 8, d: 2 }),
      'mean',
    );
    expect(certify(distances, toAggregate, 8).bound).toBeCloseTo(reachOf(rows, point, 8), 6);
    expect(certify(distances, toAggregate, 8).exact).toBe(true);
  });

  it('says so where it cannot try every choice', async () => {
    const shape = { n: 90, f: 30, d: 8 };
    const { rows, point, distances, toAggregate } = await measuredAt(hostileCohort('honest', shape), 'median');
    const { bound, exact } = certify(distances, toAggregate, shape.f);
    expect(exact).toBe(false);
    expect(bound).toBe(relaxedBound(distances, toAggregate, shape.f));
    expect(bound).toBeGreaterThanOrEqual(climbed(rows, point, shape.f));
  });

  it.each([
    ['f liars of f updates', { f: 3 }],
    ['a negative f', { f: -1 }],
    ['half a liar', { f: 0.5 }],
    ['a missing distance', { squared: new Float64Array(8) }],
    ['a missing row', { toAggregate: new Float64Array(2) }],
    ['NaN between updates', { squared: new Float64Array(9).fill(NaN) }],
    ['Infinity to the aggregate', { toAggregate: Float64Array.of(1, Infinity, 1) }],
    ['a negative distance', { toAggregate: Float64Array.of(1, -1, 1) }],
    [
      'updates apart from each other and all at the aggregate',
      { squared: Float64Array.of(0, 4, 4, 4, 0, 4, 4, 4, 0), toAggregate: new Float64Array(3) },
    ],
    ['distances that say nothing', { relativeError: 0.5 }],
    ['a negative error', { relativeError: -1e-6 }],
  ])('is no figure of %s', (_, amiss) => {
    const fine = { f: 1, squared: new Float64Array(9), toAggregate: new Float64Array(3), relativeError: 0 };
    const { f, toAggregate, ...distances } = { ...fine, ...amiss };
    expect(() => certify({ n: 3, ...distances }, toAggregate, f)).toThrow(InvariantError);
    expect(() => relaxedBound({ n: 3, ...distances }, toAggregate, f)).toThrow(InvariantError);
  });
});

describe('relaxedBound', () => {
  it.each(kindNames)('is at least the exact one, and at most a quarter more, for 4 liars of 20: %s', async (kind) => {
    for (const d of [1, 2, 3, 10, 60])
      for (const draw of [1, 2])
        for (const rule of rules) {
          const { distances, toAggregate } = await measuredAt(hostileCohort(kind, { n: 20, f: 4, d }, draw), rule);
          const { bound, exact } = certify(distances, toAggregate, 4);
          expect(exact).toBe(true);
          const ratio = relaxedBound(distances, toAggregate, 4) / bound;
          expect(ratio).toBeGreaterThanOrEqual(1 - 1e-12);
          expect(ratio).toBeLessThanOrEqual(1.25);
        }
  });
});

/** How far the mean of n - f rows gets by leaving out, one by one, the row that it gets furthest without. */
function climbed(rows: Rows, point: Float32Array, f: number): number {
  let kept = [...rows.keys()];
  const without = (row: number): number => distanceToMean(rows, kept.filter((other) => other !== row), point); // prettier-ignore
  for (let left = 0; left < f; left++) {
    const furthest = kept.reduce((best, row) => (without(row) > without(best) ? row : best));
    kept = kept.filter((row) => row !== furthest);
  }
  return distanceToMean(rows, kept, point);
}
