// Multi-Krum (Blanchard et al. 2017, arXiv 1703.02757, section 5): the mean of the m updates with the lowest Krum scores,
// all scored once over the whole cohort. m is n - f - 2 unless fixed, and at most n - f; a fixed m is never cut down to a
// smaller cohort, it raises the least cohort to m + f instead. Ties go to the lower row. Refuses n < 2f + 3, whatever m.

import { z } from 'zod';
import type { Distances } from '../cohort.ts';
import { decide, type Decision } from '../decide.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule, Assumptions } from '../rule.ts';
import * as score from './krum-scores.ts';
import { lowest } from './lowest.ts';
import { meanOfRows } from './mean-of-rows.ts';

export interface MultiKrumOptions extends score.ScoreOptions {
  /** Undefined: n - f - 2. */
  readonly m?: number | undefined;
}

export function multiKrum(options: MultiKrumOptions): AggregationRule {
  const { m } = options;
  const minimumCohort = (f: number): number => Math.max(score.minimumCohort(f, options), (m ?? 1) + f);
  return {
    name: 'multi-krum',
    variant: score.variantOf(options) + (m === undefined ? '' : `, m = ${m}`),
    minimumCohort,
    assumes: assumptionsOf(options),
    async aggregate({ cohort, f }) {
      const tooSmall = requireCohort(cohort, minimumCohort(f));
      if (tooSmall) return tooSmall;
      const proven = cohort.n - f - 2;
      const wanted = { m: m ?? proven, neighbours: score.neighboursOf(cohort.n, f, options), variant: options.variant };
      const { rows, scores } = await decide(cohort, (distances) => best(distances, wanted));
      const warnings = wanted.m > proven ? [`m = ${m}: no proof of multi-Krum covers more than n-f-2 = ${proven}`] : [];
      return meanOfRows(cohort, rows, { scores, neighbours: wanted.neighbours, warnings });
    },
  };
}

interface Best {
  readonly rows: readonly number[];
  readonly scores: Float64Array;
}

/** The options with n and f filled in. */
interface Wanted {
  readonly m: number;
  readonly neighbours: number;
  readonly variant: MultiKrumOptions['variant'];
}

function best(distances: Distances, { m, neighbours, variant }: Wanted): Decision<Best> {
  const scores = score.krumScores(distances, neighbours, variant);
  const { rows, gap } = lowest(scores, m);
  return { outcome: { rows, scores }, margin: score.marginOf(gap, variant) };
}

function assumptionsOf({ m = 0, variant, neighbours }: MultiKrumOptions): Assumptions {
  const { ratio, source } = score.blanchardSpread;
  const canonical = variant === 'canonical' && neighbours === undefined;
  return {
    robustness: null,
    // A ratio of 0, no spread at all, where a fixed m is beyond what is proven.
    largestSpread: canonical ? { ratio: (n, f) => (m > n - f - 2 ? 0 : ratio(n, f)), source } : null,
    cost: 'n^2 d',
    sensitivityL2: () => null,
    draws: false,
    reference: 'none',
  };
}

export const multiKrumDeclared = declare({
  name: 'multi-krum',
  options: z.strictObject({ ...score.scoreOptions, m: z.int().min(1).optional() }),
  make: multiKrum,
});
