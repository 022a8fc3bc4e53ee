// Bucketing (Karimireddy et al. 2022, arXiv 2006.09365, algorithm 1): the updates in a random order, the mean of every
// `size` of them in turn; what is left over is a bucket of its own. f stays what it is, as each liar may spoil a bucket:
// what comes after has to carry f among the ceil(n / size) buckets.

import { z } from 'zod';
import { seededRandomSource, shuffled } from '../../../shared/random-source.ts';
import { declare } from '../../../shared/declare.ts';
import { meansOver } from './mixture.ts';
import { seedMissing } from '../require-cohort.ts';
import type { PreAggregator } from './pre-aggregator.ts';

const bucketing = ({ size }: { readonly size: number }): PreAggregator => ({
  name: 'bucketing',
  variant: `means of ${size} in a seeded order`,
  draws: true,
  rowsAfter: (n) => Math.ceil(n / size),
  minimumCohort: () => 1,
  async prepare({ cohort: { n }, seed }) {
    if (seed === null) return seedMissing('bucketing');
    const order = shuffled(seededRandomSource(0, 'bucketing', seed), [...Array(n).keys()]);
    const buckets = inTurn(order, size);
    const home = order.map((_, row) => buckets.findIndex((bucket) => bucket.includes(row)));
    return { kind: 'prepared', mixture: meansOver(buckets, n), home };
  },
});

const inTurn = (order: readonly number[], size: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(order.length / size) }, (_, bucket) =>
    order.slice(bucket * size, (bucket + 1) * size),
  );

export const bucketingDeclared = declare({
  name: 'bucketing',
  options: z.strictObject({ size: z.int().min(1).default(2) }),
  make: bucketing,
});
