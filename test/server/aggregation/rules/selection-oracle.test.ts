import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bulyanDeclared } from '../../../../server/aggregation/rules/bulyan.ts';
import { cgeDeclared } from '../../../../server/aggregation/rules/cge.ts';
import { krumDeclared } from '../../../../server/aggregation/rules/krum.ts';
import { mdaDeclared } from '../../../../server/aggregation/rules/mda.ts';
import { multiKrumDeclared } from '../../../../server/aggregation/rules/multi-krum.ts';
import { pythonWithNumpy } from '../../../support/python.ts';
import { aggregateOf, ruleOf } from '../../../support/rule-cases.ts';

const declared = {
  krum: krumDeclared,
  'multi-krum': multiKrumDeclared,
  bulyan: bulyanDeclared,
  mda: mdaDeclared,
  cge: cgeDeclared,
};
const outcomeSchema = z.strictObject({
  rule: z.enum(['krum', 'multi-krum', 'bulyan', 'mda', 'cge']),
  options: z.record(z.string(), z.unknown()),
  selected: z.array(z.number()),
  scores: z.array(z.number()).nullable(),
  aggregate: z.array(z.number()),
});
const casesSchema = z.array(
  z.strictObject({
    exact: z.boolean(),
    f: z.number(),
    rows: z.array(z.array(z.number())),
    outcomes: z.array(outcomeSchema),
  }),
);

const pinnedText = readFileSync(new URL('../../../oracles/selection_rules.json', import.meta.url), 'utf8');
const pinned = casesSchema.parse(JSON.parse(pinnedText));
const python = pythonWithNumpy();

/** Roots are rounded, and other additions round elsewhere; one float32 where such a sum lies between two. */
const closeTo = (expected: number, relative: number) => ({
  asymmetricMatch: (found: unknown) =>
    typeof found === 'number' && Math.abs(found - expected) <= relative * Math.abs(expected),
});

describe('the numpy oracle (test/oracles/selection_rules.py)', () => {
  it.each(pinned.map((one, index) => ({ index, ...one })))('agrees on case $index', async ({ f, rows, ...one }) => {
    for (const { rule, options, ...expected } of one.outcomes) {
      const { selected, scores, values } = await aggregateOf(ruleOf(declared[rule], options), rows, f);
      const found = { rule, options, selected, scores: scores && [...scores], aggregate: [...values] };
      expect(found).toEqual({
        rule,
        options,
        selected: expected.selected,
        scores: expected.scores && expected.scores.map((score) => closeTo(score, 1e-13)),
        aggregate: expected.aggregate.map((value) => closeTo(value, one.exact ? 0 : 2 ** -23)),
      });
    }
  });

  it('still derives the pinned cases', ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../../oracles/selection_rules.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    const withoutScores = (cases: typeof pinned) =>
      cases.map((one) => ({ ...one, outcomes: one.outcomes.map((outcome) => ({ ...outcome, scores: null })) }));
    const derived = casesSchema.parse(JSON.parse(stdout));
    expect(withoutScores(derived)).toEqual(withoutScores(pinned)); // another numpy may sum distances in another order
  });
});
