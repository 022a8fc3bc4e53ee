// A federation's rule, checked before the first round: known by name, and able to carry f at every size of cohort that
// a round can have, also after the drop-outs that the federation expects.

import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { atLeast } from './at-least.ts';
import type { PreAggregator } from './pre/pre-aggregator.ts';
import { preAggregatorOf, type PreChoice } from './pre/pre-aggregators.ts';
import { withPre } from './pre/with-pre.ts';
import type { AggregationRule } from './rule.ts';
import { ruleOf } from './rules.ts';
import { checkTolerance, isOrganisationCount, isTolerance, largestTolerated, tolerated } from './tolerance.ts';

export interface RuleWish {
  readonly name: string;
  readonly f: number;
  /** g, in place of f: every client of so many organisations may lie. Needs a cap on the clients of one. */
  readonly dishonestOrganisations?: number | undefined;
  /** How many updates multi-krum averages: short for its option of that name. */
  readonly m?: number | undefined;
  /** The rule's own. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** What stands in front of the rule, from the first to the last. */
  readonly pre?: readonly PreChoice[] | undefined;
  readonly cohort: CohortWish;
}

interface CohortWish {
  /** Least and most clients that a round is offered to. */
  readonly minimum: number;
  readonly size: number;
  readonly quorum?: number | undefined;
  /** Null or undefined: no cap. */
  readonly maxPerOrganisation?: number | null | undefined;
  /** Share of the clients offered a round that may send nothing, rounded up; 0 unless given. */
  readonly dropOutShare?: number | undefined;
}

export interface ChosenRule {
  readonly kind: 'chosen';
  readonly rule: AggregationRule;
}

/** Refuses unknown-rule, bad-config and f-too-large. */
export function ruleFor(wish: RuleWish): ChosenRule | Refused {
  const { cohort } = wish;
  const composed = composedRule(wish);
  if (isRefused(composed)) return composed;
  const { rule } = composed;
  const f = liarsOf(wish);
  if (typeof f !== 'number') return f;
  const complaint = cohortComplaint(cohort) ?? referenceComplaint(rule);
  if (complaint) return complaint;
  const quorate = atLeast(rule, cohort.quorum ?? 1);
  const uncarried = toleranceComplaint(rule, f, cohort) ?? dropOutComplaint(quorate, f, cohort);
  return uncarried ? inOrganisations(uncarried, wish) : { kind: 'chosen', rule: quorate };
}

/** The rule by name behind what stands in front of it. Refuses unknown-rule and bad-config. */
function composedRule({ name, m, options, pre = [] }: RuleWish): ChosenRule | Refused {
  const made = ruleOf({ name, options: m === undefined ? options : { ...options, m } });
  if (isRefused(made)) return asConfig(made);
  const stages: PreAggregator[] = [];
  for (const choice of pre) {
    const stage = preAggregatorOf(choice);
    if (isRefused(stage)) return asConfig(stage);
    stages.push(stage.made);
  }
  return { kind: 'chosen', rule: withPre(stages, made.made) };
}

/** Options stand in the federation file here. */
const asConfig = ({ refusal }: Refused): Refused =>
  refusal.code === 'bad-option'
    ? refuse('bad-config', { ...refusal, message: 'the rule does not take this' })
    : { kind: 'refused', refusal };

/** No round has a root update: a coordinator holds no examples to train one on. */
function referenceComplaint({ name, assumes }: AggregationRule): Refused | undefined {
  if (assumes.reference !== 'root-update') return undefined;
  return refuse('bad-config', {
    expected: 'a rule that works on the clients’ updates alone',
    found: `${name}, which needs an update trained on root examples of the coordinator’s own`,
    hint: `try ${name} over stored updates: muster aggregate --rule ${name} --reference root.safetensors`,
  });
}

/** f as given, or the most clients that g organisations can have in a cohort. */
function liarsOf({ f, dishonestOrganisations: g, cohort }: RuleWish): number | Refused {
  if (!isTolerance(f))
    return refuse('bad-config', { expected: 'f as a whole number or a share below 1', found: `${f}` });
  if (g === undefined) return f;
  if (!isOrganisationCount(g))
    return refuse('bad-config', { expected: 'dishonestOrganisations as a whole number', found: `${g}` });
  if (f > 0) {
    const hint = 'with dishonestOrganisations set f to 0';
    return refuse('bad-config', { expected: 'f or dishonestOrganisations', found: `f = ${f} and ${g}`, hint });
  }
  if (cohort.maxPerOrganisation == null) {
    const hint = 'set cohort.maxPerOrganisation';
    return refuse('bad-config', { expected: 'a cap on the clients of one organisation', found: 'none', hint });
  }
  return g * cohort.maxPerOrganisation;
}

function cohortComplaint({ minimum, size, quorum = 1, dropOutShare = 0 }: CohortWish): Refused | undefined {
  if (minimum > size)
    return refuse('bad-config', { expected: 'cohort.minimum <= cohort.size', found: `${minimum} > ${size}` });
  if (quorum > minimum)
    return refuse('bad-config', { expected: 'cohort.quorum <= cohort.minimum', found: `${quorum} > ${minimum}` });
  if (dropOutShare >= 0 && dropOutShare < 1) return undefined;
  return refuse('bad-config', { expected: '0 <= cohort.dropOutShare < 1', found: `${dropOutShare}` });
}

function toleranceComplaint(rule: AggregationRule, f: number, cohort: CohortWish): Refused | undefined {
  for (let offered = cohort.minimum; offered <= cohort.size; offered++) {
    const complaint = checkTolerance(rule, { cohortSize: offered, f: tolerated(f, offered) });
    if (complaint) return complaint;
  }
  return undefined;
}

/** Drop-outs shrink the updates that reach the rule, never its f. */
function dropOutComplaint(rule: AggregationRule, f: number, cohort: CohortWish): Refused | undefined {
  const { dropOutShare = 0 } = cohort;
  for (let offered = cohort.minimum; offered <= cohort.size; offered++) {
    const [liars, left] = [tolerated(f, offered), leftOf(offered, dropOutShare)];
    const needed = rule.minimumCohort(liars);
    if (left >= needed) continue;
    return refuse('f-too-large', {
      message: 'the drop-outs that the federation expects leave too few updates for f and the quorum',
      expected: `at least ${needed} updates for ${rule.name} with f = ${liars}`,
      found: `${left} of ${offered} clients after ${offered - left} drop-outs`,
      hint: wayOut(rule, f, cohort),
    });
  }
  return undefined;
}

/** A whole f that fits the least cohort fits all, for a larger one leaves no fewer updates. */
function wayOut(rule: AggregationRule, f: number, { minimum, dropOutShare = 0 }: CohortWish): string {
  const share = f < 1;
  const needed = rule.minimumCohort(share ? 0 : f);
  const cohorts = `offer rounds to at least ${leastOffer(needed, dropOutShare)} clients`;
  const largest = largestTolerated(rule, leftOf(minimum, dropOutShare), tolerated(f, minimum));
  if (largest === undefined) return cohorts;
  return `the largest f that fits is ${largest}${share ? '' : `; or ${cohorts}`}`;
}

const leftOf = (offered: number, dropOutShare: number): number => offered - tolerated(dropOutShare, offered);

/** The least clients offered of whom `needed` are left. */
function leastOffer(needed: number, dropOutShare: number): number {
  let offered = Math.max(needed, Math.floor(needed / (1 - dropOutShare)) - 1);
  while (leftOf(offered, dropOutShare) < needed) offered++;
  return offered;
}

/** Whoever gave g is told where f comes from. */
function inOrganisations({ refusal }: Refused, { dishonestOrganisations: g, cohort }: RuleWish): Refused {
  if (g === undefined) return { kind: 'refused', refusal };
  const origin = `f is ${g} dishonest organisations x at most ${cohort.maxPerOrganisation} clients of each`;
  return { kind: 'refused', refusal: { ...refusal, hint: `${refusal.hint}; ${origin}` } };
}
