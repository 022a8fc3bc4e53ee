// The rules by name, as a federation file or a command line names them. A rule is chosen once, before the first round;
// there is no fall-back from one to another.

import { closest } from 'fastest-levenshtein';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { Declared } from '../../shared/declare.ts';
import type { AggregationRule } from './rule.ts';
import { bulyanDeclared } from './rules/bulyan.ts';
import { centeredClippingDeclared } from './rules/centered-clipping.ts';
import { cgeDeclared } from './rules/cge.ts';
import { dncDeclared } from './rules/dnc.ts';
import { fltrustDeclared } from './rules/fltrust.ts';
import { geometricMedianDeclared } from './rules/geometric-median.ts';
import { krumDeclared } from './rules/krum.ts';
import { mdaDeclared } from './rules/mda.ts';
import { meamedDeclared } from './rules/meamed.ts';
import { meanDeclared } from './rules/mean.ts';
import { medianDeclared } from './rules/median.ts';
import { multiKrumDeclared } from './rules/multi-krum.ts';
import { signGuardDeclared } from './rules/sign-guard.ts';
import { trimmedMeanDeclared } from './rules/trimmed-mean.ts';

const declared: readonly Declared<AggregationRule>[] = [
  meanDeclared,
  krumDeclared,
  multiKrumDeclared,
  bulyanDeclared,
  medianDeclared,
  trimmedMeanDeclared,
  meamedDeclared,
  geometricMedianDeclared,
  mdaDeclared,
  centeredClippingDeclared,
  cgeDeclared,
  dncDeclared,
  signGuardDeclared,
  fltrustDeclared,
];

export const ruleNames: readonly string[] = declared.map(({ name }) => name);

export interface RuleChoice {
  readonly name: string;
  /** The rule's own. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Refuses unknown-rule, and bad-option for options that are not the rule's. */
export function ruleOf({ name, options = {} }: RuleChoice): ReturnType<Declared<AggregationRule>['make']> {
  const rule = declared.find((each) => each.name === name);
  return rule ? rule.make(options) : unknownRule(name);
}

function unknownRule(found: string): Refused {
  return refuse('unknown-rule', {
    expected: ruleNames.join(', '),
    found,
    hint: `did you mean "${closest(found, [...ruleNames])}"?`,
  });
}
