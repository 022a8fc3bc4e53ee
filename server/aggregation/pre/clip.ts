// Clipping: x min(1, norm / |x|) in L2. Updates no longer than the norm, zero among them, stay as they are. A clipped one
// is rounded to float32 after the product, so that its norm may pass the bound by one part in 10^7, never by more.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { scaledRows } from './mixture.ts';
import type { PreAggregator, Prepared } from './pre-aggregator.ts';

/** Each row by itself. `norms`: one per row; `limit` in the same unit. */
export function clippedTo(norms: Float64Array, limit: number): Prepared {
  const factors = norms.map((norm) => (norm > limit ? limit / norm : 1));
  return { kind: 'prepared', mixture: scaledRows(factors), home: [...factors.keys()] };
}

const clip = ({ norm }: { readonly norm: number }): PreAggregator => ({
  name: 'clip',
  variant: `to L2 norm ${norm}`,
  draws: false,
  rowsAfter: (n) => n,
  minimumCohort: () => 1,
  async prepare({ cohort }) {
    const squared = await cohort.squaredDistancesTo();
    return clippedTo(squared.map(Math.sqrt), norm);
  },
});

export const clipDeclared = declare({
  name: 'clip',
  options: z.strictObject({ norm: z.number().positive() }),
  make: clip,
});
