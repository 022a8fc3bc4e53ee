// Cohorts for the tests of the rules: by hand, and as fast-check arbitraries; and a rule's outcome as tests compare it.

import type { Declared } from '../../shared/declare.ts';
import type { Aggregate, AggregationRule } from '../../server/aggregation/rule.ts';
import { accepted, RefusedError, type Refused } from '../../shared/protocol/refusals.ts';
import { seededRandomSource, standardNormals } from '../../shared/random-source.ts';
import { plainCohort } from './plain-cohort.ts';
import { codeOf as codeOfOutcome } from './refusal-code.ts';
import { fc } from './properties.ts';

export type Rows = readonly (readonly number[] | Float32Array)[];

interface Extra {
  readonly seed?: string | null;
  readonly reference?: Float32Array | readonly number[] | null;
}

/** @throws RefusedError when the options do not fit. */
export const ruleOf = (declared: Declared<AggregationRule>, options: object = {}): AggregationRule =>
  accepted(declared.make(options)).made;

/** Over plain loops in float64. @throws RefusedError */
export async function aggregateOf(rule: AggregationRule, rows: Rows, f: number, extra: Extra = {}): Promise<Aggregate> {
  const { seed = null, reference = null } = extra;
  const point = reference === null ? null : Float32Array.from(reference);
  return accepted(await rule.aggregate({ cohort: plainCohort(rows), f, seed, reference: point }));
}

/** The code of a refusal, whether it is the outcome or is thrown; else what the outcome calls itself. */
export async function codeOf(outcome: Promise<{ readonly kind: string } | Refused>): Promise<string> {
  try {
    return codeOfOutcome(await outcome);
  } catch (error) {
    if (error instanceof RefusedError) return error.refusal.code;
    throw error;
  }
}

/** Tells -0 from 0. */
export const bitsOf = (values: Float32Array | readonly number[]): readonly number[] => [
  ...new Uint32Array(Float32Array.from(values).buffer),
];

/** An aggregate as plain values that compare to the last bit. */
export const exactly = ({ values, scores, shares, ...rest }: Aggregate): unknown => ({
  ...rest,
  bits: bitsOf(values),
  scores: scores && [...scores],
  shares: [...shares],
});

export interface CohortCase {
  readonly f: number;
  readonly rows: readonly (readonly number[])[];
}

/** f of 0 .. 4 with `leastOf(f)` to five more rows of one length, 1 .. 6. */
export function cohortCase(
  value: fc.Arbitrary<number>,
  leastOf: (f: number) => number = (f) => 2 * f + 3,
): fc.Arbitrary<CohortCase> {
  const sizes = fc.record({
    f: fc.integer({ min: 0, max: 4 }),
    spare: fc.integer({ min: 0, max: 5 }),
    d: fc.integer({ min: 1, max: 6 }),
  });
  return sizes.chain(({ f, spare, d }) => {
    const n = leastOf(f) + spare;
    const row = fc.array(value, { minLength: d, maxLength: d });
    return fc.record({ f: fc.constant(f), rows: fc.array(row, { minLength: n, maxLength: n }) });
  });
}

/** Any moderate float32, negative zero included. */
export const anyValue = fc.float({ min: -100, max: 100, noNaN: true });
/** Whole numbers so small that every float32 and float64 sum of them is exact; ties are common. */
export const gridValue = fc.integer({ min: -6, max: 6 });

/** n rows of d standard normals, in float32: nothing ties that does not by its definition. */
export function normalRows(n: number, d: number, seed: number): readonly Float32Array[] {
  const random = seededRandomSource(0, 'normal-rows', seed);
  return Array.from({ length: n }, () => Float32Array.from(standardNormals(random, d)));
}
