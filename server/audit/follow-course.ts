// The events of a ledger in their order -> what stands at their end, or the first entry that cannot follow those before
// it: no coordinator writes one, whatever it decides.

import type { Refused } from '../../shared/protocol/refusals.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
import { CourseOfClients } from './course-of-clients.ts';
import { CourseOfRounds } from './course-of-rounds.ts';
import { damagedEntry } from './verify-entries.ts';

export interface Course extends Pick<CourseOfClients, 'clients' | 'invites'> {
  readonly kind: 'course';
}

/** Refuses ledger-damaged. */
export function followCourse(entries: readonly LedgerEntry[]): Course | Refused {
  const membership = new CourseOfClients();
  const rounds = new CourseOfRounds();
  for (const [index, entry] of entries.entries()) {
    const { event, sequence } = entry;
    const impossible = membership.follow(entry, entries[index + 1]?.event) ?? rounds.follow(event);
    if (!impossible) continue;
    return damagedEntry(sequence, { ...impossible, found: `${impossible.found}, in a ${event.type}` });
  }
  const { clients, invites } = membership;
  return { kind: 'course', clients, invites };
}
