import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../shared/invariant-error.ts';
import { fillStandardNormals, type RandomSource, seededRandomSource } from '../../shared/random-source.ts';
import { normL2, squaredDistance } from '../../shared/vector/vector.ts';
import { alieUpdate, alieZ } from '../../simulation/alie.ts';
import {
  type ColludersView,
  type ColludingAttackName,
  colludingAttackNames,
  colludingAttacks,
} from '../../simulation/colluding-attacks.ts';
import { minMaxUpdate } from '../../simulation/min-max.ts';
import { normalQuantile } from '../../simulation/normal-quantile.ts';
import { fc } from '../support/properties.ts';

const seeded = (): RandomSource => seededRandomSource(5, 'lies');

function cloud(seed: number, { count = 16, length = 200, centre = 0.5 } = {}): Float32Array[] {
  const random = seededRandomSource(seed, 'cloud');
  const normals = new Float64Array(length);
  return Array.from({ length: count }, () => {
    fillStandardNormals(random, normals);
    return Float32Array.from(normals, (normal) => centre + normal);
  });
}

const view: ColludersView = {
  honest: cloud(1),
  own: cloud(2, { count: 4 }),
  clean: cloud(3, { count: 4 }),
  noiseStdDev: 0.25,
};

const sendAll = (attack: ColludingAttackName, seen = view): readonly Float32Array[] =>
  colludingAttacks[attack](seen, seeded());

const difference = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value - (b[i] ?? NaN));
const times = (factor: number, vectors: readonly Float32Array[]): Float32Array[] =>
  vectors.map((vector) => vector.map((value) => factor * value));

/** What is left of an update once -6 x the clean part is taken off. */
const noiseUnder = (sent: readonly Float32Array[]): Float32Array[] =>
  sent.map((update, i) => update.map((value, at) => value + 6 * (view.clean[i]?.[at] ?? NaN)));

describe('every colluding attack', () => {
  it.each(colludingAttackNames)('%s sends an update per liar, finite, the same for the same seed', (attack) => {
    const sent = sendAll(attack);
    expect(sent.map(({ length }) => length)).toEqual([200, 200, 200, 200]);
    expect(sent.every((update) => update.every(Number.isFinite))).toBe(true);
    expect(sendAll(attack)).toEqual(sent);
  });

  it.each(colludingAttackNames)('%s leaves what it saw as it was, also when what it sent is written to', (attack) => {
    const before = structuredClone(view);
    for (const update of sendAll(attack)) update.fill(9);
    expect(view).toEqual(before);
  });
});

describe('what each colluding attack sends', () => {
  it('sign-flip: -1 x own', () => {
    expect(sendAll('sign-flip')).toEqual(times(-1, view.own));
  });

  it('scale: 3 x own', () => {
    expect(sendAll('scale')).toEqual(times(3, view.own));
  });

  it.each([0, 0.75])('gaussian: N(0, 1) and the declared noise of %f, nothing of its own', (noiseStdDev) => {
    const own = cloud(4, { count: 4, length: 20_000 });
    const sent = sendAll('gaussian', { ...view, own, noiseStdDev });
    for (const update of sent) {
      expect(normL2(update) / Math.sqrt(20_000 * (1 + noiseStdDev ** 2))).toBeCloseTo(1, 1);
    }
    expect(new Set(sent.map((update) => update[0])).size).toBe(4);
    expect(sendAll('gaussian', { ...view, own: times(2, own), noiseStdDev })).toEqual(sent);
  });

  it('identical: the first one’s own, from everybody', () => {
    const [first = new Float32Array()] = view.own;
    expect(sendAll('identical')).toEqual([first, first, first, first]);
  });

  it('noiseless-flip: -3 x clean part', () => {
    expect(sendAll('noiseless-flip')).toEqual(times(-3, view.clean));
  });

  it('noisy-flip: -6 x clean part under noise of the declared size, another draw for each', () => {
    const clean = cloud(6, { count: 2, length: 20_000 });
    const sent = sendAll('noisy-flip', { ...view, clean });
    const noises = sent.map((update, i) => update.map((value, at) => value + 6 * (clean[i]?.[at] ?? NaN)));
    for (const noise of noises) expect(normL2(noise) / Math.sqrt(20_000)).toBeCloseTo(0.25, 2);
    const [a = new Float32Array(), b = new Float32Array()] = noises;
    expect(normL2(difference(a, b)) / Math.sqrt(2 * 20_000)).toBeCloseTo(0.25, 2);
  });

  it('shared-noise: -6 x clean part, all under one draw of that noise', () => {
    const [first = new Float32Array(), ...others] = noiseUnder(sendAll('shared-noise'));
    const [expected = new Float32Array()] = noiseUnder(sendAll('noisy-flip'));
    expect(normL2(first)).toBeGreaterThan(0.2 * Math.sqrt(200));
    for (const noise of others) expect(normL2(difference(noise, first))).toBeLessThan(1e-4);
    expect(normL2(difference(first, expected))).toBeLessThan(1e-4);
  });

  it('the flips without declared noise: the multiples of the clean part alone', () => {
    const undeclared = { ...view, noiseStdDev: 0 };
    expect(sendAll('noisy-flip', undeclared)).toEqual(times(-6, view.clean));
    expect(sendAll('shared-noise', undeclared)).toEqual(times(-6, view.clean));
  });

  it('alie and min-max: one vector, made of the honest updates', () => {
    expect(sendAll('alie')).toEqual(Array.from({ length: 4 }, () => alieUpdate(view.honest, 4)));
    expect(sendAll('min-max')).toEqual(Array.from({ length: 4 }, () => minMaxUpdate(view.honest)));
  });
});

describe('a little is enough', () => {
  // Quantiles by Python 3.11: statistics.NormalDist().inv_cdf(share).
  it.each([
    [20, 4, 0.15731068461],
    [50, 24, 1.426076872273],
    [51, 12, 0.361201637711],
    [20, 2, 0],
    [20, 1, -0.066011812376],
  ])('of %i clients and %i liars has its z', (clients, liars, z) => {
    expect(alieZ(clients, liars)).toBeCloseTo(z, 10);
  });

  it('sends mean - z x standard deviation of each coordinate', () => {
    const sent = alieUpdate([Float32Array.of(1, 4), Float32Array.of(2, 4), Float32Array.of(6, 4)], 2);
    // 5 clients, s = 1: the quantile at 2/3. Mean 3, variance (4 + 1 + 9) / 2.
    expect(sent[0]).toBeCloseTo(3 - 0.430727299295 * Math.sqrt(7), 5);
    expect(sent[1]).toBe(4);
  });

  it('is defined for a minority among 3 or more only', () => {
    expect(alieZ(3, 1)).toBeCloseTo(0, 10);
    for (const [clients, liars] of [
      [20, 11],
      [4, 3],
      [2, 0],
      [2, 1],
    ] as const) {
      expect(() => alieZ(clients, liars)).toThrow(/minority of liars among 3 clients/);
    }
  });
});

describe('the normal quantile', () => {
  it.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.001, -3.090232306167814],
    [0.999, 3.090232306167814],
  ])('at %f', (share, expected) => {
    expect(Math.abs(normalQuantile(share) - expected)).toBeLessThan(1e-12);
  });

  it('exists between 0 and 1 only', () => {
    for (const share of [0, 1, -0.1, 1.1, NaN]) expect(() => normalQuantile(share)).toThrow(InvariantError);
  });
});

describe('min-max', () => {
  const anyHonest = fc.record({
    seed: fc.integer({ min: 0, max: 1e6 }),
    count: fc.integer({ min: 2, max: 16 }),
    length: fc.integer({ min: 1, max: 40 }),
    centre: fc.double({ min: -3, max: 3, noNaN: true }),
  });
  const diameterSquared = (honest: readonly Float32Array[]): number =>
    Math.max(...honest.flatMap((a) => honest.map((b) => squaredDistance(a, b))));
  const farthestSquared = (sent: Float32Array, honest: readonly Float32Array[]): number =>
    Math.max(...honest.map((update) => squaredDistance(sent, update)));

  it('stays within the honest diameter of every honest update, and all but touches it', () => {
    const law = fc.property(anyHonest, ({ seed, ...shape }) => {
      const honest = cloud(seed, shape);
      const farthest = farthestSquared(minMaxUpdate(honest), honest);
      expect(farthest).toBeLessThanOrEqual(diameterSquared(honest));
      expect(farthest).toBeGreaterThan(diameterSquared(honest) * (1 - 1e-4));
    });
    fc.assert(law, { numRuns: 200, seed: 6 });
  });

  it('goes against the mean by the gamma that solves the limit in closed form', () => {
    // |x_i - mean + gamma p|^2 <= D^2 for all i: gamma = min over i of -b_i + sqrt(b_i^2 + D^2 - c_i) with
    // b_i = p (x_i - mean) and c_i = |x_i - mean|^2.
    const law = fc.property(anyHonest, ({ seed, ...shape }) => {
      const honest = cloud(seed, shape);
      const mean = Array.from({ length: shape.length }, (_, k) => {
        return honest.reduce((sum, update) => sum + (update[k] ?? NaN), 0) / honest.length;
      });
      const norm = Math.hypot(...mean);
      const gammas = honest.map((update) => {
        const offset = mean.map((value, k) => (update[k] ?? NaN) - value);
        const b = offset.reduce((sum, value, k) => sum + (value * (mean[k] ?? NaN)) / norm, 0);
        const c = offset.reduce((sum, value) => sum + value ** 2, 0);
        return -b + Math.sqrt(b ** 2 + diameterSquared(honest) - c);
      });
      const gamma = Math.min(...gammas);
      const expected = mean.map((value) => value - (gamma * value) / norm);
      minMaxUpdate(honest).forEach((value, k) => {
        expect(Math.abs(value - (expected[k] ?? NaN))).toBeLessThan(1e-4);
      });
    });
    fc.assert(law, { numRuns: 200, seed: 7 });
  });

  it('agrees with a worked example: rows 1-3, 4-6, 7-9', () => {
    // D^2 = 108, gamma = 5.2302827, by numpy.
    const sent = minMaxUpdate([Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6), Float32Array.of(7, 8, 9)]);
    [1.6158, 2.0198, 2.4237].forEach((value, k) => expect(sent[k]).toBeCloseTo(value, 3));
  });

  it('sends the mean where there is no direction or no room', () => {
    expect([...minMaxUpdate([Float32Array.of(1, -2), Float32Array.of(-1, 2)])]).toEqual([0, 0]);
    expect([...minMaxUpdate([Float32Array.of(3, 4), Float32Array.of(3, 4)])]).toEqual([3, 4]);
  });
});
