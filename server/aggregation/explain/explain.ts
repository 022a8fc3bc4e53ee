// The explanation of an aggregate, the same for every rule: from the updates as they reached the rule's first step and what
// the rule answered, by distances alone.

import type { Cohort, Distances } from '../cohort.ts';
import type { Aggregate, AggregationRule } from '../rule.ts';
import { certify } from './certificate.ts';
import { conditionOf, conditionWarning } from './condition.ts';
import type { Certificate, ClientExplanation, Explanation } from './explanation.ts';
import { estimateLiars, liarWarnings } from './liar-estimate.ts';
import { noiseFloorWarning } from './noise-floor.ts';

export interface Explained {
  /** The rows before any pre-aggregator. */
  readonly cohort: Cohort;
  readonly rule: AggregationRule;
  /** Of those rows by that rule. */
  readonly aggregate: Aggregate;
  readonly f: number;
  /** Of the noise that every update holds by declaration, per parameter. Default 0: none. */
  readonly noiseStdDev?: number;
}

/** @throws InvariantError where a distance is not finite. */
export async function explain({ cohort, rule, aggregate, f, noiseStdDev = 0 }: Explained): Promise<Explanation> {
  const distances = await distancesOf(cohort);
  const toAggregate = await cohort.squaredDistancesTo(aggregate.values);
  const squaredNorms = await cohort.squaredDistancesTo();
  const condition = conditionOf(rule, { distances, squaredNorms, f });
  const liars = estimateLiars(distances, f);
  const noiseFloor = noiseFloorWarning(aggregate, { squaredNorms, d: cohort.d, noiseStdDev });
  return {
    clients: clientsOf(aggregate, toAggregate),
    certificate: certificateOf(distances, toAggregate, f),
    condition,
    liars,
    warnings: [
      ...aggregate.warnings,
      ...listed(noiseFloor),
      ...listed(conditionWarning(rule, condition)),
      ...liarWarnings(liars, f),
    ],
  };
}

/** With the error of float64 sums named: a square is off by three roundings, a sum of d of them by d - 1 more. */
async function distancesOf(cohort: Cohort): Promise<Distances> {
  const distances = await cohort.squaredDistances();
  return { ...distances, relativeError: Math.max(distances.relativeError, (cohort.d + 8) * 2 ** -53) };
}

/** Where all may lie there is no honest mean to be near to. */
const certificateOf = (distances: Distances, toAggregate: Float64Array, f: number): Certificate =>
  f < distances.n ? certify(distances, toAggregate, f) : { bound: Infinity, exact: true };

function clientsOf({ scores, shares }: Aggregate, toAggregate: Float64Array): readonly ClientExplanation[] {
  const ranks = scores && ranksOf(scores);
  return [...toAggregate].map((squared, row) => ({
    score: scores?.[row] ?? null,
    rank: ranks?.[row] ?? null,
    distanceToAggregate: Math.sqrt(squared),
    share: shares[row] ?? NaN,
  }));
}

/** By row. The sort is stable: ties go by row. */
function ranksOf(scores: Float64Array): Uint32Array {
  const order = [...scores.keys()].sort((a, b) => (scores[a] ?? NaN) - (scores[b] ?? NaN));
  const ranks = new Uint32Array(scores.length);
  for (const [place, row] of order.entries()) ranks[row] = place + 1;
  return ranks;
}

const listed = (warning: string | null): readonly string[] => (warning === null ? [] : [warning]);
