// FLTrust (Cao et al., NDSS 2021, arXiv 2012.13995, section IV): the coordinator trains on a small root data set of its
// own, and its update g decides whom to trust. trust_i = ReLU(cos(x_i, g)); every update is scaled to the norm of g;
// the aggregate is their mean weighted by trust. Any number of clients may lie, f is recorded and ignored; but the model
// is only as good as the root data. Where nobody is trusted the model is kept: an aggregate of zeros, with a warning.

import { z } from 'zod';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import { firstNonFinite, normL2 } from '../../../shared/vector/vector.ts';
import type { Cohort } from '../cohort.ts';
import { declare } from '../../../shared/declare.ts';
import { requireCohort } from '../require-cohort.ts';
import type { Aggregate, AggregationRule } from '../rule.ts';
import { cosinesTo } from './cosines-to.ts';

const fltrust: AggregationRule = {
  name: 'fltrust',
  variant: 'trust ReLU(cosine to the root update), updates scaled to its norm',
  minimumCohort: () => 1,
  assumes: {
    robustness: null,
    largestSpread: null,
    cost: 'n d',
    sensitivityL2: () => null,
    draws: false,
    reference: 'root-update',
  },
  async aggregate({ cohort, reference }) {
    const tooSmall = requireCohort(cohort, 1);
    if (tooSmall) return tooSmall;
    if (reference === null) return withoutRoot();
    return unfitRoot(cohort, reference) ?? trustedMean(cohort, reference);
  },
};

async function trustedMean(cohort: Cohort, root: Float32Array): Promise<Aggregate> {
  const norm = normL2(root);
  const norms = (await cohort.squaredDistancesTo()).map(Math.sqrt);
  const cosines = norm === 0 ? new Float64Array(cohort.n) : await cosinesTo(cohort, root, norms);
  const trust = cosines.map((cosine) => Math.max(0, cosine));
  const total = trust.reduce((sum, one) => sum + one, 0);
  const weights = trust.map((one, row) => (one === 0 ? 0 : one * (norm / (norms[row] ?? NaN))));
  const selected = [...trust.keys()].filter((row) => trust[row] !== 0);
  return {
    kind: 'aggregate',
    values: total === 0 ? new Float32Array(cohort.d) : await cohort.combine({ weights, divisor: total }),
    selected,
    scores: cosines.map((cosine) => 1 - cosine),
    shares: total === 0 ? trust : trust.map((one) => one / total),
    m: selected.length,
    neighbours: null,
    warnings: total === 0 ? [nobodyTrusted(norm)] : [],
  };
}

const nobodyTrusted = (norm: number): string =>
  norm === 0
    ? 'the root update is zero and trusts nobody: the aggregate is zero and the model stays as it is'
    : 'no update points the way of the root update: the aggregate is zero and the model stays as it is';

const withoutRoot = (): Refused =>
  refuse('bad-option', {
    expected: 'a reference for fltrust',
    found: 'none',
    hint: "fltrust needs the coordinator's own root update as `reference`",
  });

function unfitRoot({ d }: Cohort, root: Float32Array): Refused | undefined {
  const odd = firstNonFinite(root);
  if (root.length !== d)
    return refuse('bad-shape', { expected: `a reference of ${d} values`, found: `${root.length}` });
  if (odd !== -1) return refuse('not-finite', { expected: 'a finite reference', found: `${root[odd]} at ${odd}` });
  return undefined;
}

export const fltrustDeclared = declare({ name: 'fltrust', options: z.strictObject({}), make: () => fltrust });
