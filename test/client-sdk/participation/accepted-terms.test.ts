import { expect, it } from 'vitest';
import { acceptedTermsOf, changedTerms } from '../../../client-sdk/participation/accepted-terms.ts';
import type { FederationTerms } from '../../../shared/protocol/terms.ts';
import { fakeTerms } from '../../support/fake-coordinator.ts';

const complaintAbout = (before: Partial<FederationTerms>, after: Partial<FederationTerms>): string | undefined => {
  const [accepted, now] = [before, after].map((changes) => acceptedTermsOf({ ...fakeTerms, ...changes }));
  if (!accepted || !now) throw new Error('expected two');
  const refused = changedTerms(accepted, now)?.refusal;
  return refused && `${refused.code}: ${refused.expected} / ${refused.found}`;
};
const { training } = fakeTerms;

it('names the first figure that changed, as it was and as it is, whether it came, went or is another', () => {
  const momentum = { ...training, optimiser: { name: 'momentum', beta: 0.9 } } as const;
  expect(complaintAbout({}, { training: { ...training, clippingNormL2: 2 } })).toBe(
    'wrong-terms: training.clippingNormL2 1 / 2',
  );
  expect(complaintAbout({}, { training: momentum })).toBe(
    'wrong-terms: training.optimiser (not given) / {"name":"momentum","beta":0.9}',
  );
  expect(complaintAbout({ training: momentum }, {})).toContain('/ (not given)');
});

it('minds neither the order of the figures nor what may be amended', () => {
  const { clippingNormL2, ...others } = training;
  expect(complaintAbout({}, { training: { clippingNormL2, ...others }, rounds: 99 })).toBeUndefined();
  if (fakeTerms.privacy.mode !== 'local') throw new Error('expected local privacy');
  expect(complaintAbout({}, { privacy: { ...fakeTerms.privacy, epsilonBudget: 51 } })).toBeUndefined();
});
