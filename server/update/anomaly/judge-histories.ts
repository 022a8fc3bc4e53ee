// One round's outcome for every client that sent something, as its history takes it: an alarm where a layer flagged the
// update or refused it for what its values are. What an admin's own rules say is not counted, since their rate of false
// alarms is not known, and neither is what was refused for its form or its time.

import type { ClientId } from '../../../shared/ids.ts';
import type { RefusalCode } from '../../../shared/protocol/refusals.ts';
import type { EnrolledClient } from '../../admission/enrolment-store.ts';
import type { UpdateRow } from '../staging/update-store.ts';
import { type HistoryTest, isSuspect, nextSuspicion } from './client-history.ts';

export interface History {
  /** After the round. */
  readonly suspicion: number;
  readonly suspect: boolean;
}

export interface RoundOutcome {
  readonly marks: ReadonlyMap<ClientId, { readonly flags: readonly string[] }>;
  readonly leftOut: ReadonlyMap<ClientId, RefusalCode>;
  readonly clients: readonly EnrolledClient[];
  readonly test: HistoryTest;
}

const FOR_THEIR_VALUES: ReadonlySet<RefusalCode> = new Set([
  'not-finite',
  'too-large-value',
  'too-large-norm',
  'noise-missing',
  'shared-noise',
]);

export function judgeHistories(
  rows: readonly UpdateRow[],
  { marks, leftOut, clients, test }: RoundOutcome,
): ReadonlyMap<ClientId, History> {
  const before = new Map(clients.map((client) => [client.id, client]));
  const histories = new Map<ClientId, History>();
  for (const { client, state, refusal } of rows) {
    const code = state === 'staged' ? leftOut.get(client) : refusal?.code;
    const refused = code !== undefined && FOR_THEIR_VALUES.has(code);
    const isJudged = refused || marks.has(client);
    if (!isJudged) continue;
    const { suspicion = 0, judged = 0 } = before.get(client) ?? {};
    const alarm = refused || (marks.get(client)?.flags.length ?? 0) > 0;
    const after = nextSuspicion(suspicion, { round: judged + 1, alarm, test });
    histories.set(client, { suspicion: after, suspect: isSuspect(after, test) });
  }
  return histories;
}
