// The rules by name, as a federation file or a command line names them. A rule is chosen once, before the first round;
// there is no fall-back from one to another.

import { InvariantError } from '../../shared/invariant-error.ts';
import { krum } from './krum.ts';
import { mean } from './mean.ts';
import { multiKrum } from './multi-krum.ts';
import type { AggregationRule } from './rule.ts';

export const ruleNames = ['mean', 'krum', 'multi-krum'] as const;
export type RuleName = (typeof ruleNames)[number];

export const isRuleName = (text: string): text is RuleName => ruleNames.some((name) => name === text);

export interface RuleChoice {
  readonly name: RuleName;
  /** How many updates multi-Krum averages, n - f - 2 by default. No other rule takes it. */
  readonly m?: number | undefined;
}

/** @throws InvariantError when m does not fit the rule. */
export function ruleOf({ name, m }: RuleChoice): AggregationRule {
  if (m !== undefined && name !== 'multi-krum') throw new InvariantError(`only multi-krum takes m, found ${name}`);
  switch (name) {
    case 'mean':
      return mean;
    case 'krum':
      return krum;
    case 'multi-krum':
      return multiKrum(m);
  }
}
