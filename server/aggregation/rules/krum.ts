// Krum (Blanchard et al. 2017, arXiv 1703.02757): the one update with the lowest score, unchanged. It forwards that
// client's whole privacy noise into the model, where multi-Krum averages it away; prefer multi-Krum under local DP.

import { z } from 'zod';
import { declare } from '../../../shared/declare.ts';
import { scoreOptions, variantOf } from './krum-scores.ts';
import { multiKrum } from './multi-krum.ts';

export const krumDeclared = declare({
  name: 'krum',
  options: z.strictObject(scoreOptions),
  make: (options) => ({ ...multiKrum({ ...options, m: 1 }), name: 'krum', variant: variantOf(options) }),
});
