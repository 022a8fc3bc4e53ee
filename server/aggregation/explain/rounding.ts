// Sums of the figures that an explanation is made of, and how far those can be off.

import type { Distances } from '../cohort.ts';

/** In the order of the figures. */
export const sumOf = (figures: Float64Array): number => figures.reduce((sum, figure) => sum + figure, 0);

/** Of a float64 sum of up to 2^26 squares, in any order: each term sees at most 2^26 roundings of 2^-53. */
const SUM_ERROR = 2 ** -27;

/** The largest share by which squared distances, to each other or to a point, can differ from the true ones. */
export const errorOf = ({ relativeError }: Distances): number => (relativeError === 0 ? SUM_ERROR : relativeError);
