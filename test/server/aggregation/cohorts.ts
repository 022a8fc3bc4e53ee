// Cohorts for the tests of the rules: by hand, and as fast-check arbitraries.

import fc from 'fast-check';
import type { Aggregate, AggregationRule, CohortUpdate } from '../../../server/aggregation/rule.ts';
import type { ClientId } from '../../../shared/ids.ts';
import { asClientId } from '../../../shared/ids.ts';
import { isRefused, RefusedError } from '../../../shared/protocol/refusals.ts';

/** Ids in the order of their index. */
export const clientId = (index: number): ClientId => asClientId(index.toString(16).padStart(64, '0'));

export function updatesOf(rows: readonly (readonly number[])[]): readonly CohortUpdate[] {
  return rows.map((row, i) => ({ client: clientId(i), values: Float32Array.from(row) }));
}

export function aggregateOf(rule: AggregationRule, updates: readonly CohortUpdate[], f: number): Aggregate {
  const outcome = rule.aggregate(updates, f);
  if (isRefused(outcome)) throw new RefusedError(outcome.refusal);
  return outcome;
}

export const bitsOf = (values: Float32Array): readonly number[] => [...new Uint32Array(values.slice().buffer)];

/** An aggregate as plain values that compare to the last bit. */
export const exactly = ({ values, scores, ...rest }: Aggregate): unknown => ({
  ...rest,
  bits: bitsOf(values),
  scores: [...scores],
});

interface CohortCase {
  readonly f: number;
  readonly rows: readonly (readonly number[])[];
}

/** f with n >= 2f + 3 rows of one length. */
export function cohortCase(value: fc.Arbitrary<number>): fc.Arbitrary<CohortCase> {
  const sizes = fc.record({
    f: fc.integer({ min: 0, max: 4 }),
    spare: fc.integer({ min: 0, max: 5 }),
    d: fc.integer({ min: 1, max: 6 }),
  });
  return sizes.chain(({ f, spare, d }) => {
    const n = 2 * f + 3 + spare;
    const row = fc.array(value, { minLength: d, maxLength: d });
    return fc.record({ f: fc.constant(f), rows: fc.array(row, { minLength: n, maxLength: n }) });
  });
}

/** Any moderate float32, negative zero included. */
export const anyValue = fc.float({ min: -100, max: 100, noNaN: true });
/** Whole numbers so small that every float32 and float64 sum of them is exact; ties are common. */
export const gridValue = fc.integer({ min: -6, max: 6 });
