import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dncDeclared } from '../../../../server/aggregation/rules/dnc.ts';
import { fltrustDeclared } from '../../../../server/aggregation/rules/fltrust.ts';
import { signGuardDeclared } from '../../../../server/aggregation/rules/sign-guard.ts';
import { pythonWithNumpy } from '../../../support/python.ts';
import { aggregateOf, ruleOf } from '../../../support/rule-cases.ts';
import { near } from './near.ts';

const figures = z.array(z.number());
const common = { f: z.number(), rows: z.array(figures), selected: figures, aggregate: figures };
const pinnedSchema = z.strictObject({
  dnc: z.array(z.strictObject({ ...common, c: z.number(), scores: figures })),
  'sign-guard': z.array(z.strictObject({ ...common, lower: z.number(), upper: z.number() })),
  fltrust: z.array(z.strictObject({ ...common, root: figures, scores: figures, shares: figures })),
});

const pinnedText = readFileSync(new URL('../../../oracles/seeded_rules.json', import.meta.url), 'utf8');
const pinned = pinnedSchema.parse(JSON.parse(pinnedText));
const numbered = <T extends object>(cases: readonly T[]) => cases.map((one, index) => ({ index, ...one }));
const python = pythonWithNumpy();

describe('the numpy oracle (test/oracles/seeded_rules.py)', () => {
  it.each(numbered(pinned.dnc))(
    'agrees with divide-and-conquer on case $index',
    async ({ c, rows, f, ...expected }) => {
      const { selected, scores, values } = await aggregateOf(ruleOf(dncDeclared, { c }), rows, f, { seed: 'any' });
      expect(selected).toEqual(expected.selected);
      expect([...(scores ?? [])]).toEqual(near(expected.scores));
      expect([...values]).toEqual(near(expected.aggregate));
    },
  );

  it.each(numbered(pinned['sign-guard']))('agrees with SignGuard on case $index', async ({ rows, f, ...one }) => {
    const rule = ruleOf(signGuardDeclared, { lower: one.lower, upper: one.upper, slice: 1 });
    const { selected, values } = await aggregateOf(rule, rows, f, { seed: 'any' });
    expect(selected).toEqual(one.selected);
    expect([...values]).toEqual(near(one.aggregate));
  });

  it.each(numbered(pinned.fltrust))('agrees with FLTrust on case $index', async ({ root, rows, f, ...expected }) => {
    const outcome = await aggregateOf(ruleOf(fltrustDeclared), rows, f, { reference: root });
    expect(outcome.selected).toEqual(expected.selected);
    expect([...(outcome.scores ?? [])]).toEqual(near(expected.scores, 9));
    expect([...outcome.shares]).toEqual(near(expected.shares, 9));
    expect([...outcome.values]).toEqual(near(expected.aggregate));
  });

  it('still derives the pinned cases', ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../../oracles/seeded_rules.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    const inputs = ({ dnc, 'sign-guard': signGuard, fltrust }: typeof pinned) =>
      [...dnc, ...signGuard, ...fltrust].map(({ rows, selected }) => ({ rows, selected }));
    expect(inputs(pinnedSchema.parse(JSON.parse(stdout)))).toEqual(inputs(pinned)); // sums may differ in the last bits
  });
});
