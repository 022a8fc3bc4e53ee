// The aggregate of every rule that selects updates and takes their plain mean.

import type { Cohort } from '../cohort.ts';
import type { Aggregate } from '../rule.ts';

type OfTheRule = Pick<Aggregate, 'scores' | 'neighbours' | 'warnings'>;

/** `rows` ascending, at least one. Of one row it is that update itself. */
export async function meanOfRows(cohort: Cohort, rows: readonly number[], ofTheRule: OfTheRule): Promise<Aggregate> {
  const weights = new Float64Array(cohort.n);
  for (const row of rows) weights[row] = 1;
  return {
    kind: 'aggregate',
    values: await cohort.combine({ weights, divisor: rows.length }),
    selected: rows,
    shares: weights.map((weight) => weight / rows.length),
    m: rows.length,
    ...ofTheRule,
  };
}
