// The trimmed mean of every coordinate (Yin et al. 2018, arXiv 1803.01498, definition 2): without its f least and its f
// largest values. With f = 0 nothing is trimmed and it is the mean.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { byCoordinate, trimmedKappa, trimmedSensitivityL2 } from './by-coordinate.ts';

const trimmedMean = byCoordinate({
  name: 'trimmed-mean',
  variant: 'by coordinate, without the f least and the f largest',
  assumes: {
    robustness: {
      kappa: (n, f) => trimmedKappa(n, f, f),
      source: 'derived in by-coordinate.ts; below 6r(1+r), r = f/(n-2f), of Allouah et al. 2023 (arXiv 2302.01772)',
    },
    largestSpread: null,
    sensitivityL2: trimmedSensitivityL2,
  },
  windowOf: (_cohort, f) => ({ kind: 'trimmed', trim: f }),
});

export const trimmedMeanDeclared = declare({
  name: 'trimmed-mean',
  options: z.strictObject({}),
  make: () => trimmedMean,
});
