// Full participation: the exact delta of T Gaussian releases over all examples, and from it the exact epsilon.
// Releases of noise multipliers s_i compose to one of 1 / s^2 = sum of 1 / s_i^2, for which
//   delta(epsilon) = Phi(1 / (2 s) - epsilon s) - e^epsilon Phi(-1 / (2 s) - epsilon s)
// (Balle and Wang, arXiv 1805.06530, theorem 8; the same for adding and removing an example). No other accountant can be
// below it. A sampling rate below 1 is refused: with the coins left out the figure would be that of another mechanism.

import { InvariantError } from '../invariant-error.ts';
import { type Accountant, requireDelta, requireEpsilon } from './accountant.ts';
import { composeEvents } from './compose-events.ts';
import type { PrivacyEvent } from './privacy-event.ts';
import { erfc, scaledErfc } from './special/log-erfc.ts';

const EXACT_ACCOUNTANT = 'exact-gaussian/1';

export const exactAccountant: Accountant = {
  name: 'exact',
  version: EXACT_ACCOUNTANT,
  complaint: complaintAbout,
  epsilon(events, delta) {
    requireDelta(delta);
    return { epsilon: gaussianEpsilon(noiseOf(events), delta), ...GROUNDS };
  },
  delta(events, epsilon) {
    requireEpsilon(epsilon);
    return { delta: gaussianDelta(noiseOf(events), epsilon), ...GROUNDS };
  },
};

const GROUNDS = { order: null, errorBound: null, warnings: [] };

function complaintAbout(events: readonly PrivacyEvent[]): string | undefined {
  const sampled = composeEvents(events).find(({ samplingRate }) => samplingRate < 1);
  return (
    sampled && `exact only where every example takes part in every step, found sampling rate ${sampled.samplingRate}`
  );
}

/** Of the one release that all together are; Infinity for none. */
function noiseOf(events: readonly PrivacyEvent[]): number {
  const complaint = complaintAbout(events);
  if (complaint !== undefined) throw new InvariantError(complaint);
  const precision = composeEvents(events).reduce((sum, { noiseMultiplier, steps }) => {
    return sum + steps / noiseMultiplier ** 2;
  }, 0);
  return 1 / Math.sqrt(precision);
}

/**
 * With a and b for the two arguments over sqrt(2): e^epsilon e^(-b^2) = e^(-a^2), which keeps large epsilons from
 * overflowing. The two terms agree in log10(noise multiplier) digits, which are lost.
 */
export function gaussianDelta(noiseMultiplier: number, epsilon: number): number {
  if (noiseMultiplier === Infinity) return 0;
  if (noiseMultiplier === 0) return 1;
  const a = (1 / (2 * noiseMultiplier) - epsilon * noiseMultiplier) / Math.SQRT2;
  const minusB = (1 / (2 * noiseMultiplier) + epsilon * noiseMultiplier) / Math.SQRT2;
  return Math.max(0, (erfc(-a) - Math.exp(-a * a) * scaledErfc(minusB)) / 2);
}

/** The least epsilon of that delta, to a relative 1e-14 and from above. */
export function gaussianEpsilon(noiseMultiplier: number, delta: number): number {
  if (gaussianDelta(noiseMultiplier, 0) <= delta) return 0;
  if (noiseMultiplier === 0) return Infinity;
  let [tooLittle, enough] = [0, 1];
  while (gaussianDelta(noiseMultiplier, enough) > delta) [tooLittle, enough] = [enough, 2 * enough];
  for (;;) {
    const between = (tooLittle + enough) / 2;
    if (between <= tooLittle || between >= enough || enough - tooLittle <= 1e-14 * enough) return enough;
    if (gaussianDelta(noiseMultiplier, between) <= delta) enough = between;
    else tooLittle = between;
  }
}
