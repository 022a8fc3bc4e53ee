// What a federation's file promises before anybody has joined: for the largest and the least cohort, how many liars are
// tolerated, how many clients may drop out, and how likely a drawn cohort holds more liars than that.

import { refuse, type Refused } from '../shared/protocol/refusals.ts';
import { liarChance } from '../server/admission/liar-chance.ts';
import type { AggregationRule } from '../server/aggregation/rule.ts';
import { tolerated } from '../server/aggregation/tolerance.ts';
import type { FederationConfig } from '../server/config.ts';

export interface PlanWish {
  readonly config: FederationConfig;
  readonly rule: AggregationRule;
  /** Clients that a cohort is drawn from; FACTOR times the largest cohort unless given. */
  readonly population?: number | undefined;
  /** Share of the population that lies, from 0 to below 1. */
  readonly liarShare: number;
}

export interface PlannedCohort {
  /** Clients offered the round. */
  readonly n: number;
  readonly f: number;
  /** Fewest updates with which the rule tolerates f, and the quorum is met. */
  readonly neededUpdates: number;
  /** So many clients may send nothing without the round being abandoned. */
  readonly dropOuts: number;
  /** That a cohort holds more than f liars; null where f follows from who is in it, or caps make the draw not uniform. */
  readonly chance: { readonly perRound: number; readonly overall: number } | null;
}

export interface CohortPlan {
  readonly rule: string;
  readonly rounds: number;
  readonly population: number;
  readonly liars: number;
  /** The most clients of one organisation in a cohort; null: no cap, and the draw is uniform. */
  readonly maxPerOrganisation: number | null;
  /** In the place of f. */
  readonly dishonestOrganisations: number | null;
  /** The largest cohort, then the least where it is another. */
  readonly cohorts: readonly PlannedCohort[];
}

const FACTOR = 5;

/** Refuses bad-option for a population smaller than its cohorts. */
export function cohortPlan({ config, rule, liarShare, ...wish }: PlanWish): CohortPlan | Refused {
  const { minimum, size, maxPerOrganisation } = config.cohort;
  const { population = FACTOR * size } = wish;
  if (population < size) {
    const message = '--population does not fit';
    return refuse('bad-option', { message, expected: `at least cohort.size, ${size}`, found: `${population}` });
  }
  const liars = tolerated(liarShare, population);
  const sizes = [...new Set([size, minimum])];
  return {
    rule: rule.name,
    rounds: config.rounds,
    population,
    liars,
    maxPerOrganisation,
    dishonestOrganisations: config.rule.dishonestOrganisations ?? null,
    cohorts: sizes.map((n) => plannedCohort(n, { config, rule, population, liars })),
  };
}

interface Draw extends Pick<PlanWish, 'config' | 'rule'> {
  readonly population: number;
  readonly liars: number;
}

function plannedCohort(n: number, { config, rule, population, liars }: Draw): PlannedCohort {
  const f = liarsTolerated(n, config);
  const neededUpdates = rule.minimumCohort(f);
  const { rounds } = config;
  const isByOrganisation =
    config.rule.dishonestOrganisations !== undefined || config.cohort.maxPerOrganisation !== null;
  const chance = isByOrganisation ? null : liarChance({ population, liars, cohort: n, f, rounds });
  return { n, f, neededUpdates, dropOuts: n - neededUpdates, chance };
}

/** With dishonest organisations: the most clients that they can have in the cohort. */
function liarsTolerated(n: number, { rule, cohort }: FederationConfig): number {
  const { dishonestOrganisations: g } = rule;
  return g === undefined ? tolerated(rule.f, n) : Math.min(n, g * (cohort.maxPerOrganisation ?? n));
}
