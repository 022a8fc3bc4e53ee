// MeanShift with a flat kernel (Comaniciu & Meer 2002, IEEE TPAMI 24(5)), as scikit-learn defines it with its defaults
// (sklearn.cluster.MeanShift and estimate_bandwidth): every point climbs to a mode, modes within one bandwidth of one that
// more points lie under give way to it, every point goes to the nearest mode that is left.
// Points are whole numbers, so that their sums are exact and no order of the points can change a cluster.

export type Point = readonly number[];

interface Mode {
  readonly centre: Point;
  /** Points within the bandwidth of where the climb ended. */
  readonly support: number;
}

const QUANTILE = 0.5;
const MOST_STEPS = 300;
/** Of the bandwidth: a shorter step ends the climb. */
const CONVERGED = 1e-3;
/** Distances that equal the bandwidth up to rounding lie within it. */
const ROUNDING = 1 + 1e-12;

/** One label per point: which mode it belongs to. Points that are all equal are one cluster. O(n^2) for each step. */
export function meanShift(points: readonly Point[]): readonly number[] {
  const bandwidth = estimateBandwidth(points);
  const modes = points.flatMap((point) => climb(point, points, bandwidth));
  const centres: Point[] = [];
  for (const { centre } of modes.sort(bySupport))
    if (!centres.some((other) => isWithin(other, centre, bandwidth))) centres.push(centre);
  return points.map((point) => nearest(point, centres));
}

/** Mean distance of a point to its floor(n / 2)-th nearest, itself counted. */
function estimateBandwidth(points: readonly Point[]): number {
  const neighbours = Math.max(1, Math.floor(points.length * QUANTILE));
  const reaches = points.map(
    (point) => Float64Array.from(points, (other) => distance(point, other)).sort()[neighbours - 1] ?? NaN,
  );
  // In ascending order: the sum may not depend on that of the points.
  return (
    Float64Array.from(reaches)
      .sort()
      .reduce((sum, reach) => sum + reach, 0) / points.length
  );
}

/** No mode where a step leads to a place without points. */
function climb(start: Point, points: readonly Point[], bandwidth: number): readonly Mode[] {
  let centre = start;
  for (let step = 0; ; step++) {
    const within = points.filter((point) => isWithin(point, centre, bandwidth));
    if (within.length === 0) return [];
    const next = mean(within);
    const moved = distance(next, centre);
    centre = next;
    if (moved <= CONVERGED * bandwidth || step === MOST_STEPS) return [{ centre, support: within.length }];
  }
}

/** Most support first; of equal support the centre that is larger in the first figure that differs. */
function bySupport(a: Mode, b: Mode): number {
  if (a.support !== b.support) return b.support - a.support;
  const differs = a.centre.findIndex((figure, k) => figure !== b.centre[k]);
  return (b.centre[differs] ?? 0) - (a.centre[differs] ?? 0);
}

function nearest(point: Point, centres: readonly Point[]): number {
  const distances = centres.map((centre) => distance(point, centre));
  return distances.indexOf(Math.min(...distances));
}

const isWithin = (a: Point, b: Point, bandwidth: number): boolean => distance(a, b) <= bandwidth * ROUNDING;

const mean = (points: readonly Point[]): Point =>
  (points[0] ?? []).map((_, k) => points.reduce((sum, point) => sum + (point[k] ?? NaN), 0) / points.length);

const distance = (a: Point, b: Point): number =>
  Math.sqrt(a.reduce((sum, figure, k) => sum + (figure - (b[k] ?? NaN)) * (figure - (b[k] ?? NaN)), 0));
