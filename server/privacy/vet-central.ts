// A federation under central privacy -> what in its configuration the proof does not cover, if anything. The noise is
// scaled to how far one update can move the sum: known for the clipped sum and for one step of centered clipping around
// the last released aggregate, each S before the denominator. Of every other rule it is not, nor where one client's values
// decide whether another's update is taken, shown or refused.

import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { CentralPrivacyTerms } from '../../shared/protocol/terms.ts';
import type { AggregationRule } from '../aggregation/rule.ts';
import { adaptiveComplaint } from './adaptive-clipping.ts';

export interface CentralWish {
  readonly privacy: CentralPrivacyTerms;
  readonly rule: Pick<AggregationRule, 'name' | 'pre'>;
  /** The rule's own, as the configuration has them. */
  readonly ruleOptions: Readonly<Record<string, unknown>>;
  /** Updates without which a round is abandoned. */
  readonly quorum: number;
  readonly anomaly: { readonly rules: readonly unknown[]; readonly banSuspects: boolean };
  /** Whether the bounds on single updates are those that nobody has chosen. */
  readonly areBoundsDefault: boolean;
}

/** Refuses bad-config. */
export const centralComplaint = (wish: CentralWish): Refused | undefined =>
  ruleComplaint(wish) ?? screeningComplaint(wish) ?? adaptiveComplaint(wish.privacy, wish.quorum);

function ruleComplaint({ rule, ruleOptions, privacy }: CentralWish): Refused | undefined {
  const { name, pre = [] } = rule;
  const { clippingNormL2, adaptiveClipping } = privacy;
  const refused = (found: string, hint: string): Refused =>
    refuse('bad-config', {
      message: 'central privacy has no proof behind this rule',
      expected: 'mean, or centered-clipping of one iteration with tau = privacy.clippingNormL2, with nothing in front',
      found,
      hint,
    });
  if (pre.length > 0) {
    const stages = pre.map((stage) => stage.name).join(', ');
    return refused(`${stages} in front of ${name}`, 'take rule.pre out: every update is clipped already');
  }
  if (name === 'mean') return undefined;
  if (name !== 'centered-clipping') {
    return refused(name, `nothing bounds how far one update moves ${name} by S / n, which is what the noise covers`);
  }
  const { tau, iterations } = ruleOptions;
  if (tau !== clippingNormL2 || iterations !== 1) {
    const hint = `options: { tau: ${clippingNormL2}, iterations: 1 }: a second step looks at the updates once more`;
    return refused(`centered-clipping with options ${JSON.stringify({ tau, iterations })}`, hint);
  }
  if (adaptiveClipping === null) return undefined;
  return refused('centered-clipping with adaptive clipping', 'tau is fixed: leave privacy.adaptiveClipping out');
}

/** Whatever compares updates, or tells what one is like, is a release of its own without noise. */
function screeningComplaint({ anomaly, areBoundsDefault }: CentralWish): Refused | undefined {
  const because = 'who is flagged, left out or banned for its values would tell what they were';
  if (anomaly.rules.length > 0) {
    return refuse('bad-config', { expected: 'no anomaly.rules under central privacy', found: 'some', hint: because });
  }
  if (anomaly.banSuspects) {
    return refuse('bad-config', { expected: 'banSuspects: false under central privacy', found: 'true', hint: because });
  }
  if (areBoundsDefault) return undefined;
  return refuse('bad-config', {
    expected: 'no bounds under central privacy',
    found: 'bounds of the file’s own',
    hint: 'every update is clipped to privacy.clippingNormL2 instead, and a refusal for its size would tell that size',
  });
}
