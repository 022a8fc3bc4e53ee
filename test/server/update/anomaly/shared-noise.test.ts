import { describe, expect, it } from 'vitest';
import { cohortFigures } from '../../../../server/update/anomaly/cohort-figures.ts';
import { sharedNoise, sharedNoiseBound } from '../../../../server/update/anomaly/shared-noise.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';
import { cohortOf, normals } from './cohorts.ts';
import { noiseOf, noiseStdDev, parameters, signalOf } from './intact-updates.ts';
import { fc } from '../../../support/properties.ts';

const pairs = 190; // of 20 clients
const bound = sharedNoiseBound({ parameters, pairs, rounds: 15 });
const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + (b[i] ?? NaN));
const sharingIn = async (vectors: readonly Float32Array[], stdDev: number | null = noiseStdDev) => {
  const cohort = cohortOf(vectors, { noiseStdDev: stdDev });
  const sharing = sharedNoise(await cohortFigures(cohort), bound);
  return cohort.members.flatMap(({ client }, i) => (sharing.has(client) ? [i] : []));
};
const honest = (n: number, seed: number): Float32Array[] => {
  const random = seededRandomSource(seed, 'shared-noise');
  return Array.from({ length: n }, () => plus(noiseOf(random, noiseStdDev), signalOf(3)));
};

describe('noise that is shared', () => {
  it('is found in no honest cohort, however alike the signals', async () => {
    for (let seed = 0; seed < 5; seed++) expect(await sharingIn(honest(20, seed))).toEqual([]);
  });

  it('is found in both of a pair, and in all of a group, whatever differs between them besides', async () => {
    const [a, b, c, d, e] = honest(5, 9);
    if (!a || !b || !c || !d || !e) throw new Error('five vectors');
    expect(await sharingIn([a, b, a])).toEqual([0, 2]);
    expect(await sharingIn([a, b, plus(a, signalOf(6)), plus(a, signalOf(-6)), c])).toEqual([0, 2, 3]);
    const halfShared = (own: Float32Array): Float32Array =>
      own.map((value, i) => (i % 2 === 0 ? value : (a[i] ?? NaN)));
    expect(await sharingIn([b, halfShared(c), d, halfShared(e)])).toEqual([1, 3]);
  });

  it('is looked for only where noise is declared', async () => {
    const [a] = honest(1, 3);
    expect(await sharingIn([a ?? signalOf(1), a ?? signalOf(1)], null)).toEqual([]);
  });

  it('refuses what is not a number', async () => {
    const figures = new Map(cohortOf(honest(1, 4)).members.map(({ client }) => [client, { pairRatio: NaN }]));
    expect(sharedNoise(figures, 0.9).size).toBe(1);
  });
});

describe('the bound on it', () => {
  it('is what the formula says for the demo', async () => {
    expect(bound).toBeCloseTo(1 - 2 * Math.sqrt(Math.log((190 * 15) / 1e-6) / 7850), 12);
  });

  it('alarms falsely in fewer runs than it was asked for, but not in none', async () => {
    const random = seededRandomSource(12, 'pairs');
    const least = sharedNoiseBound({ parameters: 200, pairs: 3, rounds: 1, falseAlarmProbability: 0.4 });
    let alarms = 0;
    for (let cohorts = 0; cohorts < 3000; cohorts++) {
      const cohort = cohortOf([normals(random, 200), normals(random, 200), normals(random, 200)], { noiseStdDev: 1 });
      if (sharedNoise(await cohortFigures(cohort), least).size > 0) alarms++;
    }
    expect(alarms / 3000).toBeLessThan(0.4);
    expect(alarms / 3000).toBeGreaterThan(0.01);
  });

  it('asks for less over more pairs and rounds, and is vacuous, at 0, where d is too small', async () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 5000 }), (d, n) => {
        const one = sharedNoiseBound({ parameters: d, pairs: n, rounds: 10 });
        expect(one).toBeGreaterThanOrEqual(0);
        expect(one).toBeLessThan(1);
        expect(sharedNoiseBound({ parameters: d, pairs: 2 * n, rounds: 10 })).toBeLessThanOrEqual(one);
        expect(sharedNoiseBound({ parameters: d, pairs: n, rounds: 20 })).toBeLessThanOrEqual(one);
      }),
    );
    const vacuous = sharedNoiseBound({ parameters: 60, pairs, rounds: 15 });
    expect(vacuous).toBe(0);
    const copies = cohortOf([signalOf(1), signalOf(1)], { noiseStdDev });
    expect(sharedNoise(await cohortFigures(copies), vacuous).size).toBe(0);
  });
});
