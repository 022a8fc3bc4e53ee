import { describe, expect, it } from 'vitest';
import { openKernel } from '../../../server/aggregation/kernels/open-kernel.ts';
import { clippedSum } from '../../../server/privacy/clipped-sum.ts';
import { addOnGrid, noiseGrid } from '../../../shared/gaussian-noise.ts';
import { seededRandomSource, standardNormals } from '../../../shared/random-source.ts';
import { plainCohort } from '../../support/plain-cohort.ts';
import { fc } from '../../support/properties.ts';

const D = 5;

/** Values of every size that float32 has, and rows all of one size. */
const anyValue = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: -10, max: 10, noNaN: true }),
  fc.constantFrom(0, 1e-40, 3e38, -3e38),
);
const row = fc.array(anyValue, { minLength: D, maxLength: D }).map((values) => Float32Array.from(values));
const rows = fc.array(row, { minLength: 2, maxLength: 8 });
const norms = fc.constantFrom(1e-6, 0.3, 1, 40, 1e6);
const centres = fc.option(
  fc
    .array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: D, maxLength: D })
    .map((values) => Float32Array.from(values)),
);

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.hypot(...Array.from(a, (each, i) => each - (b[i] ?? NaN)));

describe('the sum of clipped updates', () => {
  it('moves by what the noise’s grid leaves of the norm at most when one update comes or goes, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(rows, norms, centres, fc.nat(), async (updates, clippingNormL2, centre, pick) => {
        const left = updates.toSpliced(pick % updates.length, 1);
        const wish = { clippingNormL2, centre };
        const [whole, rest] = [await clippedSum(plainCohort(updates), wish), await clippedSum(plainCohort(left), wish)];
        expect(distance(whole.values, rest.values)).toBeLessThanOrEqual(clippingNormL2 * (1 - 2 ** -11));
        expect(Math.abs(whole.within - rest.within)).toBeLessThanOrEqual(1);
      }),
      { seed: 11, numRuns: 400 },
    );
  });

  it('moves by the norm at most still once both sums are rounded to the grid of the noise', async () => {
    const [norm, value] = [fc.double({ min: 1, max: 2, noNaN: true }), fc.float({ min: -1, max: 1, noNaN: true })];
    await fc.assert(
      fc.asyncProperty(norm, value, fc.constantFrom(1, 2, 9), async (clippingNormL2, each, d) => {
        const rest = [new Float32Array(d).fill(each)];
        const far = new Float32Array(d).fill(1e6);
        const [without = [], withFar = []] = await Promise.all(
          [rest, [...rest, far]].map(async (sent) => {
            const { values } = await clippedSum(plainCohort(sent), { clippingNormL2, centre: null });
            addOnGrid(values, new Float64Array(d), { stdDev: 1, grid: noiseGrid(clippingNormL2, d) });
            return values;
          }),
        );
        expect(distance(without, withFar)).toBeLessThanOrEqual(clippingNormL2);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('moves by twice that at most when one is replaced, and by as much where it is replaced by its opposite', async () => {
    const opposite = [Float32Array.of(9, 0), Float32Array.of(-9, 0)];
    const sums = await Promise.all(
      opposite.map((each) =>
        clippedSum(plainCohort([Float32Array.of(0, 1), each]), { clippingNormL2: 2, centre: null }),
      ),
    );
    const moved = distance(sums[0]?.values ?? [], sums[1]?.values ?? []);
    expect(moved).toBeLessThanOrEqual(4);
    expect(moved).toBeGreaterThan(4 * (1 - 2 ** -9));
  });

  it('leaves short updates as they are and scales long ones down, each by itself', async () => {
    const updates = [Float32Array.of(0.25, 0.5), Float32Array.of(30, 40)];
    const { values, within } = await clippedSum(plainCohort(updates), { clippingNormL2: 5, centre: null });
    const scaled = 1 - 2 ** -10;
    expect(values[0]).toBeCloseTo(0.25 + 3 * scaled, 4);
    expect(values[1]).toBeCloseTo(0.5 + 4 * scaled, 4);
    expect(within).toBe(1);
  });

  it('is of differences to the centre, clipped as such', async () => {
    const updates = [Float32Array.of(10, 11), Float32Array.of(13, 14)];
    const centre = Float32Array.of(10, 10);
    const { values } = await clippedSum(plainCohort(updates), { clippingNormL2: 2.5, centre });
    // (0, 1) stays, (3, 4) is halved.
    const scaled = 1 - 2 ** -10;
    expect(values[0]).toBeCloseTo(1.5 * scaled, 4);
    expect(values[1]).toBeCloseTo(1 + 2 * scaled, 4);
  });

  it('is the same on the coordinator’s own kernel, far below what float32 could tell', async () => {
    const updates = [1, 2, 3, 4].map((client) =>
      Float32Array.from(standardNormals(seededRandomSource(client, 'row'), 5_000), (value) => client * value),
    );
    const centre = Float32Array.from(standardNormals(seededRandomSource(9), 5_000));
    const kernel = await openKernel();
    try {
      for (const wish of [
        { clippingNormL2: 150, centre },
        { clippingNormL2: 150, centre: null },
      ]) {
        const [own, plain] = [
          await clippedSum(kernel.cohort(updates, 5_000), wish),
          await clippedSum(plainCohort(updates), wish),
        ];
        expect(distance(own.values, plain.values)).toBeLessThan(1e-10);
        expect(own.within).toBe(plain.within);
      }
    } finally {
      await kernel.close();
    }
  });

  it('keeps what float32 would round away', async () => {
    const updates = [Float32Array.of(2 ** 24), Float32Array.of(1), Float32Array.of(1), Float32Array.of(1)];
    const { values } = await clippedSum(plainCohort(updates), { clippingNormL2: 2 ** 30, centre: null });
    expect(values[0]).toBe(2 ** 24 + 3);
  });
});
