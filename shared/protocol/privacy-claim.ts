// What the terms make every update of a round claim and cost: the claim that its envelope carries, the event that both
// privacy ledgers are charged with.

import type { SampledGaussianEvent } from '../accounting/privacy-event.ts';
import type { PrivacyClaim } from './envelope.ts';
import type { FederationTerms } from './terms.ts';

type PrivateTraining = Pick<FederationTerms, 'training' | 'privacy'>;

export function privacyClaimOf({ training, privacy }: PrivateTraining): PrivacyClaim | null {
  if (privacy.mode === 'none') return null;
  const { samplingRate, clippingNormL2, stepsPerRound: steps } = training;
  return { noiseMultiplier: privacy.noiseMultiplier, samplingRate, clippingNormL2, steps };
}

export function privacyEventOf({ training, privacy }: PrivateTraining): SampledGaussianEvent | null {
  if (privacy.mode === 'none') return null;
  const { samplingRate, stepsPerRound: steps } = training;
  return { noiseMultiplier: privacy.noiseMultiplier, samplingRate, steps };
}
