// What every rule does before it computes: put the updates in the order of client ids and fail closed. Too few updates
// are an answer (`cohort-too-small`); a value that is not finite, a client twice or two lengths are faults, because the
// stages before let none of them through.

import { compareText } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import { refuse } from '../../shared/protocol/refusals.ts';
import { firstNonFinite } from '../../shared/vector/vector.ts';
import type { CohortUpdate } from './rule.ts';

export interface Cohort {
  readonly kind: 'cohort';
  /** In the order of client ids. */
  readonly updates: readonly CohortUpdate[];
}

/** Refuses fewer than `minimum` updates. @throws InvariantError for what no earlier stage may let through. */
export function orderCohort(updates: readonly CohortUpdate[], minimum: number): Cohort | Refused {
  const ordered = [...updates].sort((a, b) => compareText(a.client, b.client));
  ordered.forEach((update, i) => requireSound(update, ordered[i - 1]));
  return ordered.length < minimum ? tooSmall(ordered.length, minimum) : { kind: 'cohort', updates: ordered };
}

function requireSound({ client, values }: CohortUpdate, before: CohortUpdate | undefined): void {
  const at = firstNonFinite(values);
  if (at !== -1) throw new InvariantError(`update of ${client}: expected finite values, found ${values[at]} at ${at}`);
  if (before === undefined) return;
  if (before.client === client) throw new InvariantError(`expected one update per client, found two of ${client}`);
  if (before.values.length !== values.length)
    throw new InvariantError(`expected updates of one length, found ${before.values.length} and ${values.length}`);
}

function tooSmall(found: number, minimum: number): Refused {
  return refuse('cohort-too-small', {
    expected: `at least ${minimum} updates`,
    found: `${found}`,
    hint: 'the base model stays; offer the round to more clients, or choose a smaller f before the round',
  });
}
