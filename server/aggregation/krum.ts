// Krum (Blanchard et al. 2017, arXiv 1703.02757): the one update with the lowest score, unchanged. It forwards that
// client's whole privacy noise into the model, where multi-Krum averages it away; prefer multi-Krum under local DP.

import { multiKrum } from './multi-krum.ts';
import type { AggregationRule } from './rule.ts';

export const krum: AggregationRule = { ...multiKrum(1), name: 'krum' };
