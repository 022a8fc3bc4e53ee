// f, the number of liars tolerated: fixed from the clients offered a round, before anything arrives, and never lowered
// by what arrives. A federation whose cohort cannot carry its f is refused before it starts.

import type { OrganisationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import { refuse } from '../../shared/protocol/refusals.ts';
import type { AggregationRule } from './rule.ts';

/** A whole number of clients, or a fraction below 1 of those offered the round. */
export const isTolerance = (f: number): boolean => f >= 0 && (f < 1 || Number.isSafeInteger(f));

/** f as a number of clients; a fraction is rounded up. @throws InvariantError when f is neither. */
export function tolerated(f: number, offered: number): number {
  if (!isTolerance(f)) throw new InvariantError(`expected f as a whole number or a fraction below 1, found ${f}`);
  return f >= 1 ? f : multipleRoundedUp(f, offered);
}

/** 0.07 * 100 is 7.000000000000001 in floating point, and 7 is meant: one rounding is forgiven, nothing more. */
export function multipleRoundedUp(factor: number, count: number): number {
  const product = factor * count;
  const nearest = Math.round(product);
  return Math.abs(product - nearest) <= product * Number.EPSILON ? nearest : Math.ceil(product);
}

/**
 * f as the clients of the g largest organisations of a cohort, whichever g of them are dishonest.
 * @param organisations one per client of the cohort
 * @throws InvariantError when g is no whole number.
 */
export function toleratedOrganisations(g: number, organisations: readonly OrganisationId[]): number {
  if (!isOrganisationCount(g)) throw new InvariantError(`expected a whole number of organisations, found ${g}`);
  const sizes = new Map<OrganisationId, number>();
  for (const organisation of organisations) sizes.set(organisation, (sizes.get(organisation) ?? 0) + 1);
  const largest = [...sizes.values()].sort((a, b) => b - a).slice(0, g);
  return largest.reduce((sum, size) => sum + size, 0);
}

export const isOrganisationCount = (g: number): boolean => Number.isSafeInteger(g) && g >= 0;

/** f of a cohort by a configuration's rule. `organisations`: one for each of its clients. */
export function liarsIn(
  { f, dishonestOrganisations: g }: { readonly f: number; readonly dishonestOrganisations?: number | undefined },
  organisations: readonly OrganisationId[],
): number {
  return g === undefined ? tolerated(f, organisations.length) : toleratedOrganisations(g, organisations);
}

/** Undefined where the rule tolerates f liars in a cohort of that size. */
export function checkTolerance(
  rule: AggregationRule,
  { cohortSize, f }: { readonly cohortSize: number; readonly f: number },
): Refused | undefined {
  const minimum = rule.minimumCohort(f);
  if (cohortSize >= minimum) return undefined;
  const largest = largestTolerated(rule, cohortSize, f);
  return refuse('f-too-large', {
    expected: Number.isFinite(minimum)
      ? `at least ${minimum} clients for ${rule.name} with f = ${f}`
      : `an f that ${rule.name} carries in some cohort`,
    found: Number.isFinite(minimum) ? `${cohortSize}` : `f = ${f}`,
    hint:
      largest === undefined
        ? `${rule.name} needs more clients even for f = 0`
        : `the largest f that fits is ${largest}`,
  });
}

/** The largest f from `below` down; undefined where not even 0 fits. */
export function largestTolerated(rule: AggregationRule, cohortSize: number, below: number): number | undefined {
  for (let f = Math.min(below, cohortSize); f >= 0; f--) if (rule.minimumCohort(f) <= cohortSize) return f;
  return undefined;
}
