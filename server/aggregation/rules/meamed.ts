// MeaMed, the mean around the median (Xie et al. 2018, arXiv 1802.10116, definition 9): of every coordinate the mean of
// the n - f values nearest its median. Where two values are equally far from it, the smaller one is taken.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { byCoordinate } from './by-coordinate.ts';

const meamed = byCoordinate({
  name: 'meamed',
  variant: 'by coordinate, mean of the n-f nearest the median, ties to the smaller',
  assumes: { robustness: null, largestSpread: null, sensitivityL2: (n, f) => (f === 0 ? 2 / n : null) },
  windowOf: ({ n }, f) => ({ kind: 'around-median', keep: n - f }),
});

export const meamedDeclared = declare({ name: 'meamed', options: z.strictObject({}), make: () => meamed });
