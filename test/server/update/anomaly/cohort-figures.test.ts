import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cohortFigures, type CohortFigures } from '../../../../server/update/anomaly/cohort-figures.ts';
import { asClientId, asDigest } from '../../../../shared/ids.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { normL2 } from '../../../../shared/vector/vector.ts';
import { pythonWithNumpy } from '../../../support/python.ts';
import { cohortOf, honestVectors, memberOf, normals, scaled } from './cohorts.ts';

const figure = z.number().nullable();
const figuresSchema = z.strictObject({
  normZ: figure,
  cosineToMedian: figure,
  cosineToMedianZ: figure,
  cosineToPrevious: figure,
  positiveShare: figure,
  signZ: figure,
  nearDuplicates: figure,
  pairRatio: figure,
  spectralZ: figure,
});
const casesSchema = z.array(
  z.strictObject({
    noiseStdDev: figure,
    previousStep: z.array(z.number()).nullable(),
    updates: z.array(z.strictObject({ client: z.string(), digest: z.string(), values: z.array(z.number()) })),
    figures: z.array(figuresSchema),
  }),
);
const pinnedText = readFileSync(new URL('../../../oracles/cohort_figures.json', import.meta.url), 'utf8');
const pinned = casesSchema.parse(JSON.parse(pinnedText));
const python = pythonWithNumpy();

const listOf = async (...args: Parameters<typeof cohortOf>): Promise<CohortFigures[]> => [
  ...(await cohortFigures(cohortOf(...args))).values(),
];

/** Equal but for rounding: relative where large, absolute where small. */
function expectClose(found: number | null | undefined, expected: number | null | undefined): void {
  if (typeof found !== 'number' || typeof expected !== 'number') return expect(found).toBe(expected);
  expect(Math.abs(found - expected) / Math.max(1, Math.abs(expected))).toBeLessThan(2e-5);
}

function expectCloseFigures(found: CohortFigures | undefined, expected: CohortFigures): void {
  for (const name of figuresSchema.keyof().options) expectClose(found?.[name], expected[name]);
}

describe('the numpy oracle (test/oracles/cohort_figures.py)', () => {
  it.each(pinned.map((one, index) => ({ index, ...one })))('agrees on case $index', async (one) => {
    const vectors = one.updates.map(({ values }) => Float32Array.from(values));
    const members = one.updates.map(({ client, digest }, i) => ({
      client: asClientId(client),
      digest: asDigest(digest),
      normL2: normL2(vectors[i] ?? new Float32Array()),
    }));
    const previousStep = one.previousStep && Float32Array.from(one.previousStep);
    const { noiseStdDev } = one;
    const found = await cohortFigures({ ...cohortOf(vectors), members, previousStep, noiseStdDev });
    expect(found.size).toBe(members.length);
    members.forEach(({ client }, i) => expectCloseFigures(found.get(client), one.figures[i] ?? expect.fail()));
  });

  it('covers duplicates, odd and even cohorts, and rounds with and without noise and a previous step', () => {
    const figures = pinned.flatMap((one) => one.figures);
    expect(figures.some(({ nearDuplicates }) => nearDuplicates === 1)).toBe(true);
    expect(new Set(figures.map(({ pairRatio }) => pairRatio === null)).size).toBe(2);
    expect(new Set(figures.map(({ cosineToPrevious }) => cosineToPrevious === null)).size).toBe(2);
    expect(new Set(pinned.map(({ updates }) => updates.length % 2)).size).toBe(2);
  });

  it('still derives what is pinned', ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../../oracles/cohort_figures.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    const derived = casesSchema.parse(JSON.parse(stdout));
    expect(derived.map(({ updates }) => updates)).toEqual(pinned.map(({ updates }) => updates));
    for (const [i, { figures }] of derived.entries())
      figures.forEach((one, j) => expectCloseFigures(pinned[i]?.figures[j], one));
  });
});

describe('the figures of a cohort', () => {
  it('are of the members, one a row', async () => {
    const cohort = cohortOf(honestVectors(seededRandomSource(1), 5));
    expect([...(await cohortFigures(cohort)).keys()]).toEqual(cohort.members.map(({ client }) => client));
    await expect(cohortFigures({ ...cohort, members: cohort.members.slice(1) })).rejects.toThrow(InvariantError);
  });

  it('do not depend on the scale that all updates share, but for the noise that they are held against', async () => {
    const vectors = honestVectors(seededRandomSource(2), 8);
    const large = await listOf(
      vectors.map((values) => scaled(values, 1024)),
      { noiseStdDev: 1024 },
    );
    expect(large).toEqual(await listOf(vectors, { noiseStdDev: 1 }));
  });

  it('turn the cosines and signs of one update round when it is turned round, and none of its size', async () => {
    const vectors = honestVectors(seededRandomSource(3), 9);
    const before = await listOf(vectors, { previousStep: vectors[4] ?? null });
    const after = await listOf(vectors.with(0, scaled(vectors[0] ?? normals(seededRandomSource(0), 1), -1)), {
      previousStep: vectors[4] ?? null,
    });
    expect(after[0]?.cosineToMedian).toBeCloseTo(-(before[0]?.cosineToMedian ?? NaN), 12);
    expect(after[0]?.cosineToPrevious).toBeCloseTo(-(before[0]?.cosineToPrevious ?? NaN), 12);
    expect(after[0]?.positiveShare).toBeCloseTo(1 - (before[0]?.positiveShare ?? NaN), 12);
    expect(after[0]?.normZ).toBe(before[0]?.normZ);
  });

  it('count as near duplicates equal digests and cosines above 0.999, whatever the scale, and nothing else', async () => {
    const [a, b, c, d] = honestVectors(seededRandomSource(4), 4);
    if (!a || !b || !c || !d) throw new Error('four vectors');
    const nearly = scaled(a, 3).map((value, k) => value + 0.05 * (b[k] ?? NaN));
    const figures = await listOf([a, nearly, scaled(a, -1), b, c, d]);
    expect(figures.map(({ nearDuplicates }) => nearDuplicates)).toEqual([1, 1, 0, 0, 0, 0]);
    const { digest } = memberOf(a, 0);
    const cohort = cohortOf([a, b, c]);
    const sameDigest = { ...cohort, members: cohort.members.map((member) => ({ ...member, digest })) };
    expect([...(await cohortFigures(sameDigest)).values()].map(({ nearDuplicates }) => nearDuplicates)).toEqual([
      2, 2, 2,
    ]);
  });

  it('of equal updates are at rest, and of zero updates finite', async () => {
    const [one] = honestVectors(seededRandomSource(5), 1);
    const equal = await listOf(
      Array.from({ length: 5 }, () => one ?? new Float32Array()),
      { noiseStdDev: 1 },
    );
    for (const figures of equal) {
      expect(figures).toMatchObject({
        normZ: 0,
        cosineToMedianZ: 0,
        signZ: 0,
        spectralZ: 0,
        nearDuplicates: 4,
        pairRatio: 0,
      });
      expect(figures.cosineToMedian).toBeCloseTo(1, 12);
    }
    const zero = (
      await listOf([...honestVectors(seededRandomSource(6), 6), new Float32Array(400)], {
        previousStep: new Float32Array(400),
      })
    ).at(-1);
    expect(zero).toMatchObject({ cosineToMedian: 0, cosineToPrevious: 0, positiveShare: null, nearDuplicates: 0 });
    expect([zero?.normZ, zero?.signZ, zero?.spectralZ].every(Number.isFinite)).toBe(true);
  });

  it('leave exact zeros out of the signs', async () => {
    const values = Float32Array.of(0, 0, 0, 1, 2, -1, 0, -0);
    expect((await listOf([values]))[0]?.positiveShare).toBe(2 / 3);
  });

  it('are null where there is nobody to compare with', async () => {
    expect(await cohortFigures(cohortOf([]))).toEqual(new Map());
    const unknown = { normZ: null, cosineToMedian: null, cosineToMedianZ: null, signZ: null, spectralZ: null };
    const [a, b] = honestVectors(seededRandomSource(7), 2);
    if (!a || !b) throw new Error('two vectors');
    expect((await listOf([a], { noiseStdDev: 1 }))[0]).toMatchObject({
      ...unknown,
      nearDuplicates: null,
      pairRatio: null,
    });
    for (const figures of await listOf([a, b], { noiseStdDev: 1 }))
      expect(figures).toMatchObject({
        ...unknown,
        nearDuplicates: 0,
        pairRatio: expect.closeTo(1, 0),
        cosineToPrevious: null,
      });
  });

  it('draw the same coordinates for the same seed, and others for another, where there are many', async () => {
    const random = seededRandomSource(8);
    const vectors = Array.from({ length: 4 }, () => normals(random, 70_000));
    const drawn = async (digit: string) => await listOf(vectors, { seed: asDigest(digit.repeat(64)) });
    const [a, again, b] = [await drawn('a'), await drawn('a'), await drawn('b')];
    expect(again).toEqual(a);
    expect(b[0]?.cosineToMedian).not.toBe(a[0]?.cosineToMedian);
    expect(b[0]?.spectralZ).not.toBe(a[0]?.spectralZ);
    expect(b[0]?.cosineToMedian).toBeCloseTo(a[0]?.cosineToMedian ?? NaN, 2);
  });
});
