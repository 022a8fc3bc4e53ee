// Minimum diameter averaging (Rousseeuw 1985; as an aggregation rule El Mhamdi, Guerraoui, Rouault 2018, arXiv 1802.07927):
// the mean of the n - f updates whose largest pairwise distance is least; of several such subsets the lexicographically
// least rows. Exact: the answer is that of a look at all C(n, f) subsets (least-diameter.ts). n >= 2f + 1. More than
// LARGEST_F liars are refused, whatever n: the search grows with f alone, and at that f the worst graphs tried (sparse
// and random, n = 300) took 0.2 s.

import { z } from 'zod';
import { refuse, type Refused } from '../../../shared/protocol/refusals.ts';
import { decide } from '../decide.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule } from '../rule.ts';
import { leastDiameter } from './least-diameter.ts';
import { meanOfRows } from './mean-of-rows.ts';

/** At 40 the worst took 1.2 s, at 64 more than 40 s. */
const LARGEST_F = 32;

/** No number of updates where f is refused, so that a federation is told before it starts. */
const minimumCohort = (f: number): number => (f > LARGEST_F ? Infinity : 2 * f + 1);

const mda: AggregationRule = {
  name: 'mda',
  variant: 'n-f of least diameter, exact, ties by client id',
  minimumCohort,
  assumes: {
    robustness: null,
    // Infinity for f = 0: the mean of all has no condition.
    largestSpread: {
      ratio: (n, f) => (n - f) / (Math.sqrt(8) * f),
      source: 'El-Mhamdi et al. 2021, arXiv 2003.00010',
    },
    cost: 'n^2 d',
    sensitivityL2: () => null,
    draws: false,
    reference: 'none',
  },
  async aggregate({ cohort, f }) {
    const tooLarge = requireSearchable(f) ?? requireCohort(cohort, minimumCohort(f));
    if (tooLarge) return tooLarge;
    const rows = await decide(cohort, (distances) => leastDiameter(distances, f));
    return meanOfRows(cohort, rows, { scores: null, neighbours: null, warnings: [] });
  },
};

function requireSearchable(f: number): Refused | undefined {
  if (f <= LARGEST_F) return undefined;
  return refuse('f-too-large', {
    expected: `f <= ${LARGEST_F} for mda, which in effect looks at all subsets of n - f updates`,
    found: `${f}`,
    hint: 'multi-krum, and nnm before a rule by coordinates, stay quick for any f',
  });
}

export const mdaDeclared = declare({ name: 'mda', options: z.strictObject({}), make: () => mda });
