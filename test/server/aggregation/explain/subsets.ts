// By enumeration, what the certificate finds without.

export type Rows = readonly (readonly number[])[];

/** Every choice of `size` of 0 .. n - 1, ascending. */
export function* subsets(n: number, size: number, from = 0): Generator<readonly number[]> {
  if (size === 0) yield [];
  else
    for (let first = from; first <= n - size; first++)
      for (const rest of subsets(n, size - 1, first + 1)) yield [first, ...rest];
}

/** L2 distance of `point` to the mean of those rows. */
export function distanceToMean(rows: Rows, chosen: readonly number[], point: Iterable<number>): number {
  const squares = [...point].map((value, k) => {
    const mean = chosen.reduce((sum, row) => sum + (rows[row]?.[k] ?? NaN), 0) / chosen.length;
    return (value - mean) ** 2;
  });
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
}

/** The largest distance of `point` to the mean of any n - f rows. */
export function reachOf(rows: Rows, point: Iterable<number>, f: number): number {
  let reach = 0;
  for (const kept of subsets(rows.length, rows.length - f)) reach = Math.max(reach, distanceToMean(rows, kept, point));
  return reach;
}
