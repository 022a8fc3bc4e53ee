// SPINE 2. A round ends: take what is staged -> screen the cohort (barred, shared noise, figures and flags, the admin's
// rules, histories) -> aggregate, and explain the aggregate -> step of the optimiser -> gate -> store the blobs -> record,
// with the verdicts and the ledger in one transaction. A refusal on the way abandons the round: it has a record too, and
// the base model stays the newest.
// Under central privacy nothing is screened or explained by its values; the updates are clipped and summed, noise is drawn
// and charged, and only then is there an aggregate that anything else may look at.

import type { ClientId, Digest, FederationId } from '../../shared/ids.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { aggregationSeed } from '../../shared/protocol/round-seed.ts';
import { explain } from '../aggregation/explain/explain.ts';
import { requireCohort } from '../aggregation/require-cohort.ts';
import type { AggregationRule } from '../aggregation/rule.ts';
import { keepAggregate } from '../model/keep-aggregate.ts';
import type { ModelStore, ModelVersion } from '../model/model-store.ts';
import { gateModel, publishModel, requireFinite } from '../model/publish-model.ts';
import { readModel } from '../model/read-model.ts';
import { type LastStep, stepTo } from '../model/step-to.ts';
import { keepState } from '../optimiser/optimiser-state.ts';
import type { ServerOptimiser } from '../optimiser/optimiser.ts';
import { stateBefore, takeStep } from '../optimiser/take-step.ts';
import type { ClientBudgets } from '../privacy/client-budget.ts';
import { type CentralRooms, releaseCentral } from '../privacy/release-central.ts';
import {
  type CohortRules,
  type ScreenedCohort,
  screenCohort,
  screenUnmeasured,
} from '../update/anomaly/screen-cohort.ts';
import { type StagedCohort, type StagedPlace, takeStaged } from '../update/staging/take-staged.ts';
import type { AggregatedCohort, ReleasedAggregate } from './aggregation-facts.ts';
import type { ClosingRound } from './judge-cohort.ts';
import type { RoundStore } from './round-store.ts';
import { abandonedRecord, closingEvents, committedRecord, suspectsIn } from './write-record.ts';

export interface ClosingRooms extends StagedPlace {
  readonly federation: FederationId;
  readonly rule: AggregationRule;
  readonly optimiser: ServerOptimiser;
  /** Null under central privacy. */
  readonly anomaly: CohortRules | null;
  /** Null under any other privacy than central. */
  readonly central: CentralClose | null;
  /** Whether a client that its own history speaks against is banned with the round's end. */
  readonly banSuspects: boolean;
  readonly rounds: RoundStore;
  readonly models: ModelStore;
}

export interface CentralClose extends CentralRooms {
  /** As they stand at the moment of asking. */
  budgets(): Promise<ClientBudgets>;
}

export async function closeRound(closing: ClosingRound, rooms: ClosingRooms): Promise<RoundRecord> {
  const { offered } = closing;
  const staged = await takeStaged({ round: offered.number, rows: closing.rows }, rooms);
  const base = await readModel(offered.baseModel, rooms);
  const lastStep = await stepTo(offered.baseModel, base, rooms);
  const screened = await screen(staged, { closing, lastStep, rooms });
  const before = await stateBefore(offered, rooms);
  let judged = { closing, screened, rule: rooms.rule, optimiser: rooms.optimiser, stateBefore: before };
  const abandon = async (refused: Refused): Promise<RoundRecord> => {
    const record = abandonedRecord(judged, refused);
    await rooms.rounds.abandon(record, await closingEvents(record, bansIn(record, closing, rooms)));
    return record;
  };
  const { central } = rooms;
  const standing = { staged, screened };
  const aggregated = await (central
    ? release(standing, { closing, lastStep, rooms }, central)
    : aggregate(standing, { closing, lastStep, rooms }));
  if (isRefused(aggregated)) return await abandon(aggregated);
  if (aggregated.kind === 'released') judged = { ...judged, closing: { ...closing, budgets: aggregated.budgets } };
  const step = await takeStep(aggregated.aggregate.values, before, rooms);
  if (isRefused(step)) return await abandon(step);
  const candidate = gateModel(base, step.values);
  if (isRefused(candidate)) return await abandon(candidate);
  const version = await publish({ model: candidate.values, state: step.state }, { closing, rooms });
  const record = committedRecord(judged, { ...aggregated, step }, version);
  await rooms.rounds.commit(record, version, await closingEvents(record, bansIn(record, closing, rooms)));
  return record;
}

interface AtTheClose {
  readonly closing: ClosingRound;
  readonly lastStep: LastStep | null;
  readonly rooms: ClosingRooms;
}

async function screen(staged: StagedCohort, { closing, lastStep, rooms }: AtTheClose): Promise<ScreenedCohort> {
  const { rows, clients } = closing;
  if (rooms.anomaly === null) return screenUnmeasured(staged, clients);
  const seed = await seedOver(staged.taken, closing);
  return await screenCohort(staged, { ...rooms.anomaly, rows, clients, seed, previousStep: lastStep?.values ?? null });
}

interface Standing {
  readonly staged: StagedCohort;
  readonly screened: ScreenedCohort;
}

/** What the rule draws follows from the updates that reach it, which the record names. */
async function aggregate(
  { staged, screened }: Standing,
  { closing, lastStep, rooms: { rule, anomaly } }: AtTheClose,
): Promise<({ readonly kind: 'aggregated' } & AggregatedCohort) | Refused> {
  const { standing } = screened;
  const cohort = await staged.cohortOf(standing);
  const { f } = closing.offered;
  const begins = rule.assumes.reference === 'last-aggregate' ? lastStep : null;
  const seed = await seedOver(standing, closing);
  const outcome = await rule.aggregate({ cohort, f, seed, reference: begins?.values ?? null });
  if (isRefused(outcome)) return outcome;
  const overflown = requireFinite(outcome.values);
  if (overflown) return overflown;
  const explanation = await explain({
    cohort,
    rule,
    aggregate: outcome,
    f,
    noiseStdDev: anomaly?.bounds.noise?.stdDev ?? 0,
  });
  return { kind: 'aggregated', aggregate: outcome, explanation, reference: begins?.from ?? null };
}

/** What leaves here holds its noise and is paid for. Refuses cohort-too-small, as the rule would, and budget-exhausted. */
async function release(
  { staged, screened }: Standing,
  { closing, lastStep, rooms }: AtTheClose,
  central: CentralClose,
): Promise<({ readonly kind: 'released' } & ReleasedAggregate) | Refused> {
  const { rule, rounds } = rooms;
  const { number: round, f } = closing.offered;
  const cohort = await staged.cohortOf(screened.standing);
  const tooSmall = requireCohort(cohort, rule.minimumCohort(f));
  if (tooSmall) return tooSmall;
  const centre = rule.assumes.reference === 'last-aggregate' ? lastStep : null;
  const released = await releaseCentral(cohort, { round, centre: centre?.values ?? null, rounds }, central);
  if (isRefused(released)) return released;
  const { values } = released;
  const kept = await keepAggregate(values, { ...rooms, round }, rooms.blobs);
  const reference = centre?.from ?? null;
  const budgets = await central.budgets();
  return {
    kind: 'released',
    aggregate: { values },
    central: { ...released.release, aggregate: kept, reference },
    budgets,
  };
}

const seedOver = async (updates: StagedCohort['taken'], { seed }: ClosingRound): Promise<Digest> =>
  await aggregationSeed(
    seed,
    updates.map(({ digest }) => digest),
  );

interface Made {
  readonly model: Float32Array;
  /** Of the optimiser. */
  readonly state: readonly Float32Array[];
}

/** Both blobs are durable before any row names them. */
async function publish(
  { model, state }: Made,
  { closing, rooms }: Omit<AtTheClose, 'lastStep'>,
): Promise<ModelVersion> {
  const { number: round, baseModel: parent } = closing.offered;
  const optimiserState = await keepState(state, { federation: rooms.federation, round }, rooms);
  return await publishModel(model, { ...rooms, round, parent, optimiserState }, rooms.blobs);
}

const bansIn = (record: RoundRecord, { clients }: ClosingRound, { banSuspects }: ClosingRooms): readonly ClientId[] =>
  banSuspects ? suspectsIn(record, clients) : [];
