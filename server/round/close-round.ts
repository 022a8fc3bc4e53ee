// SPINE 2. A round ends: take what is staged -> cohort anomaly -> aggregate -> gate -> store the blob -> record, with
// the verdicts and the ledger in one transaction. A refusal on the way abandons the round: it has a record too, and the
// base model stays the newest.

import { isRefused } from '../../shared/protocol/refusals.ts';
import type { AggregationRule } from '../aggregation/rule.ts';
import { readModel } from '../model/read-model.ts';
import { gateModel, publishModel } from '../model/publish-model.ts';
import { markCohort } from '../update/anomaly/cohort-anomaly.ts';
import { takeStaged, type StagedPlace } from '../update/staging/take-staged.ts';
import type { ClosingRound } from './judge-cohort.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import type { RoundStore } from './round-store.ts';
import { abandonedRecord, closingEvents, committedRecord } from './write-record.ts';

export interface ClosingRooms extends StagedPlace {
  readonly rule: AggregationRule;
  readonly rounds: RoundStore;
}

export async function closeRound(closing: ClosingRound, rooms: ClosingRooms): Promise<RoundRecord> {
  const { offered } = closing;
  const staged = await takeStaged(closing.rows, rooms);
  const judged = { closing, marks: markCohort(staged), rule: rooms.rule };
  const aggregate = rooms.rule.aggregate(staged, offered.f);
  if (isRefused(aggregate)) return await abandon(abandonedRecord(judged, aggregate), rooms);
  const base = await readModel(offered.baseModel, rooms);
  const candidate = gateModel(base, aggregate.values);
  if (isRefused(candidate)) return await abandon(abandonedRecord(judged, candidate), rooms);
  const lineage = { ...rooms, round: offered.number, parent: offered.baseModel };
  const version = await publishModel(candidate.values, lineage, rooms.blobs);
  const record = committedRecord(judged, aggregate, version);
  await rooms.rounds.commit(record, version, closingEvents(record));
  return record;
}

async function abandon(record: RoundRecord, rooms: ClosingRooms): Promise<RoundRecord> {
  await rooms.rounds.abandon(record, closingEvents(record));
  return record;
}
