import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AggregationRule, RuleInput } from '../../../server/aggregation/rule.ts';
import { ruleNames, ruleOf } from '../../../server/aggregation/rules.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../support/plain-cohort.ts';
import { anyValue, bitsOf, cohortCase, exactly, type Rows } from '../../support/rule-cases.ts';
import { fc } from '../../support/properties.ts';

const rules = ruleNames.map((name): AggregationRule => accepted(ruleOf({ name })).made);
/** Whatever a rule may need. */
const inputOf = (rows: Rows, f: number): RuleInput => ({
  cohort: plainCohort(rows),
  f,
  seed: 'a seed',
  reference: Float32Array.from(rows[0] ?? [], () => 0.5),
});

describe.each(rules)('rule $name', (rule) => {
  const cases = cohortCase(anyValue, (f) => rule.minimumCohort(f)).filter(({ f }) => f < 3);

  it('says of every update what it made of it', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ f, rows }) => {
        const outcome = await rule.aggregate(inputOf(rows, f));
        if (outcome.kind === 'refused') {
          expect(outcome.refusal.code).toBe('cohort-too-small');
          return;
        }
        const { values, shares, scores, selected } = outcome;
        expect(values).toHaveLength(rows[0]?.length ?? 0);
        expect(shares).toHaveLength(rows.length);
        expect([...shares].every((share) => share >= 0 && share <= 1 + 1e-12)).toBe(true);
        if (scores) expect(scores).toHaveLength(rows.length);
        if (selected) expect(selected).toEqual([...new Set(selected)].sort((a, b) => a - b));
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('gives the same bits twice, and writes to no update', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ f, rows }) => {
        const vectors = rows.map((row) => Float32Array.from(row));
        const [one, other] = [await rule.aggregate(inputOf(vectors, f)), await rule.aggregate(inputOf(vectors, f))];
        if (one.kind === 'aggregate' && other.kind === 'aggregate') expect(exactly(other)).toEqual(exactly(one));
        expect(vectors.map(bitsOf)).toEqual(rows.map(bitsOf));
      }),
      { seed: 2, numRuns: 20 },
    );
  });

  it('refuses a cohort below its minimum and takes one at it', async () => {
    for (const f of [0, 1, 2]) {
      const rows = Array.from({ length: rule.minimumCohort(f) }, (_, i) => [1 + i, -i, 1]);
      expect((await rule.aggregate(inputOf(rows, f))).kind).toBe('aggregate');
      if (rows.length > 1)
        expect(await rule.aggregate(inputOf(rows.slice(1), f))).toMatchObject({
          refusal: { code: 'cohort-too-small', found: `${rows.length - 1}` },
        });
    }
  });
});

describe('the list of rules', () => {
  it('names each rule as the rule names itself', () => {
    expect(rules.map(({ name }) => name)).toEqual([...ruleNames]);
    expect(new Set(ruleNames).size).toBe(14);
  });

  it('gives each rule its own options, and refuses those of others by name', () => {
    expect(accepted(ruleOf({ name: 'multi-krum', options: { m: 9 } })).made.minimumCohort(1)).toBe(10);
    expect(ruleOf({ name: 'krum', options: { neighbors: 1 } })).toMatchObject({
      refusal: { code: 'bad-option', found: 'neighbors', hint: 'did you mean "neighbours"?' },
    });
    expect(ruleOf({ name: 'mean', options: { m: 1 } })).toMatchObject({ refusal: { code: 'bad-option' } });
    expect(ruleOf({ name: 'meen' })).toMatchObject({ refusal: { hint: 'did you mean "mean"?' } });
  });

  it('computes with functions only whose bits every machine agrees on', () => {
    const folder = new URL('../../../server/aggregation/', import.meta.url);
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    expect(names.length).toBeGreaterThan(40);
    const used = names.flatMap((name) => readFileSync(new URL(name, folder), 'utf8').match(/\bMath\.\w+/g) ?? []);
    const exact = ['sqrt', 'abs', 'min', 'max', 'floor', 'ceil', 'round', 'trunc', 'sign', 'fround', 'imul', 'clz32'];
    const others = new Set(used.filter((name) => !exact.includes(name.slice('Math.'.length))));
    expect([...others]).toEqual([]);
  });
});
