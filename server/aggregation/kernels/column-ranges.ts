// How the columns of a cohort are cut into shards: a function of d alone, so that sums which are added shard by shard
// have the same bits whatever the number of threads, the place of the rows and the job.

export interface ColumnRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Enough for 8 threads to end nearly together, few enough that each is long beside the cost of handing it out. */
const RANGES = 16;
/** Whole SIMD lanes and whole pages of a file. */
const MULTIPLE = 1024;

/** Ascending and without gaps: about 16, at least one, each but the last a multiple of 1,024 columns. */
export function columnRanges(d: number): readonly ColumnRange[] {
  const width = Math.max(1, Math.ceil(d / RANGES / MULTIPLE)) * MULTIPLE;
  return Array.from({ length: Math.max(1, Math.ceil(d / width)) }, (_, i) => ({
    from: i * width,
    to: Math.min(d, (i + 1) * width),
  }));
}
