// What the caller lays out in the linear memory for a call: addresses and lengths are in bytes. The caller writes these
// structures word by word (tile.ts, weighted-sums.ts, column-computations.ts): a field added here is to be added there.

/** Rows of float32 values, `stride` apart, of which the first `bytes` count: whole runs of distances.ts, or whole blocks. */
@unmanaged
export class Tile {
  address: usize;
  stride: usize;
  rows: i32;
  bytes: usize;
}

/** `Term`s follow, up to `end`. */
@unmanaged
export class WeightedSum {
  end: usize;
  divisor: f64;
}

/** Where a row begins, and its weight. */
@unmanaged
export class Term {
  row: usize;
  weight: f64;
}

/**
 * The values of a coordinate are sorted in `sorted` (64 bytes a row) by the comparators from `comparators` to `end`: two
 * offsets into `sorted` each, the lesser value goes to the first. In ascending order `keep` of them are averaged, from a
 * place between `lowest` and `highest` on. `ends` (128 bytes) takes the ends of windows; to `counts`, four 32-bit numbers a
 * row, is added how often a value of the row lies within them.
 */
@unmanaged
export class Windows {
  comparators: usize;
  end: usize;
  sorted: usize;
  lowest: i32;
  highest: i32;
  keep: i32;
  ends: usize;
  counts: usize;
}
