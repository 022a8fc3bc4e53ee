// SPINE 2. A round ends: take what is staged -> screen the cohort (barred, shared noise, figures and flags, the admin's
// rules, histories) -> aggregate -> gate -> store the blob -> record, with the verdicts and the ledger in one
// transaction. A refusal on the way abandons the round: it has a record too, and the base model stays the newest.

import type { ClientId } from '../../shared/ids.ts';
import { isRefused } from '../../shared/protocol/refusals.ts';
import type { AggregationRule } from '../aggregation/rule.ts';
import { aggregationSeed } from '../../shared/protocol/round-seed.ts';
import { readModel } from '../model/read-model.ts';
import { stepTo } from '../model/step-to.ts';
import type { ModelStore } from '../model/model-store.ts';
import { gateModel, publishModel } from '../model/publish-model.ts';
import { type CohortRules, screenCohort } from '../update/anomaly/screen-cohort.ts';
import { takeStaged, type StagedPlace } from '../update/staging/take-staged.ts';
import type { ClosingRound } from './judge-cohort.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import type { RoundStore } from './round-store.ts';
import { abandonedRecord, closingEvents, committedRecord, suspectsIn } from './write-record.ts';

export interface ClosingRooms extends StagedPlace {
  readonly rule: AggregationRule;
  readonly anomaly: CohortRules;
  /** Whether a client that its own history speaks against is banned with the round's end. */
  readonly banSuspects: boolean;
  readonly rounds: RoundStore;
  readonly models: ModelStore;
}

export async function closeRound(closing: ClosingRound, rooms: ClosingRooms): Promise<RoundRecord> {
  const { offered, rows, clients } = closing;
  const staged = await takeStaged(rows, rooms);
  const base = await readModel(offered.baseModel, rooms);
  const seed = await aggregationSeed(
    closing.seed,
    staged.map(({ digest }) => digest),
  );
  const previousStep = await stepTo(offered.baseModel, base, rooms);
  const screened = screenCohort(staged, { ...rooms.anomaly, rows, clients, seed, previousStep });
  const judged = { closing, screened, rule: rooms.rule };
  const aggregate = rooms.rule.aggregate(screened.standing, offered.f);
  if (isRefused(aggregate)) return await abandon(abandonedRecord(judged, aggregate), closing, rooms);
  const candidate = gateModel(base, aggregate.values);
  if (isRefused(candidate)) return await abandon(abandonedRecord(judged, candidate), closing, rooms);
  const lineage = { ...rooms, round: offered.number, parent: offered.baseModel };
  const version = await publishModel(candidate.values, lineage, rooms.blobs);
  const record = committedRecord(judged, aggregate, version);
  await rooms.rounds.commit(record, version, await closingEvents(record, bansIn(record, closing, rooms)));
  return record;
}

async function abandon(record: RoundRecord, closing: ClosingRound, rooms: ClosingRooms): Promise<RoundRecord> {
  await rooms.rounds.abandon(record, await closingEvents(record, bansIn(record, closing, rooms)));
  return record;
}

const bansIn = (record: RoundRecord, { clients }: ClosingRound, { banSuspects }: ClosingRooms): readonly ClientId[] =>
  banSuspects ? suspectsIn(record, clients) : [];
