// What every rule does before it computes: fail closed where too few updates are left for f.

import type { Refused } from '../../shared/protocol/refusals.ts';
import { refuse } from '../../shared/protocol/refusals.ts';

/** Undefined where there are enough rows; else cohort-too-small. */
export function requireCohort({ n }: { readonly n: number }, minimum: number): Refused | undefined {
  if (n >= minimum) return undefined;
  return refuse('cohort-too-small', {
    expected: Number.isFinite(minimum) ? `at least ${minimum} updates` : 'an f that some number of updates can carry',
    found: `${n}`,
    hint: 'the base model stays; offer the round to more clients, or choose a smaller f before the round',
  });
}

/** What a rule or a pre-aggregator that draws answers where there is no seed. */
export const seedMissing = (name: string): Refused =>
  refuse('bad-option', { expected: `a seed: ${name} draws`, found: 'none', hint: 'give one, such as --seed 1' });
