// "A little is enough" (Baruch, Baruch and Goldberg 2019, arXiv 1902.06156, algorithm 3): all honest updates in, the one
// vector out that the liars send. It lies so few standard deviations from the mean that, in each coordinate, enough
// honest values lie farther out for the liars to look like part of a majority.

import { InvariantError } from '../shared/invariant-error.ts';
import { normalQuantile } from './normal-quantile.ts';

/** mean - z x standard deviation (n - 1 in its denominator) per coordinate. `liars` as for `alieZ`. */
export function alieUpdate(honest: readonly Float32Array[], liars: number): Float32Array {
  const z = alieZ(honest.length + liars, liars);
  return Float32Array.from(honest[0] ?? [], (_, i) => {
    const values = honest.map((update) => update[i] ?? NaN);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return mean - z * Math.sqrt(squares / (values.length - 1));
  });
}

/**
 * The N(0, 1) quantile at (n - m - s) / (n - m) for n clients of whom m lie, where s = floor(n / 2 + 1) - m is how many
 * honest clients the liars lack for a majority. Below 0 where m is 1.
 * @throws InvariantError unless the liars are a minority among 3 clients or more.
 */
export function alieZ(clients: number, liars: number): number {
  const honest = clients - liars;
  const lacking = Math.floor(clients / 2 + 1) - liars;
  if (!(clients >= 3 && lacking > 0)) {
    throw new InvariantError(`expected a minority of liars among 3 clients or more, found ${liars} of ${clients}`);
  }
  return normalQuantile((honest - lacking) / honest);
}
