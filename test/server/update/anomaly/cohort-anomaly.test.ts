import { describe, expect, it } from 'vitest';
import { cohortFlags, cohortSeverities, markCohort } from '../../../../server/update/anomaly/cohort-anomaly.ts';
import { type RandomSource, seededRandomSource } from '../../../../shared/random-source.ts';
import { cohortOf, honestVectors, normals, scaled } from './cohorts.ts';

const flagsOf = async (vectors: readonly Float32Array[]) =>
  [...(await markCohort(cohortOf(vectors))).values()].map(({ flags }) => flags);
/** Flags of a cohort of 20 in which the first `liars` send what `lie` makes of an honest update. */
async function flagsUnder(
  lie: (honest: Float32Array, random: RandomSource) => Float32Array,
  { liars = 4, signal = 1 } = {},
) {
  const random = seededRandomSource(21, signal);
  const vectors = honestVectors(random, 20, { signal });
  return await flagsOf(vectors.map((values, i) => (i < liars ? lie(values, random) : values)));
}
/** Norms along one direction, all cosines 1: only the norms differ. */
const flagsOfNorms = async (norms: readonly number[]) =>
  (await flagsOf(norms.map((norm) => Float32Array.of(norm, 0)))).map((flags) => flags.includes('norm-outlier'));

describe('the flags of a cohort', () => {
  it.each([
    { n: 7, signal: 0 },
    { n: 7, signal: 1 },
    { n: 20, signal: 0 },
    { n: 20, signal: 0.3 },
    { n: 20, signal: 3 },
    { n: 50, signal: 1 },
  ])('mark at most one honest update in fifty: n = $n, signal $signal', async ({ n, signal }) => {
    const random = seededRandomSource(20, n, signal);
    const flags: (readonly string[])[] = [];
    while (flags.length < 1500) flags.push(...(await flagsOf(honestVectors(random, n, { length: 100, signal }))));
    expect(flags.filter((own) => own.length > 0).length / flags.length).toBeLessThanOrEqual(0.02);
  });

  it('are the norm’s for what is scaled up or shrunk', async () => {
    for (const factor of [3, 1 / 3]) {
      const flags = await flagsUnder((values) => scaled(values, factor));
      for (const own of flags.slice(0, 4)) expect(own).toContain('norm-outlier');
      expect(flags.slice(4).flat()).toEqual([]);
    }
  });

  it.each([3, 1, 0.7])('are the cosine’s for what points the other way, at signal %d', async (signal) => {
    const flags = await flagsUnder((values) => scaled(values, -1), { signal });
    for (const own of flags.slice(0, 4)) expect(own).toContain('cosine-outlier');
    expect(flags.slice(4).flat()).toEqual([]);
  });

  it('are the cosine’s too for what opposes a cohort of one direction and many strengths, not for what is unrelated', async () => {
    const random = seededRandomSource(26);
    const common = normals(random, 2000);
    const along = (signal: number) => normals(random, 2000).map((value, k) => value + signal * (common[k] ?? NaN));
    const strengths = Array.from({ length: 20 }, (_, i) => 0.1 + i / 40);
    const marksWith = async (liars: readonly number[]) => [
      ...(await markCohort(cohortOf([...liars, ...strengths.slice(liars.length)].map(along)))).values(),
    ];
    const opposed = await marksWith([-0.35, -0.35, -0.35, -0.35]);
    expect(opposed.map(({ flags }) => flags.includes('cosine-outlier'))).toEqual(strengths.map((_, i) => i < 4));
    for (const { figures } of opposed) expect(figures.cosineToMedianZ).toBeGreaterThan(-6); // the limit for a cohort of 20
    const [unrelated] = await marksWith([-0.05]);
    expect(unrelated?.figures.cosineToMedian).toBeLessThan(0);
    expect(unrelated?.figures.cosineToMedianZ).toBeLessThan(-1.875); // the limit for what opposes
    expect(unrelated?.flags).toEqual([]);
  });

  it('take no offence at what opposes a cohort of no direction', async () => {
    const random = seededRandomSource(27);
    const vectors = honestVectors(random, 20, { length: 2000, signal: 0 });
    const sum = new Float32Array(2000).map((_, k) => vectors.reduce((total, values) => total + (values[k] ?? NaN), 0));
    const against = normals(random, 2000).map((value, k) => value - 0.025 * (sum[k] ?? NaN));
    const [mark] = [...(await markCohort(cohortOf([against, ...vectors]))).values()];
    expect(mark?.figures.cosineToMedian).toBeLessThan(-3 / Math.sqrt(2000));
    expect(mark?.figures.cosineToMedianZ).toBeLessThan(-1.875);
    expect(mark?.figures.cosineToMedianZ).toBeGreaterThan(-5.9);
    expect(mark?.flags).toEqual([]);
  });

  it('need a cohort that agrees before a weak cosine counts: none under noise alone', async () => {
    expect((await flagsUnder((values) => scaled(values, -1), { signal: 0 })).flat()).toEqual([]);
  });

  it('never blame a cosine for being large', async () => {
    const random = seededRandomSource(22);
    const vectors = honestVectors(random, 19, { signal: 0.3 });
    const mean = normals(random, 400).map((_, k) => vectors.reduce((sum, values) => sum + (values[k] ?? NaN), 0));
    expect((await flagsOf([mean, ...vectors]))[0]).not.toContain('cosine-outlier');
  });

  it('are the sign’s for small values that all lean one way, either way', async () => {
    for (const side of [1, -1]) {
      const lean = (value: number): number => (Math.abs(value) < 0.7 ? side * Math.abs(value) : value);
      const flags = await flagsUnder((values) => values.map(lean), { liars: 2, signal: 0 });
      const raised = flags.flatMap((own, i) => (own.includes('sign-outlier') ? [i] : []));
      expect(raised).toEqual([0, 1]);
    }
  });

  it('are the spectrum’s for liars who share a direction and keep norm, signs and cosines', async () => {
    const random = seededRandomSource(23);
    const shape = { length: 2000, signal: 0 };
    const direction = normals(random, shape.length);
    const lie = (values: Float32Array) => values.map((value, k) => 0.6 * value + 0.8 * (direction[k] ?? NaN));
    const flags = await flagsOf(honestVectors(random, 20, shape).map((values, i) => (i < 3 ? lie(values) : values)));
    const expected = Array.from({ length: 20 }, (_, i) => (i < 3 ? ['spectral-outlier'] : []));
    expect(flags).toEqual(expected);
  });

  it('call copies near duplicates, even in a cohort of two', async () => {
    const copied = normals(seededRandomSource(24), 400);
    const flags = await flagsUnder(() => copied);
    for (const own of flags.slice(0, 4)) expect(own).toContain('near-duplicate');
    expect(flags.slice(4).flat()).toEqual([]);
    expect(await flagsOf([copied, copied])).toEqual([['near-duplicate'], ['near-duplicate']]);
    expect(await flagsOf([copied])).toEqual([[]]);
  });

  it('need 5 updates for an outlier', async () => {
    expect(await flagsOfNorms([1, 1.1, 0.9, 1000])).toEqual([false, false, false, false]);
    expect((await flagsOfNorms([1, 1.1, 0.9, 1.05, 1000])).at(-1)).toBe(true);
  });

  it('grow stricter as the cohort grows: the norm’s limit is 4 (1 + 10 / n)', async () => {
    const edge = (n: number, z: number): readonly number[] => {
      const pairs = Array.from({ length: (n - 1) / 2 - 1 }, () => [9, 11]).flat(); // median 10, MAD 1
      return [...pairs, 10, 10, 10 + z / 0.6745];
    };
    for (const n of [9, 21]) {
      const limit = 4 * (1 + 10 / n);
      expect((await flagsOfNorms(edge(n, limit - 0.01))).at(-1)).toBe(false);
      expect((await flagsOfNorms(edge(n, limit + 0.01))).at(-1)).toBe(true);
    }
  });

  it('come with the figures and remove nobody', async () => {
    const cohort = cohortOf(honestVectors(seededRandomSource(25), 6));
    const marks = await markCohort(cohort);
    expect([...marks.keys()]).toEqual(cohort.members.map(({ client }) => client));
    for (const { figures } of marks.values()) expect(figures).toHaveProperty('spectralZ');
  });
});

describe('the severities of a cohort', () => {
  it('are what raises the flags: above 1, and only then', async () => {
    const lies = [
      (values: Float32Array) => values,
      (values: Float32Array) => scaled(values, 3),
      (values: Float32Array) => scaled(values, -1),
      (values: Float32Array) => scaled(values, -0.2),
      () => new Float32Array(400).fill(0.5),
    ];
    for (const [at, lie] of lies.entries())
      for (const n of [2, 4, 5, 20]) {
        const vectors = honestVectors(seededRandomSource(28, at, n), n);
        const cohort = cohortOf(vectors.map((values, i) => (i < n / 4 ? lie(values) : values)));
        const severities = await cohortSeverities(cohort);
        for (const [client, { flags }] of await markCohort(cohort))
          expect(flags).toEqual(cohortFlags.filter((flag) => (severities.get(client)?.[flag] ?? NaN) > 1));
      }
  });

  it('count in limits: a norm at twice its limit has 2, on either side', async () => {
    const n = 21;
    const twice = (2 * 4 * (1 + 10 / n)) / 0.6745; // median 30, MAD 1
    const norms = [...Array.from({ length: 9 }, () => [29, 31]).flat(), 30, 30 - twice, 30 + twice];
    const severities = [...(await cohortSeverities(cohortOf(norms.map((norm) => Float32Array.of(norm, 0))))).values()];
    for (const one of severities.slice(-2)) expect(one['norm-outlier']).toBeCloseTo(2, 6);
    for (const one of severities.slice(0, -2)) expect(one['norm-outlier']).toBeLessThan(1);
  });

  it('are never below 0, infinite for a copy and 0 in a cohort that is too small to tell', async () => {
    const [a, b] = honestVectors(seededRandomSource(29), 2);
    if (!a || !b) throw new Error('two vectors');
    const none = { 'norm-outlier': 0, 'cosine-outlier': 0, 'sign-outlier': 0, 'spectral-outlier': 0 };
    const severities = [...(await cohortSeverities(cohortOf([a, scaled(b, 100), a]))).values()];
    expect(severities).toEqual([Infinity, 0, Infinity].map((copies) => ({ ...none, 'near-duplicate': copies })));
  });
});
