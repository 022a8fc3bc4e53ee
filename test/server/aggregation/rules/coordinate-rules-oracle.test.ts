import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { preAggregatorOf } from '../../../../server/aggregation/pre/pre-aggregators.ts';
import { withPre } from '../../../../server/aggregation/pre/with-pre.ts';
import { centeredClippingDeclared } from '../../../../server/aggregation/rules/centered-clipping.ts';
import { geometricMedianDeclared } from '../../../../server/aggregation/rules/geometric-median.ts';
import { meamedDeclared } from '../../../../server/aggregation/rules/meamed.ts';
import { medianDeclared } from '../../../../server/aggregation/rules/median.ts';
import { trimmedMeanDeclared } from '../../../../server/aggregation/rules/trimmed-mean.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { pythonWithNumpy } from '../../../support/python.ts';
import { aggregateOf, ruleOf, type Rows } from '../../../support/rule-cases.ts';
import { near } from './near.ts';

const row = z.array(z.number());
const casesSchema = z.array(
  z.strictObject({
    exact: z.boolean(),
    f: z.number(),
    rows: z.array(row),
    start: row,
    tau: z.number(),
    steps: z.number(),
    limit: z.number(),
    rules: z.strictObject({
      median: row,
      'trimmed-mean': row,
      meamed: row,
      'geometric-median': row,
      'centered-clipping': row,
    }),
    pre: z.strictObject({ clip: z.array(row), 'clip-to-median': z.array(row), arc: z.array(row), nnm: z.array(row) }),
    'trimmed-mean after clip and nnm': row,
  }),
);
const pinned = casesSchema.parse(
  JSON.parse(readFileSync(new URL('../../../oracles/coordinate_rules.json', import.meta.url), 'utf8')),
);
const python = pythonWithNumpy();
const byCoordinate = { median: medianDeclared, 'trimmed-mean': trimmedMeanDeclared, meamed: meamedDeclared };

/** Within 1e-6 of the largest value there, some roundings to float32. */
function expectClose(found: Iterable<number>, expected: readonly number[]): void {
  const tolerance = 1e-6 * Math.max(1, ...expected.map(Math.abs));
  for (const [k, value] of [...found].entries())
    expect(Math.abs(value - (expected[k] ?? NaN))).toBeLessThanOrEqual(tolerance);
}

async function imageOf(name: string, options: object, { rows, f }: { readonly rows: Rows; readonly f: number }) {
  const cohort = plainCohort(rows);
  const pre = accepted(preAggregatorOf({ name, ...options })).made;
  const { mixture } = accepted(await pre.prepare({ cohort, f, seed: null }));
  return cohort.mixed(mixture).gather(Uint32Array.from(rows[0] ?? [], (_, k) => k));
}

describe('the numpy oracle (test/oracles/coordinate_rules.py)', () => {
  it.each(pinned.map((one, index) => ({ index, ...one })))('agrees on case $index', async (one) => {
    const { rows, f, start, tau, steps, limit } = one;
    for (const name of ['median', 'trimmed-mean', 'meamed'] as const) {
      const { values } = await aggregateOf(ruleOf(byCoordinate[name]), rows, f);
      if (one.exact) expect([...values]).toEqual([...Float32Array.from(one.rules[name])]);
      expectClose(values, one.rules[name]);
    }
    const geometric = await aggregateOf(ruleOf(geometricMedianDeclared), rows, f);
    expectClose(geometric.values, one.rules['geometric-median']);
    expect(geometric.warnings).toEqual([]);
    const clipping = ruleOf(centeredClippingDeclared, { tau, iterations: steps });
    expectClose((await aggregateOf(clipping, rows, f, { reference: start })).values, one.rules['centered-clipping']);
    for (const name of ['clip', 'clip-to-median', 'arc', 'nnm'] as const) {
      const image = await imageOf(name, name === 'clip' ? { norm: limit } : {}, one);
      image.forEach((values, i) => expectClose(values, one.pre[name][i] ?? []));
    }
    if (one.exact) return; // clipped grids tie up to their rounding
    const pres = [{ name: 'clip', norm: limit }, { name: 'nnm' }].map(
      (choice) => accepted(preAggregatorOf(choice)).made,
    );
    const { values } = await aggregateOf(withPre(pres, ruleOf(trimmedMeanDeclared)), rows, f);
    expectClose(values, one['trimmed-mean after clip and nnm']);
  });

  it('still derives the pinned cases', ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../../oracles/coordinate_rules.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    const derived = casesSchema.parse(JSON.parse(stdout));
    // Another numpy may sum in another order.
    expect(figuresOf(derived)).toEqual(near(figuresOf(pinned), 8));
  });
});

const figuresOf = (cases: typeof pinned): readonly number[] =>
  cases.flatMap(({ rules, pre, rows, ...one }) => [
    ...[...rows, ...Object.values(rules), ...Object.values(pre).flat(), one.start].flat(),
    ...one['trimmed-mean after clip and nnm'],
  ]);
