// Centered clipping (Karimireddy et al. 2021, arXiv 2012.10333, section 4): from the last aggregate v, or zero where there
// is none yet, L times v <- v + mean of (x_i - v) min(1, tau / |x_i - v|). v is kept as coefficients over the rows and the
// start, and rounded to float32 once in each step, to measure distances from; they are float64 sums of differences.
// The steps need no f: it is only refused where the honest would be no majority. tau is absolute, in the updates' unit.

import { z } from 'zod';
import type { Cohort, Combination } from '../cohort.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { AggregationRule } from '../rule.ts';
import { honestMajority } from './by-coordinate.ts';

const optionsSchema = z.strictObject({
  tau: z.number().positive().default(10),
  iterations: z.int().min(1).max(1000).default(3),
});

type Options = z.output<typeof optionsSchema>;

function centeredClipping({ tau, iterations }: Options): AggregationRule {
  return {
    name: 'centered-clipping',
    variant: `tau ${tau}, ${iterations} steps from the last aggregate`,
    minimumCohort: honestMajority,
    assumes: {
      robustness: null,
      largestSpread: null,
      cost: `${2 * iterations} n d`,
      // x -> v + clip(x - v) does not expand distances, neither of x nor of v: one step adds 2C / n at most.
      sensitivityL2: (n) => (iterations < n ? (2 * iterations) / n : null),
      draws: false,
      reference: 'last-aggregate',
    },
    async aggregate({ cohort, f, reference }) {
      const tooSmall = requireCohort(cohort, honestMajority(f));
      if (tooSmall) return tooSmall;
      const { values, weights } = await clipped(cohort, { tau, iterations, start: reference });
      return {
        kind: 'aggregate',
        values,
        selected: null,
        scores: null,
        shares: weights,
        m: null,
        neighbours: null,
        warnings: [],
      };
    },
  };
}

interface Steps extends Options {
  readonly start: Float32Array | null;
}

/** v after all steps, and the weight of each row in it; what they lack of 1 is the weight of the start. */
async function clipped(cohort: Cohort, { tau, iterations, start }: Steps) {
  let values = start;
  let weights: Float64Array = new Float64Array(cohort.n);
  for (let step = 0; step < iterations; step++) {
    const squared = await cohort.squaredDistancesTo(values ?? undefined);
    weights = nextWeights(weights, squared, tau);
    values = await cohort.combine(aroundStart(weights, start));
  }
  return { values: values ?? new Float32Array(cohort.d), weights };
}

function nextWeights(weights: Float64Array, squaredDistances: Float64Array, tau: number): Float64Array {
  const n = weights.length;
  const factors = squaredDistances.map((squared) => Math.min(1, tau / Math.sqrt(squared)));
  const left = 1 - sum(factors) / n;
  return weights.map((weight, i) => weight * left + (factors[i] ?? NaN) / n);
}

function aroundStart(weights: Float64Array, start: Float32Array | null): Combination {
  if (start === null) return { weights, divisor: 1 };
  return { weights, divisor: 1, plus: { point: start, weight: 1 - sum(weights) } };
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

export const centeredClippingDeclared = declare({
  name: 'centered-clipping',
  options: optionsSchema,
  make: centeredClipping,
});
