// The median of every coordinate (Yin et al. 2018, arXiv 1803.01498, definition 1); of an even number of values the mean
// of the two in the middle. It is the trimmed mean that trims all but one or two values, and its bounds are that one's.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { byCoordinate, trimmedKappa, trimmedSensitivityL2 } from './by-coordinate.ts';

const trimOf = (n: number): number => Math.floor((n - 1) / 2);

const median = byCoordinate({
  name: 'median',
  variant: 'by coordinate, mean of the two middle values of an even number',
  assumes: {
    robustness: {
      kappa: (n, f) => trimmedKappa(n, f, trimOf(n)),
      source: 'derived in by-coordinate.ts; below 4 (1 + f/(n-2f))^2 of Allouah et al. 2023 (arXiv 2302.01772)',
    },
    largestSpread: {
      ratio: (n, f) => 1 / Math.sqrt(n - f),
      source: 'El Mhamdi et al. 2021 (arXiv 2003.00010), as upper_bound in LPD-EPFL/ByzantineMomentum',
    },
    sensitivityL2: (n) => trimmedSensitivityL2(n, trimOf(n)),
  },
  windowOf: () => ({ kind: 'median' }),
});

export const medianDeclared = declare({ name: 'median', options: z.strictObject({}), make: () => median });
