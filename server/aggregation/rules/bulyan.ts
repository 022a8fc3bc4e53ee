// Bulyan (El Mhamdi, Guerraoui, Rouault 2018, arXiv 1802.07927, section 4), canonical: theta = n - 2f updates are picked by
// repeated Krum, each time over the m that remain; then per coordinate the mean of the beta = theta - 2f values of the
// picked that are nearest to their median. n >= 4f + 3.
// Each pick scores the remaining anew by their max(1, m - f - 2) nearest remaining others. The paper leaves open what the
// last picks sum over, where m - f - 2 is f - 1 and so nothing for f = 1; peers stop two picks early and average
// multi-Krum's means instead (ByzantineMomentum, Garfield, krum-lib), or keep stale scores, and select others.
// Scores are those of the first pick: Krum's, of the whole cohort and comparable with it. The order of the later picks need
// not be theirs. Cost: the distances once, then at most n^3/3 additions.

import { z } from 'zod';
import type { Cohort, Distances } from '../cohort.ts';
import { decide, type Decision } from '../decide.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { Aggregate, AggregationRule } from '../rule.ts';
import { blanchardSpread, krumScores, neighboursOf } from './krum-scores.ts';
import { lowest } from './lowest.ts';

const minimumCohort = (f: number): number => 4 * f + 3;

const bulyan: AggregationRule = {
  name: 'bulyan',
  variant:
    'canonical: n-2f by repeated Krum (squared L2, max(1, m-f-2) nearest others of the m left, ties by client id), ' +
    'then by coordinate the mean of the n-4f nearest the median',
  minimumCohort,
  assumes: {
    robustness: null,
    largestSpread: blanchardSpread,
    cost: 'n^2 d',
    sensitivityL2: () => null,
    draws: false,
    reference: 'none',
  },
  async aggregate({ cohort, f }) {
    const tooSmall = requireCohort(cohort, minimumCohort(f));
    if (tooSmall) return tooSmall;
    const neighbours = neighboursOf(cohort.n, f);
    const { rows, scores } = await decide(cohort, (distances) => {
      const { outcome, margin } = repeatedKrum(distances, f);
      return { outcome: { rows: outcome, scores: krumScores(distances, neighbours) }, margin };
    });
    return {
      kind: 'aggregate',
      selected: rows,
      scores,
      neighbours,
      m: null,
      warnings: [],
      ...(await middle(cohort, rows, f)),
    };
  },
};

async function middle(
  cohort: Cohort,
  rows: readonly number[],
  f: number,
): Promise<Pick<Aggregate, 'values' | 'shares'>> {
  const picked = await cohort.only(rows).coordinateWise({ kind: 'around-median', keep: rows.length - 2 * f });
  const shares = new Float64Array(cohort.n);
  for (const [at, row] of rows.entries()) shares[row] = picked.shares[at] ?? NaN;
  return { values: picked.values, shares };
}

/** One row's others, nearest first. */
interface Others {
  readonly of: number;
  readonly rows: Uint32Array;
  readonly squared: Float64Array;
}

/** n - 2f rows, ascending. Every pick counts towards the margin: an earlier one changes what the later ones sum over. */
function repeatedKrum(distances: Distances, f: number): Decision<readonly number[]> {
  const remains = new Uint8Array(distances.n).fill(1);
  const left = Array.from(remains.keys(), (row) => nearestFirst(distances, row));
  let margin = Infinity;
  while (left.length > 2 * f) {
    const neighbours = Math.max(1, left.length - f - 2);
    const scores = Float64Array.from(left, (others) => scoreAmong(remains, others, neighbours));
    // Two that are each other's only neighbour tie over the one distance between them, whatever its error: the next counts.
    const { rows, gap } = lowest(scores, neighbours === 1 ? 2 : 1);
    margin = Math.min(margin, gap);
    for (const { of } of left.splice(rows[0] ?? NaN, 1)) remains[of] = 0;
  }
  return { outcome: Array.from(remains.keys()).filter((row) => remains[row] === 0), margin };
}

function nearestFirst({ n, squared }: Distances, of: number): Others {
  const line = squared.subarray(of * n, (of + 1) * n);
  const rows = Uint32Array.from(line.keys()).filter((row) => row !== of);
  rows.sort((a, b) => (line[a] ?? NaN) - (line[b] ?? NaN));
  return { of, rows, squared: Float64Array.from(rows, (row) => line[row] ?? NaN) };
}

/** As krum-scores.ts, over the nearest `neighbours` others that remain; 0 where nobody else does. */
function scoreAmong(remains: Uint8Array, { rows, squared }: Others, neighbours: number): number {
  let [sum, wanted] = [0, neighbours];
  for (let at = 0; at < rows.length && wanted > 0; at++) {
    if (remains[rows[at] ?? NaN] !== 1) continue;
    sum += squared[at] ?? NaN;
    wanted--;
  }
  return sum;
}

export const bulyanDeclared = declare({ name: 'bulyan', options: z.strictObject({}), make: () => bulyan });
