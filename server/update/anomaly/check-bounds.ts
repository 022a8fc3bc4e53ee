// Whether a federation's own bound on single values leaves room for the noise that it asks for: where it does not, every
// honest update would be refused, which is better said before the first round.

import { noiseStdDevPerParameter } from '../../../shared/accounting/noise-scale.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import { MAX_ABSOLUTE } from './anomaly-bounds.ts';
import type { AnomalyBoundsOptions } from './anomaly-bounds.ts';
import { tailExponent } from './noise-witness.ts';

/**
 * Refuses bad-config. The largest of d x checks normals passes s sqrt(2 (x + ln 2d)) with probability e^-x / checks at
 * most (union bound over the Gaussian tail P(|z| > t) <= 2 e^(-t^2 / 2)).
 */
export function checkBounds(options: AnomalyBoundsOptions): Refused | undefined {
  const stdDev = noiseStdDevPerParameter(options.training, options.privacy, options.rates);
  const least = stdDev * Math.sqrt(2 * (tailExponent(options) + Math.log(2 * options.parameters)));
  const { maxAbsolute = MAX_ABSOLUTE } = options;
  if (maxAbsolute >= least) return undefined;
  return refuse('bad-config', {
    message: 'the declared privacy noise alone passes the bound on single values',
    expected: `bounds.maxAbsoluteValue of at least ${least.toPrecision(3)}`,
    found: `${maxAbsolute}`,
    hint: 'raise the bound, or lower the noise: a larger epsilon, fewer rounds, a smaller learning rate',
  });
}
