// Seeded cohorts on which laws of aggregation rules are tried, and what laws are stated in: means of subsets, distances.

import type { Aggregate, AggregationRule } from '../server/aggregation/rule.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import { type RandomSource, seededRandomSource, uniformInteger } from '../shared/random-source.ts';
import type { CohortOf } from './aggregation-vectors.ts';

type Rows = readonly Float32Array[];

export interface Trial {
  readonly rule: AggregationRule;
  readonly cohortOf: CohortOf;
  readonly f: number;
  /** The last f are liars. */
  readonly rows: Rows;
  readonly reference: Float32Array | null;
  /** For what a law draws. */
  readonly random: RandomSource;
}

const F = 2;
const D = 6;
/** Where liars lie: as the honest, far out, in the midst of them, all on one point; or the honest are in two camps. */
const kinds = ['random', 'far', 'near', 'one point', 'split'] as const;
type Kind = (typeof kinds)[number];

/** `count` of each kind of cohort, the same for the same rule. Values are multiples of 2^-12: sums of few are exact. */
export function trialsFor(rule: AggregationRule, cohortOf: CohortOf, count: number): readonly Trial[] {
  return kinds.flatMap((kind) =>
    Array.from({ length: count }, (_, i) => {
      const random = seededRandomSource(1, 'aggregation-laws', rule.name, kind, i);
      const n = Math.max(2 * F + 4, rule.minimumCohort(F)) + uniformInteger(random, 2);
      const rows = Array.from({ length: n }, (_row, row) => rowOf(random, kind, { isLiar: row >= n - F, row }));
      return { rule, cohortOf, f: F, rows, reference: referenceOf(rule), random };
    }),
  );
}

function rowOf(random: RandomSource, kind: Kind, { isLiar, row }: { isLiar: boolean; row: number }): Float32Array {
  const around = (centre: number, reach: number): Float32Array =>
    Float32Array.from({ length: D }, () => centre + (reach * (uniformInteger(random, 8193) - 4096)) / 4096);
  if (kind === 'split' && !isLiar) return around(row % 2 === 0 ? 3 : -1, 1);
  if (kind === 'random' || !isLiar) return around(1, 2);
  if (kind === 'far') return around(-64, 2);
  return kind === 'near' ? around(1, 0.25) : around(2, 0);
}

function referenceOf({ assumes: { reference } }: AggregationRule): Float32Array | null {
  return reference === 'none' ? null : new Float32Array(D).fill(reference === 'root-update' ? 1 : 0);
}

/** The same with every row, and the reference, put through `change`. */
export const mapped = (trial: Trial, change: (row: Float32Array) => Float32Array): Trial => ({
  ...trial,
  rows: trial.rows.map(change),
  reference: trial.reference && change(trial.reference),
});

/** @throws RefusedError */
export async function aggregateOf({ rule, cohortOf, f, rows, reference }: Trial): Promise<Aggregate> {
  return accepted<Aggregate>(await rule.aggregate({ cohort: cohortOf(rows), f, seed: '1', reference }));
}

/** All ways to leave out f rows. */
export function subsetsOf(rows: Rows, f: number): readonly Rows[] {
  if (f === 0) return [rows];
  return rows.flatMap((_, last) =>
    subsetsOf(rows.slice(0, last), f - 1).map((kept) => [...kept, ...rows.slice(last + 1)]),
  );
}

/** Of rows of equal length, float64. */
export function meanOf(rows: Rows): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  return mean.map((_, k) => rows.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / rows.length);
}

type Values = Float32Array | Float64Array;

export const distanceL2 = (a: Values, b: Values): number =>
  Math.sqrt(Array.from(a).reduce((sum, value, k) => sum + (value - (b[k] ?? NaN)) ** 2, 0));

export const norm = (values: Values): number => distanceL2(values, new Float64Array(values.length));
