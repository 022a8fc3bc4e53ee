// What a pre-aggregator makes of rows, as rows.

import type { Declared } from '../../../../shared/declare.ts';
import type { PreAggregator } from '../../../../server/aggregation/pre/pre-aggregator.ts';
import { accepted, isRefused } from '../../../../shared/protocol/refusals.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import type { Rows } from '../../../support/rule-cases.ts';
import { near } from '../rules/near.ts';

/** @throws RefusedError */
export const madeOf = (declared: Declared<PreAggregator>, options: object = {}): PreAggregator =>
  accepted(declared.make(options)).made;

/** @throws RefusedError */
export async function imageOf(pre: PreAggregator, rows: Rows, f: number): Promise<readonly (readonly number[])[]> {
  const cohort = plainCohort(rows);
  const { mixture } = accepted(await pre.prepare({ cohort, f, seed: 'seed' }));
  const image = await cohort.mixed(mixture).gather(Uint32Array.from(rows[0] ?? [], (_, k) => k));
  return image.map((row) => [...row]);
}

export async function refusedCode(pre: PreAggregator, rows: Rows, f: number): Promise<string | undefined> {
  const outcome = await pre.prepare({ cohort: plainCohort(rows), f, seed: 'seed' });
  return isRefused(outcome) ? outcome.refusal.code : undefined;
}

export const normOf = (row: Iterable<number>): number =>
  Math.sqrt([...row].reduce((sum, value) => sum + value * value, 0));

/** Each figure to half a unit of the sixth decimal digit. */
export const nearRows = (rows: Rows): readonly unknown[] => rows.map((row) => near([...row]));
