// The record of a round and the ledger events that go with it, both made from the same facts so that they cannot differ.

import type { ClientId } from '../../shared/ids.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import { normL2 } from '../../shared/vector/vector.ts';
import type { Aggregate, AggregationRule } from '../aggregation/rule.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { ModelVersion } from '../model/model-store.ts';
import type { CohortMark } from '../update/anomaly/cohort-anomaly.ts';
import { type ClosingRound, judgeCohort } from './judge-cohort.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';

export interface JudgedRound {
  readonly closing: ClosingRound;
  readonly marks: ReadonlyMap<ClientId, CohortMark>;
  readonly rule: AggregationRule;
}

export function committedRecord(judged: JudgedRound, aggregate: Aggregate, version: ModelVersion): RoundRecord {
  const { name, variant } = judged.rule;
  return {
    ...commonFacts(judged),
    state: 'committed',
    code: null,
    model: version.digest,
    rule: { name, variant, m: aggregate.m, neighbours: aggregate.neighbours },
    stepNormL2: normL2(aggregate.values),
    verdicts: judgeCohort(judged.closing, judged.marks, aggregate),
  };
}

export function abandonedRecord(judged: JudgedRound, { refusal: { code } }: Refused): RoundRecord {
  const { name, variant } = judged.rule;
  return {
    ...commonFacts(judged),
    state: 'abandoned',
    code,
    model: null,
    rule: { name, variant, m: null, neighbours: null },
    stepNormL2: null,
    verdicts: judgeCohort(judged.closing, judged.marks, { kind: 'none', code }),
  };
}

/** One event for each verdict, then the transition itself. */
export function closingEvents(record: RoundRecord): readonly LedgerEvent[] {
  const { number: round, baseModel, model, updates } = record;
  const verdicts = record.verdicts.map((verdict) => ({ type: 'verdict', round, ...verdict }) as const);
  if (model === null) return [...verdicts, { type: 'round-abandoned', round, code: record.code ?? 'cohort-too-small' }];
  return [...verdicts, { type: 'round-committed', round, baseModel, model, updates }];
}

type CommonFacts = Pick<
  RoundRecord,
  'number' | 'baseModel' | 'cohort' | 'f' | 'offeredAt' | 'closedAt' | 'updates' | 'accountant' | 'bytesReceived'
>;

function commonFacts({ closing }: JudgedRound): CommonFacts {
  const { offered, rows, bytesReceived, closedAt } = closing;
  const staged = rows.filter((row) => row.state === 'staged');
  return {
    ...offered,
    updates: staged.map(({ client, digest: update }) => ({ client, update })),
    accountant: closing.budgets.accountant,
    bytesReceived,
    closedAt: closedAt.toISOString(),
  };
}
