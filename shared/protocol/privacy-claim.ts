// What the terms make every update of a round claim and cost: the claim that its envelope carries, the event that both
// privacy ledgers are charged with.

import type { SampledGaussianEvent } from '../accounting/privacy-event.ts';
import type { PrivacyClaim } from './envelope.ts';
import type { FederationTerms, PrivacyTerms } from './terms.ts';

type PrivateTraining = Pick<FederationTerms, 'training' | 'privacy'>;

export function privacyClaimOf({ training, privacy }: PrivateTraining): PrivacyClaim | null {
  if (privacy.mode === 'none') return null;
  if (privacy.mode === 'central') {
    const { noiseMultiplier, clippingNormL2, plannedClients } = privacy;
    return { noiseBy: 'coordinator', noiseMultiplier, clippingNormL2, plannedClients };
  }
  const { samplingRate, clippingNormL2, stepsPerRound: steps } = training;
  return { noiseMultiplier: privacy.noiseMultiplier, samplingRate, clippingNormL2, steps };
}

/** Whether the noise may be known, so that nothing is promised and no epsilon means anything. */
export const isVoid = (privacy: PrivacyTerms): boolean => privacy.mode === 'local' && privacy.void;

/** Of the terms' unit: one example under local privacy, one client under central. */
export function privacyEventOf({ training, privacy }: PrivateTraining): SampledGaussianEvent | null {
  if (privacy.mode === 'none') return null;
  if (privacy.mode === 'central') return centralEvent(privacy);
  const { samplingRate, stepsPerRound: steps } = training;
  return { noiseMultiplier: privacy.noiseMultiplier, samplingRate, steps };
}

/** One round's sum, with its noise: whatever part of the clients is drawn for it. */
export const centralEvent = ({ noiseMultiplier }: { readonly noiseMultiplier: number }): SampledGaussianEvent => ({
  noiseMultiplier,
  samplingRate: 1,
  steps: 1,
});
