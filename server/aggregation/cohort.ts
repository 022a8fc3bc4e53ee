// Port: the updates of a round as a rule sees them, n rows of d finite float32 values in the order of client ids. A rule
// asks for figures over the rows and never touches them, so that they may lie in memory or on disk, and the work on any
// number of threads. Every answer is a function of the values and their order alone, to the last bit.
// kernels/kernel-cohort.ts keeps this port for the coordinator, test/support/plain-cohort.ts in plain loops for tests.

export interface Cohort {
  /** Rows. */
  readonly n: number;
  /** Values of each row. */
  readonly d: number;
  /** Squared L2 distance of every pair, from the differences themselves; see `Distances.relativeError`. */
  squaredDistances(): Promise<Distances>;
  /** The same in float64 throughout: for decisions that `squaredDistances` leaves too close. */
  exactSquaredDistances(): Promise<Distances>;
  /** Squared L2 distance of each row to `point` (d values), float64; without a point the squared norms, computed once. */
  squaredDistancesTo(point?: Float32Array): Promise<Float64Array>;
  /** d values, summed in float64 in the order of the rows and rounded to float32 once. */
  combine(combination: Combination): Promise<Float32Array>;
  /** d values, each from the n values of its coordinate. */
  coordinateWise(window: CoordinateWindow): Promise<CoordinateWise>;
  /** The values of every row at those coordinates. */
  gather(coordinates: Uint32Array): Promise<readonly Float32Array[]>;
  /** Those rows alone, ascending. */
  only(rows: readonly number[]): Cohort;
  /**
   * Linear images of the rows, computed in float64 and rounded to float32 once, however many mixtures are stacked.
   * `combine` never rounds images: with weights w it combines the rows themselves, each x_j weighing the sum over r of
   * w_r coefficients[r][j] / divisors[r].
   */
  mixed(mixture: Mixture): Cohort;
}

/** Symmetric to the last bit, 0 on the diagonal. */
export interface Distances {
  readonly n: number;
  /** n x n, row by row. */
  readonly squared: Float64Array;
  /** Bound on the relative error of each entry; 0 where it is that of float64 sums alone. */
  readonly relativeError: number;
}

/** (sum of weights[j] x_j + plus.weight plus.point) / divisor. A weight of 0 leaves its row out. */
export interface Combination {
  /** n of them. */
  readonly weights: Float64Array;
  readonly divisor: number;
  readonly plus?: { readonly point: Float32Array; readonly weight: number };
}

/** Row r of the image is the sum of coefficients[r][j] x_j over divisors[r]. */
export interface Mixture {
  /** One array of n for each row of the image. */
  readonly coefficients: readonly Float64Array[];
  readonly divisors: Float64Array;
}

/**
 * Which of the n values of a coordinate, in ascending order, are averaged. `median`: the middle one or the two middle
 * ones. `trimmed`: all but the `trim` least and the `trim` largest. `around-median`: the `keep` nearest to the median, which
 * lie in a row; where the next below and the next above are equally far, the one below.
 */
export type CoordinateWindow =
  | { readonly kind: 'median' }
  | { readonly kind: 'trimmed'; readonly trim: number }
  | { readonly kind: 'around-median'; readonly keep: number };

export interface CoordinateWise {
  /** The mean over each window: float64 sums in ascending order, rounded to float32 once. */
  readonly values: Float32Array;
  /** By row: the share of the d coordinates at which its value lies within the window's ends. */
  readonly shares: Float64Array;
}
