import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { krum } from '../../../server/aggregation/krum.ts';
import { mean } from '../../../server/aggregation/mean.ts';
import { multiKrum } from '../../../server/aggregation/multi-krum.ts';
import { isRuleName, ruleNames, ruleOf } from '../../../server/aggregation/rules.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { anyValue, aggregateOf, bitsOf, clientId, cohortCase, exactly, gridValue, updatesOf } from './cohorts.ts';

const rules = ruleNames.map((name) => ruleOf({ name }));

describe.each(rules)('rule $name', (rule) => {
  it('gives the same bits whatever the order of arrival', () => {
    const arrivals = cohortCase(anyValue).chain(({ f, rows }) => {
      const updates = updatesOf(rows);
      return fc.record({
        f: fc.constant(f),
        updates: fc.constant(updates),
        arrived: fc.shuffledSubarray([...updates], { minLength: updates.length }),
      });
    });
    fc.assert(
      fc.property(arrivals, ({ f, updates, arrived }) => {
        expect(exactly(aggregateOf(rule, arrived, f))).toEqual(exactly(aggregateOf(rule, updates, f)));
      }),
    );
  });

  it('neither writes to the updates nor hands one of them out', () => {
    fc.assert(
      fc.property(cohortCase(anyValue), ({ f, rows }) => {
        const updates = updatesOf(rows);
        const { values } = aggregateOf(rule, updates, f);
        expect(updates.map((update) => bitsOf(update.values))).toEqual(
          updatesOf(rows).map((update) => bitsOf(update.values)),
        );
        expect(updates.some((update) => update.values.buffer === values.buffer)).toBe(false);
      }),
    );
  });

  it('moves with the updates when all are shifted', () => {
    const shifted = fc.record({
      cohort: cohortCase(gridValue),
      shift: fc.array(gridValue, { minLength: 6, maxLength: 6 }),
    });
    fc.assert(
      fc.property(shifted, ({ cohort: { f, rows }, shift }) => {
        const before = aggregateOf(rule, updatesOf(rows), f);
        const moved = rows.map((row) => row.map((value, i) => value + (shift[i] ?? 0)));
        const after = aggregateOf(rule, updatesOf(moved), f);
        expect(after.selected).toEqual(before.selected);
        expect([...after.scores]).toEqual([...before.scores]);
        after.values.forEach((value, i) => expect(value).toBeCloseTo((before.values[i] ?? NaN) + (shift[i] ?? 0), 5));
      }),
    );
  });

  it('scales with the updates, its scores with the square', () => {
    fc.assert(
      fc.property(cohortCase(anyValue), fc.integer({ min: -6, max: 6 }), ({ f, rows }, exponent) => {
        fc.pre(rows.flat().every((value) => value === 0 || Math.abs(value) > 1e-30)); // scaled without underflow
        const scale = 2 ** exponent;
        const before = aggregateOf(rule, updatesOf(rows), f);
        const after = aggregateOf(rule, updatesOf(rows.map((row) => row.map((value) => value * scale))), f);
        expect(after.selected).toEqual(before.selected);
        expect(bitsOf(after.values)).toEqual(bitsOf(before.values.map((value) => value * scale)));
        expect([...after.scores.values()]).toEqual([...before.scores.values()].map((score) => score * scale ** 2));
      }),
    );
  });

  it('averages exactly what it says it selected, each with the same weight', () => {
    fc.assert(
      fc.property(cohortCase(gridValue), ({ f, rows }) => {
        const { selected, values, m } = aggregateOf(rule, updatesOf(rows), f);
        const chosen = rows.filter((_, i) => selected.includes(clientId(i)));
        expect(chosen.length).toBe(m);
        const expected = values.map((_, k) => chosen.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / m);
        expect([...values]).toEqual([...expected]);
      }),
    );
  });

  it('refuses a cohort below its minimum and takes one at it', () => {
    for (const f of [0, 1, 2, 5]) {
      const updates = updatesOf(Array.from({ length: rule.minimumCohort(f) }, (_, i) => [i, -i]));
      expect(rule.aggregate(updates, f).kind).toBe('aggregate');
      expect(rule.aggregate(updates.slice(1), f)).toMatchObject({
        kind: 'refused',
        refusal: { code: 'cohort-too-small', found: `${updates.length - 1}` },
      });
    }
  });

  it('calls a value that is not finite, a client twice and two lengths faults', () => {
    const sound = updatesOf([[1], [2], [3], [4], [5]]);
    const withLast = (client: number, values: readonly number[]) => [
      ...sound.slice(0, 4),
      { client: clientId(client), values: Float32Array.from(values) },
    ];
    for (const value of [NaN, Infinity, -Infinity])
      expect(() => rule.aggregate(withLast(4, [value]), 1)).toThrow(/expected finite values/);
    expect(() => rule.aggregate(withLast(3, [5]), 1)).toThrow(/one update per client/);
    expect(() => rule.aggregate(withLast(4, [5, 5]), 1)).toThrow(/one length/);
    expect(aggregateOf(rule, withLast(4, [5]), 1).kind).toBe('aggregate');
  });
});

describe('the mean', () => {
  it('takes everybody, scores nobody and knows no f', () => {
    const { selected, scores, neighbours, values } = aggregateOf(
      mean,
      updatesOf([
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ]),
      5,
    );
    expect({ selected, scores: scores.size, neighbours }).toEqual({
      selected: [clientId(0), clientId(1), clientId(2)],
      scores: 0,
      neighbours: null,
    });
    expect([...values]).toEqual([4, 5, 6]);
    expect(mean.minimumCohort(7)).toBe(1);
  });

  it('sums in float64: a small value survives next to large ones that cancel', () => {
    const { values } = aggregateOf(mean, updatesOf([[2 ** 30], [1], [-(2 ** 30)], [0]]), 0);
    expect([...values]).toEqual([0.25]);
  });

  it('of one update is that update to the last bit, negative zero included', () => {
    const [alone] = updatesOf([[-0, 1e-45, 3.4e38, 0.1]]);
    if (alone === undefined) throw new Error('no update');
    expect(bitsOf(aggregateOf(mean, [alone], 0).values)).toEqual(bitsOf(alone.values));
  });
});

describe('the list of rules', () => {
  it('names each rule as the rule names itself', () => {
    expect(rules.map(({ name }) => name)).toEqual([...ruleNames]);
    expect(ruleNames.every(isRuleName)).toBe(true);
    expect(isRuleName('median')).toBe(false);
  });

  it('gives m to multi-Krum and to no other rule', () => {
    expect(ruleOf({ name: 'multi-krum', m: 9 }).minimumCohort(1)).toBe(12);
    expect(() => ruleOf({ name: 'krum', m: 1 })).toThrow(InvariantError);
    expect(() => ruleOf({ name: 'mean', m: 1 })).toThrow(InvariantError);
    for (const m of [0, -1, 1.5, NaN]) expect(() => multiKrum(m)).toThrow(InvariantError);
    expect(krum.minimumCohort(4)).toBe(11);
  });

  it('computes with functions only whose bits every machine agrees on', () => {
    const folder = new URL('../../../server/aggregation/', import.meta.url);
    const source = readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n');
    const used = new Set([...source.matchAll(/\bMath\.(\w+)/g)].map(([, name]) => name));
    const exact = ['abs', 'ceil', 'floor', 'max', 'min', 'round', 'sqrt'];
    expect([...used].filter((name) => name === undefined || !exact.includes(name))).toEqual([]);
  });
});
