import { describe, expect, it } from 'vitest';
import { dncDeclared } from '../../../../server/aggregation/rules/dnc.ts';
import { seededRandomSource, standardNormals } from '../../../../shared/random-source.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { aggregateOf, codeOf, cohortCase, exactly, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { near } from './near.ts';
import { F4 } from '../../../support/published-cohorts.ts';
import { fc } from '../../../support/properties.ts';

const dnc = ruleOf(dncDeclared);
const sampled = ruleOf(dncDeclared, { coordinates: 20 });
const seed = 'a';

/** Honest rows of standard normals plus 1; the first `lies.length` give way to the lies. */
function among(n: number, d: number, lies: Rows = []): Rows {
  const random = seededRandomSource(1, 'dnc-test');
  return Array.from({ length: n }, (_, i) => lies[i] ?? standardNormals(random, d).map((value) => value + 1)).map(
    (row) => Float32Array.from(row),
  );
}

describe('divide-and-conquer', () => {
  it('needs more than 2f updates, and more than it drops in one iteration', async () => {
    expect([0, 1, 4].map((f) => dnc.minimumCohort(f))).toEqual([1, 3, 9]);
    expect(ruleOf(dncDeclared, { c: 2.5 }).minimumCohort(3)).toBe(9);
    // In floating point 2.2 x 25 is a little above 55.
    expect(2.2 * 25).toBeGreaterThan(55);
    expect(ruleOf(dncDeclared, { c: 2.2 }).minimumCohort(25)).toBe(56);
    const refused = aggregateOf(ruleOf(dncDeclared, { c: 2.5 }), among(8, 3), 3, { seed });
    expect(await codeOf(refused)).toBe('cohort-too-small');
    expect(await codeOf(aggregateOf(dnc, among(8, 3), 4, { seed }))).toBe('cohort-too-small');
  });

  it('takes whole iterations and coordinates of at least 1, and a positive c', () => {
    for (const options of [{ iterations: 0 }, { coordinates: 0.5 }, { c: 0 }, { cc: 1 }])
      expect(() => ruleOf(dncDeclared, options)).toThrow('an option’s value does not fit');
  });

  it('does not draw without a seed', async () => {
    expect(await codeOf(aggregateOf(dnc, F4, 1))).toBe('bad-option');
  });

  it('drops ceil(c f), the highest scores, and of equal ones the later rows', async () => {
    const rows = [[0], [1], [-1], [5], [-5], [0]];
    const { selected, scores, shares, m } = await aggregateOf(dnc, rows, 1, { seed });
    expect(selected).toEqual([0, 1, 2, 3, 5]);
    expect([...(scores ?? [])]).toEqual(near([0, 1 / 52, 1 / 52, 25 / 52, 25 / 52, 0], 12));
    expect([...shares]).toEqual([0.2, 0.2, 0.2, 0.2, 0, 0.2]);
    expect(m).toBe(5);
    const wider = await aggregateOf(ruleOf(dncDeclared, { c: 1.5 }), rows, 1, { seed });
    expect(wider.selected).toEqual([0, 1, 2, 5]);
  });

  it('keeps the first rows where all updates are equal, which spread in no direction', async () => {
    const { selected, scores, values } = await aggregateOf(
      dnc,
      [
        [7, 7],
        [7, 7],
        [7, 7],
      ],
      1,
      { seed },
    );
    expect(selected).toEqual([0, 1]);
    expect([...(scores ?? [])]).toEqual([0, 0, 0]);
    expect([...values]).toEqual([7, 7]);
  });

  it('finds the direction of largest spread also where the longest update has no part in it', async () => {
    const rows = [[3, 0], [-3, 0], ...Array.from({ length: 6 }, (_, i) => [0, i < 3 ? 2 : -2])];
    const { scores } = await aggregateOf(dnc, rows, 2, { seed });
    expect([...(scores ?? [])]).toEqual(near([0, 0, ...Array.from({ length: 6 }, () => 1 / 6)], 9));
  });

  it('is not blinded by the largest values of float32', async () => {
    const most = 3.4e38;
    const rows = [[most], [-most], [-most], [-most], [-most]];
    expect((await aggregateOf(dnc, rows, 1, { seed })).selected).toEqual([1, 2, 3, 4]);
  });

  it('refuses where the iterations drop everyone between them', async () => {
    // Each iteration looks at one coordinate alone, in which another update is the odd one.
    const rows = Array.from({ length: 3 }, (_, i) => Array.from({ length: 3 }, (_value, k) => (i === k ? 9 : 0)));
    const rule = ruleOf(dncDeclared, { iterations: 60, coordinates: 1 });
    expect(await codeOf(aggregateOf(rule, rows, 1, { seed }))).toBe('cohort-too-small');
  });

  it('draws once and looks once where it may look at all coordinates', async () => {
    const asked: number[] = [];
    const cohort = plainCohort(among(5, 30));
    const watched = { ...cohort, gather: (at: Uint32Array) => (asked.push(at.length), cohort.gather(at)) };
    const input = { cohort: watched, f: 1, seed, reference: null };
    accepted(await dnc.aggregate(input));
    expect(asked).toEqual([30]);
    accepted(await sampled.aggregate(input));
    expect(asked.slice(1)).toEqual([20, 20, 20, 20, 20]);
  });
});

describe('laws of divide-and-conquer', () => {
  it('are the same bits for the same seed, and another draw for another', async () => {
    const rows = among(9, 400);
    const runs = await Promise.all(['a', 'a', 'b'].map((one) => aggregateOf(sampled, rows, 2, { seed: one })));
    const [first, again, other] = runs.map(exactly);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('never take far outliers, alone or colluding in one direction, whatever is drawn', async () => {
    const far = Array.from({ length: 400 }, (_, k) => (k % 2 ? 50 : -50));
    for (const one of ['a', 'b', 'c']) {
      for (const lies of [[far], [far, far, far], [far, far.map((value) => -value), far.map((value) => 2 * value)]]) {
        const { selected } = await aggregateOf(sampled, among(9, 400, lies), 3, { seed: one });
        expect(selected?.every((row) => row >= lies.length)).toBe(true);
      }
    }
  });

  it('drop colluders whose lie is within the noise of every coordinate', async () => {
    // Two thirds of a standard deviation: no coordinate tells, all together do.
    const lie = Array.from({ length: 2000 }, () => 1 - 2 / 3);
    const { selected } = await aggregateOf(dnc, among(20, 2000, [lie, lie, lie, lie, lie]), 5, { seed });
    expect(selected).toEqual(Array.from({ length: 15 }, (_, i) => i + 5));
  });

  it('do not hang on the order of the rows, up to rounding, where nothing ties', async () => {
    const rows = among(11, 300, [Array.from({ length: 300 }, () => -2)]);
    const reversed = rows.toReversed();
    const [one, other] = await Promise.all([rows, reversed].map((order) => aggregateOf(sampled, order, 2, { seed })));
    expect(other?.selected).toEqual(one?.selected?.map((row) => 10 - row).toReversed());
    expect([...(other?.values ?? [])]).toEqual(near([...(one?.values ?? [])], 5));
    expect([...(other?.scores ?? [])].reverse()).toEqual(near([...(one?.scores ?? [])], 6));
  });

  it('do not hang on the scale, in powers of two', async () => {
    const eighths = fc.integer({ min: -1000, max: 1000 }).map((value) => value / 8);
    const cases = cohortCase(eighths, (f) => 2 * f + 1);
    await fc.assert(
      fc.asyncProperty(cases, fc.constantFrom(-8, 0.25, 64), async ({ f, rows }, factor) => {
        const one = await aggregateOf(dnc, rows, f, { seed });
        const scaled = rows.map((row) => row.map((value) => value * factor));
        const other = await aggregateOf(dnc, scaled, f, { seed });
        expect(other.selected).toEqual(one.selected);
        expect([...other.values]).toEqual([...one.values].map((value) => value * factor + 0)); // no -0
      }),
      { seed: 4, numRuns: 40 },
    );
  });
});

describe('vectors of the field', () => {
  it('of F4 drops the second: scores .42, 17.07, 1.52, 5.06 over their sum', async () => {
    const { scores, values } = await aggregateOf(dnc, F4, 1, { seed });
    const sum = 0.42 + 17.07 + 1.52 + 5.06;
    expect([...(scores ?? [])]).toEqual(near([0.42 / sum, 17.07 / sum, 1.52 / sum, 5.06 / sum], 3));
    expect([...values]).toEqual(near([2, 5 / 3, 3]));
  });
});
