// Who has the lowest figures: the choice of every rule that scores updates and takes the best.

import { relativeGap } from '../decide.ts';

export interface Lowest {
  /** Ascending. */
  readonly rows: readonly number[];
  /** Relative gap between the last figure taken and the first one left; Infinity where none is left. */
  readonly gap: number;
}

/** The `count` lowest of the figures, none of them negative; equal ones go to the lower row. */
export function lowest(figures: Float64Array, count: number): Lowest {
  // The sort is stable: equal figures stay in the order of rows.
  const order = Array.from(figures.keys()).sort((a, b) => (figures[a] ?? NaN) - (figures[b] ?? NaN));
  const [last, next] = [order[count - 1], order[count]];
  const gap =
    last === undefined || next === undefined ? Infinity : relativeGap(figures[last] ?? NaN, figures[next] ?? NaN);
  return { rows: order.slice(0, count).sort((a, b) => a - b), gap };
}
