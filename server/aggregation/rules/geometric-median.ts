// The geometric median: the point with the least sum of distances to all updates, by the smoothed Weiszfeld iteration of
// RFA (Pillutla et al. 2022, arXiv 1912.13445). The weights of a step come from the distances alone, never from the weights
// of the step before. Run until it settles, within nu and 1e-7 of the updates' own spread of the exact median; or, with
// tolerance 0, stopped early as others do: exactly `maxIterations` steps, RFA's paper with nu 1e-6 and 3 from the mean, ByzFL
// with nu 0.1 and 3 from zero. Sums are float64, and in the stopped form each step is rounded to float32.

import { z } from 'zod';
import type { Cohort } from '../cohort.ts';
import { declare } from '../../../shared/declare.ts';
import { weightsBefore } from '../pre/mixture.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule, Assumptions } from '../rule.ts';
import { honestMajority } from './by-coordinate.ts';
import { drawIn } from './draw-in.ts';
import { geometricMedianWeights, weiszfeldWeights } from './weiszfeld.ts';

/** Down to these the bound of the exact median is claimed. */
const FINE = { nu: 1e-6, tolerance: 1e-9 };

const optionsSchema = z
  .strictObject({
    nu: z.number().positive().default(FINE.nu),
    tolerance: z.number().min(0).max(1e-3).default(1e-12),
    maxIterations: z.int().min(1).max(100_000).default(10_000),
    start: z.enum(['mean', 'zero']).default('mean'),
  })
  .refine(({ start, tolerance }) => start === 'mean' || tolerance === 0, {
    message: 'start zero with tolerance 0 only: a median that is run to does not depend on it',
  });

type Options = z.output<typeof optionsSchema>;

interface Found {
  readonly values: Float32Array;
  /** By row, of sum 1. */
  readonly weights: Float64Array;
  readonly settled: boolean;
}

function geometricMedian(options: Options): AggregationRule {
  const { nu, tolerance, maxIterations, start } = options;
  const stopped = tolerance === 0;
  return {
    name: 'geometric-median',
    variant: `smoothed Weiszfeld, nu ${nu}, ${stopped ? `${maxIterations} steps from ${start}` : `to a relative change of ${tolerance}`}`,
    minimumCohort: honestMajority,
    assumes: {
      robustness: stopped || nu > FINE.nu || tolerance > FINE.tolerance ? null : robustness,
      largestSpread: null,
      cost: stopped ? `${2 * maxIterations} n d` : 'n^2 d',
      sensitivityL2: () => null,
      draws: false,
      reference: 'none',
    },
    async aggregate({ cohort, f }) {
      const tooSmall = requireCohort(cohort, honestMajority(f));
      if (tooSmall) return tooSmall;
      const { values, weights, settled } = stopped
        ? await steps(cohort, options)
        : await settledMedian(cohort, f, options);
      return {
        kind: 'aggregate',
        values,
        selected: null,
        scores: null,
        shares: weights,
        m: null,
        neighbours: null,
        warnings: settled ? [] : [`the geometric median had not settled after ${maxIterations} steps`],
      };
    },
  };
}

/**
 * Of S, n - f rows of mean s: the others are at least |x_i - s| - |v - s| away from the median v, those of S at least
 * |v - s| - |x_i - s|, and v has the lesser sum of distances: (n - 2f) |v - s| <= 2 sum over S of |x_i - s|.
 */
const robustness: Assumptions['robustness'] = {
  kappa: (n, f) => 4 * (1 + f / (n - 2 * f)) ** 2,
  source:
    'Allouah et al. 2023 (arXiv 2302.01772), of the exact median; nu adds at most n nu / (2n - 4f) to the distance',
};

async function settledMedian(cohort: Cohort, f: number, options: Options): Promise<Found> {
  const distances = await cohort.exactSquaredDistances();
  const mixture = drawIn(distances, f);
  if (mixture === null) return medianOf(cohort, geometricMedianWeights(distances, options));
  const near = cohort.mixed(mixture);
  const found = await medianOf(near, geometricMedianWeights(await near.exactSquaredDistances(), options));
  return { ...found, weights: weightsBefore(mixture, found.weights) };
}

const medianOf = async (cohort: Cohort, settled: Omit<Found, 'values'>): Promise<Found> => ({
  ...settled,
  values: await cohort.combine({ weights: settled.weights, divisor: 1 }),
});

async function steps(cohort: Cohort, { nu, maxIterations, start }: Options): Promise<Found> {
  let weights: Float64Array = new Float64Array(cohort.n).fill(1 / cohort.n);
  let values = start === 'zero' ? undefined : await cohort.combine({ weights, divisor: 1 });
  for (let step = 0; step < maxIterations; step++) {
    weights = weiszfeldWeights(await cohort.squaredDistancesTo(values), nu);
    values = await cohort.combine({ weights, divisor: 1 });
  }
  return { values: values ?? new Float32Array(cohort.d), weights, settled: true };
}

export const geometricMedianDeclared = declare({
  name: 'geometric-median',
  options: optionsSchema,
  make: geometricMedian,
});
