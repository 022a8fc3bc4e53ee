// One verdict for every client that was offered the round, whatever became of it: whoever sent nothing is told so too.

import type { ClientId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { type RefusalCode, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import type { EnrolledClient } from '../admission/enrolment-store.ts';
import type { Aggregate } from '../aggregation/rule.ts';
import type { ClientBudgets } from '../privacy/client-budget.ts';
import type { CohortMark } from '../update/anomaly/cohort-anomaly.ts';
import type { UpdateRow } from '../update/staging/update-store.ts';
import type { OfferedRound, Verdict } from '../../shared/protocol/round-record.ts';

export interface ClosingRound {
  readonly offered: OfferedRound;
  /** One for each client that announced an update. */
  readonly rows: readonly UpdateRow[];
  /** Clients that declined the offer or never got as far as announcing an update, and why. */
  readonly turnedAway: ReadonlyMap<ClientId, RefusalCode>;
  /** Everybody enrolled: who answers for whom. */
  readonly clients: readonly EnrolledClient[];
  readonly budgets: ClientBudgets;
  readonly bytesReceived: number;
  readonly closedAt: Date;
}

/** What the rule made of the round: its aggregate, or why there is none. */
export type RuleOutcome = Aggregate | { readonly kind: 'none'; readonly code: RefusalCode };

type Judgement = Pick<Verdict, 'verdict' | 'code' | 'layer'>;

/** In the order of client ids. @throws InvariantError when a client of the cohort is not enrolled. */
export function judgeCohort(
  closing: ClosingRound,
  marks: ReadonlyMap<ClientId, CohortMark>,
  outcome: RuleOutcome,
): Verdict[] {
  const rows = new Map(closing.rows.map((row) => [row.client, row]));
  const organisations = new Map(closing.clients.map(({ id, organisation }) => [id, organisation]));
  return closing.offered.cohort.map((client) => {
    const organisation = organisations.get(client);
    if (organisation === undefined) throw new InvariantError(`${client} was offered a round but is not enrolled`);
    const row = rows.get(client);
    const mark = marks.get(client);
    return {
      client,
      organisation,
      ...judge(row, closing.turnedAway.get(client), outcome),
      flags: [...(mark?.flags ?? [])],
      updateDigest: row?.digest ?? null,
      normL2: row?.figures?.normL2 ?? null,
      maxAbsolute: row?.figures?.maxAbsolute ?? null,
      noiseRatio: row?.figures?.noiseRatio ?? null,
      noiseDeficit: row?.figures?.noiseDeficit ?? null,
      normZ: mark?.normZ ?? null,
      score: outcome.kind === 'aggregate' ? (outcome.scores.get(client) ?? null) : null,
      epsilon: closing.budgets.epsilonOf(client),
    };
  });
}

function judge(row: UpdateRow | undefined, turnedAway: RefusalCode | undefined, outcome: RuleOutcome): Judgement {
  if (row?.state === 'staged') return judgeStaged(row.client, outcome);
  return refusedWith(row?.refusal?.code ?? turnedAway ?? 'deadline-missed');
}

function judgeStaged(client: ClientId, outcome: RuleOutcome): Judgement {
  if (outcome.kind === 'none') {
    return { verdict: 'not-selected', code: outcome.code, layer: refusalCatalogue[outcome.code].layer };
  }
  if (outcome.selected.includes(client)) return { verdict: 'selected', code: null, layer: null };
  return { verdict: 'not-selected', code: null, layer: 'rule' };
}

const refusedWith = (code: RefusalCode): Judgement => ({
  verdict: 'refused',
  code,
  layer: refusalCatalogue[code].layer,
});
