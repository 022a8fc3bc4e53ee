// NNM, nearest-neighbour mixing (Allouah et al. 2023, arXiv 2302.01772, algorithm 2): every update becomes the mean of the
// n - f updates nearest to it in L2, itself included; of two equally far the lower row. What float32 distances leave too
// close to call, between the last neighbour of a row and the first that is none, is decided over exact ones.

import { z } from 'zod';
import type { Distances } from '../cohort.ts';
import { decide, type Decision, relativeGap } from '../decide.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import { meansOver } from './mixture.ts';
import type { PreAggregator } from './pre-aggregator.ts';

type Neighbourhoods = readonly (readonly number[])[];

const minimumCohort = (f: number): number => 2 * f + 1;

const nnm: PreAggregator = {
  name: 'nnm',
  variant: 'mean of the n-f nearest in L2, itself included, ties by row',
  draws: false,
  rowsAfter: (n) => n,
  minimumCohort,
  async prepare({ cohort, f }) {
    const { n } = cohort;
    const tooSmall = requireCohort(cohort, minimumCohort(f));
    if (tooSmall) return tooSmall;
    const neighbourhoods = await decide(cohort, (distances) => nearest(distances, n - f));
    return { kind: 'prepared', mixture: meansOver(neighbourhoods, n), home: [...neighbourhoods.keys()] };
  },
};

/** By row: the `count` rows nearest to it, itself included. */
function nearest({ n, squared }: Distances, count: number): Decision<Neighbourhoods> {
  let margin = Infinity;
  const outcome = Array.from({ length: n }, (_, self) => {
    const from = squared.subarray(self * n, (self + 1) * n);
    const others = [...from.keys()].filter((row) => row !== self);
    // The sort is stable: equally far rows stay in order.
    others.sort((a, b) => (from[a] ?? NaN) - (from[b] ?? NaN));
    const [last, next] = [others[count - 2], others[count - 1]];
    if (last !== undefined && next !== undefined)
      margin = Math.min(margin, relativeGap(from[last] ?? NaN, from[next] ?? NaN));
    return [self, ...others.slice(0, count - 1)];
  });
  return { outcome, margin };
}

/**
 * Of a rule of `kappa` behind NNM, lemma 1 there. For i in S, |S| = n - f, the mixed y_i differs from the mean s of S by
 * what b <= f neighbours outside S bring and b of S that are none leave, the former no further from x_i than the latter:
 * |y_i - s|^2 <= 4f / (n - f)^2 sum over S of |x_j - x_i|^2, on average over S at most 8f / (n - f) times the variance. And
 * |F(y) - s|^2 <= (kappa + 1) (variance of y + |mean of y - s|^2).
 */
export const kappaBehindNnm = (kappa: number, n: number, f: number): number => ((8 * f) / (n - f)) * (kappa + 1);

export const nnmDeclared = declare({ name: 'nnm', options: z.strictObject({}), make: () => nnm });
