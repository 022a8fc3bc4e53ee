// Central privacy of the small federation: updates clipped to norm 2, four planned clients.

import type { CentralPrivacyTerms } from '../../shared/protocol/terms.ts';

export const centralTerms: CentralPrivacyTerms = {
  mode: 'central',
  clippingNormL2: 2,
  plannedClients: 4,
  noiseMultiplier: 1.5,
  epsilonBudget: 20,
  delta: 1e-5,
  samplingRate: 1,
  adjacency: 'add-remove',
  unit: 'client',
  adaptiveClipping: null,
};
