// The vectors by which the field tests its aggregation rules, as values (test/oracles/aggregation_vectors.json), and
// whether a rule of ours gives what each expects. Some are expected to be refused: they have too few updates for f.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Cohort } from '../server/aggregation/cohort.ts';
import { preAggregatorOf } from '../server/aggregation/pre/pre-aggregators.ts';
import { withPre } from '../server/aggregation/pre/with-pre.ts';
import type { Aggregate } from '../server/aggregation/rule.ts';
import { ruleOf } from '../server/aggregation/rules.ts';
import { accepted, isRefused, RefusedError, type Refused } from '../shared/protocol/refusals.ts';

const rowSchema = z.array(z.number());
const rowsSchema = z.array(rowSchema);
const expectSchema = z.union([
  z.strictObject({ aggregate: rowSchema, selected: rowSchema.optional(), scores: rowSchema.optional() }),
  /** What a pre-aggregator makes of the updates. */
  z.strictObject({ rows: rowsSchema }),
  z.strictObject({ refused: z.string() }),
]);
const vectorSchema = z.strictObject({
  /** Or of a pre-aggregator, where rows are expected. */
  rule: z.string(),
  pre: z.array(z.looseObject({ name: z.string() })),
  options: z.record(z.string(), z.unknown()),
  f: z.number(),
  seed: z.number().nullable(),
  updates: rowsSchema,
  reference: rowSchema.nullable(),
  expect: expectSchema,
  source: z.string(),
  /** Absolute, of every value and score. */
  tolerance: z.number(),
  /** Where the field differs from us, how. */
  note: z.string().nullable(),
});
export type AggregationVector = z.output<typeof vectorSchema>;

const outsideSchema = z.array(z.strictObject({ name: z.string(), source: z.string(), why: z.string() }));
const fileSchema = z.strictObject({ vectors: z.array(vectorSchema), outside: outsideSchema });

export function readVectors(): readonly AggregationVector[] {
  const file = new URL('../test/oracles/aggregation_vectors.json', import.meta.url);
  return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).vectors;
}

/** Rows of equal length -> the port over which rules compute. */
export type CohortOf = (rows: readonly Float32Array[]) => Cohort;

/** What is otherwise than expected, in words; none where the vector is passed. */
export async function complaintsOf(vector: AggregationVector, cohortOf: CohortOf): Promise<readonly string[]> {
  const { expect, tolerance } = vector;
  const outcome = await outcomeOf(vector, cohortOf);
  if (isRefused(outcome))
    return differs('outcome', outcome.refusal.code, 'refused' in expect ? expect.refused : 'none');
  if ('refused' in expect) return [`expected ${expect.refused}, found an aggregate`];
  if ('rows' in expect) return far('rows', [outcome.rows.flat(), expect.rows.flat()], tolerance);
  const { selected, scores } = outcome;
  return [
    ...far('aggregate', [outcome.rows.flat(), expect.aggregate], tolerance),
    ...(expect.scores ? far('scores', [[...(scores ?? [])], expect.scores], tolerance) : []),
    ...(expect.selected ? differs('selected', `${selected?.join()}`, expect.selected.join()) : []),
  ];
}

interface Outcome extends Pick<Aggregate, 'selected' | 'scores'> {
  /** The aggregate alone, or what the pre-aggregator makes of every update. */
  readonly rows: readonly (readonly number[])[];
}

async function outcomeOf(vector: AggregationVector, cohortOf: CohortOf): Promise<Outcome | Refused> {
  const cohort = cohortOf(vector.updates.map((row) => Float32Array.from(row)));
  try {
    return 'rows' in vector.expect ? await mixedRows(vector, cohort) : await aggregateOf(vector, cohort);
  } catch (error) {
    if (error instanceof RefusedError) return { kind: 'refused', refusal: error.refusal };
    throw error;
  }
}

/** @throws RefusedError */
async function aggregateOf(
  { rule, pre, options, f, seed, reference }: AggregationVector,
  cohort: Cohort,
): Promise<Outcome> {
  const steps = pre.map((step) => accepted(preAggregatorOf(step)).made);
  const composed = withPre(steps, accepted(ruleOf({ name: rule, options })).made);
  const input = {
    cohort,
    f,
    seed: seed === null ? null : `${seed}`,
    reference: reference && Float32Array.from(reference),
  };
  const { values, selected, scores } = accepted<Aggregate>(await composed.aggregate(input));
  return { rows: [[...values]], selected, scores };
}

/** @throws RefusedError */
async function mixedRows({ rule, options, f }: AggregationVector, cohort: Cohort): Promise<Outcome> {
  const { made } = accepted(preAggregatorOf({ ...options, name: rule }));
  const { mixture } = accepted(await made.prepare({ cohort, f, seed: null }));
  const all = Uint32Array.from({ length: cohort.d }, (_, k) => k);
  const rows = await cohort.mixed(mixture).gather(all);
  return { rows: rows.map((row) => [...row]), selected: null, scores: null };
}

const differs = (what: string, found: string, expected: string): readonly string[] =>
  found === expected ? [] : [`${what}: expected ${expected}, found ${found}`];

function far(
  what: string,
  [found, expected]: readonly [readonly number[], readonly number[]],
  tolerance: number,
): readonly string[] {
  // What a vector expects has the 8 digits of print, float32 has 24 bits.
  const limit = (value: number): number => tolerance * Math.max(1, Math.abs(value));
  const isNear = (value: number, k: number): boolean => Math.abs(value - (found[k] ?? NaN)) <= limit(value);
  if (found.length === expected.length && expected.every(isNear)) return [];
  return [`${what}: expected ${expected.join(' ')}, found ${found.join(' ')}`];
}
