import { describe, expect, it } from 'vitest';
import { pricedNoise } from '../../../cli/privacy/price.ts';
import { composeEvents } from '../../../shared/accounting/compose-events.ts';
import { rdpAccountant } from '../../../shared/accounting/rdp-accountant.ts';

describe('noise for people', () => {
  it('keeps within the budget though the accountant be so rough that more noise can cost more', () => {
    const rough = {
      ...rdpAccountant,
      epsilon: (...[events, delta]: Parameters<typeof rdpAccountant.epsilon>) => {
        const noiseMultiplier = composeEvents(events)[0]?.noiseMultiplier ?? NaN;
        const isPrinted = Number(noiseMultiplier.toFixed(4)) === noiseMultiplier;
        const surcharge = isPrinted && Math.round(noiseMultiplier * 1e4) % 3 !== 0 ? 0.01 : 0;
        const bound = rdpAccountant.epsilon(events, delta);
        return { ...bound, epsilon: bound.epsilon + surcharge };
      },
    };
    for (const epsilon of [1, 2, 3]) {
      const target = { samplingRate: 0.01, steps: 100, epsilon, delta: 1e-5 };
      const { noiseMultiplier, bound } = pricedNoise(target, rough);
      expect(bound.epsilon).toBeLessThanOrEqual(epsilon);
      expect(bound).toEqual(rough.epsilon([{ ...target, noiseMultiplier }], 1e-5));
    }
  });
});
