// A federation's rule, checked before the first round: known by name, and able to carry f at every size of cohort that
// a round can have.

import { closest } from 'fastest-levenshtein';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { atLeast } from './at-least.ts';
import type { AggregationRule } from './rule.ts';
import { isRuleName, ruleNames, ruleOf } from './rules.ts';
import { checkTolerance, isTolerance, tolerated } from './tolerance.ts';

export interface RuleWish {
  readonly name: string;
  readonly f: number;
  readonly m?: number | undefined;
  /** Least and most clients that a round is offered to. */
  readonly cohort: { readonly minimum: number; readonly size: number; readonly quorum?: number | undefined };
}

export interface ChosenRule {
  readonly kind: 'chosen';
  readonly rule: AggregationRule;
}

/** Refuses unknown-rule, bad-config and f-too-large. */
export function ruleFor({ name, f, m, cohort }: RuleWish): ChosenRule | Refused {
  if (!isRuleName(name)) {
    const hint = `did you mean "${closest(name, [...ruleNames])}"?`;
    return refuse('unknown-rule', { expected: ruleNames.join(', '), found: name, hint });
  }
  if (!isTolerance(f))
    return refuse('bad-config', { expected: 'f as a whole number or a share below 1', found: `${f}` });
  if (m !== undefined && name !== 'multi-krum') {
    return refuse('bad-config', { expected: 'm with multi-krum only', found: `m = ${m} with ${name}` });
  }
  if (cohort.minimum > cohort.size) {
    return refuse('bad-config', {
      expected: 'cohort.minimum <= cohort.size',
      found: `${cohort.minimum} > ${cohort.size}`,
    });
  }
  const { quorum = 1 } = cohort;
  if (quorum > cohort.minimum) {
    return refuse('bad-config', {
      expected: 'cohort.quorum <= cohort.minimum',
      found: `${quorum} > ${cohort.minimum}`,
    });
  }
  const rule = ruleOf({ name, m });
  return toleranceComplaint(rule, f, cohort) ?? { kind: 'chosen', rule: atLeast(rule, quorum) };
}

function toleranceComplaint(rule: AggregationRule, f: number, cohort: RuleWish['cohort']): Refused | undefined {
  for (let offered = cohort.minimum; offered <= cohort.size; offered++) {
    const complaint = checkTolerance(rule, { cohortSize: offered, f: tolerated(f, offered) });
    if (complaint) return complaint;
  }
  return undefined;
}
