import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ruleOf } from '../../../server/aggregation/rules.ts';
import { readModel } from '../../../server/model/read-model.ts';
import { readState } from '../../../server/optimiser/optimiser-state.ts';
import { optimiserFor } from '../../../server/optimiser/optimisers.ts';
import { clientBudgets } from '../../../server/privacy/client-budget.ts';
import { closeRound, type ClosingRooms } from '../../../server/round/close-round.ts';
import type { ClosingRound } from '../../../server/round/judge-cohort.ts';
import { parseAdminRules } from '../../../server/update/anomaly/admin-rules.ts';
import { HISTORY_TEST } from '../../../server/update/anomaly/client-history.ts';
import { ArrivedUpdates } from '../../../server/update/staging/arrived-updates.ts';
import { dropUpdatesBeyond } from '../../../server/update/staging/drop-updates.ts';
import { asDigest } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../../shared/protocol/round-record.ts';
import { openRound, type OpenRound, stage } from '../../support/open-round.ts';
import { plainKernel } from '../../support/plain-kernel.ts';
import { federation, memberAt, schema, terms, updateFile } from '../../support/small-federation.ts';

const seed = asDigest('5e'.repeat(32));
const mean = accepted(ruleOf({ name: 'mean' })).made;
const anomaly = {
  bounds: { maxAbsolute: 10, maxNormL2: 100, noise: null },
  adminRules: accepted(await parseAdminRules([])),
  historyTest: HISTORY_TEST,
};

function roomsOf({ stores, blobs, folder }: OpenRound, name = 'momentum'): ClosingRooms {
  const optimiser = accepted(optimiserFor({ name })).made;
  const arrived = new ArrivedUpdates({ kernel: plainKernel, parameters: 6, memoryBudgetBytes: 1e6 });
  const { rounds, models } = stores;
  const { blobFile } = folder;
  return {
    federation,
    schema,
    blobs,
    blobFile,
    arrived,
    rule: mean,
    optimiser,
    rounds,
    models,
    anomaly,
    banSuspects: false,
    central: null,
  };
}

const closingOf = async ({ stores, offered }: OpenRound): Promise<ClosingRound> => ({
  offered,
  seed,
  rows: await stores.updates.ofRound(offered.number),
  turnedAway: new Map(),
  clients: await stores.enrolment.clients(),
  budgets: clientBudgets(await stores.charges.charges(), terms),
  bytesReceived: 0,
  closedAt: new Date('2026-03-01T12:01:00.000Z'),
});

const close = async (world: OpenRound, name?: string): Promise<RoundRecord> =>
  await closeRound(await closingOf(world), roomsOf(world, name));

/** The next round on what the last one made, in which both clients send `values`; none: they send nothing. */
async function nextRound(
  world: OpenRound,
  { number, model, baseModel }: RoundRecord,
  values?: number[],
): Promise<OpenRound> {
  const offered = { ...world.offered, number: number + 1, baseModel: model ?? baseModel };
  const { cohort, f, baseModel: from } = offered;
  const event = { type: 'round-offered', round: number + 1, baseModel: from, cohort, eligibleDigest: seed, f } as const;
  await world.stores.rounds.offer(offered, event);
  const next = { ...world, offered };
  if (values) await stageAll(next, values);
  return next;
}

async function stageAll(world: OpenRound, values: readonly number[]): Promise<void> {
  for (const index of [0, 1]) await stage(world, memberAt(world.cohort, index), values);
}

const one = [1, -1, 2, -2, 0, 0.5];

async function firstRound(): Promise<OpenRound> {
  const world = await openRound({ clients: 2 });
  await stageAll(world, one);
  return world;
}

/** Four rounds with the same updates. */
async function steadyRounds(
  world: OpenRound,
  ended: (record: RoundRecord) => Promise<void> = () => Promise.resolve(),
): Promise<readonly RoundRecord[]> {
  let last = await close(world);
  const records = [last];
  while (records.length < 4) {
    last = await close(await nextRound(world, last, one));
    await ended(last);
    records.push(last);
  }
  return records;
}

const stateAfter = async (world: OpenRound, { optimiser: { stateAfter: digest } }: RoundRecord) =>
  await readState(digest, roomsOf(world));

describe('rounds under momentum', () => {
  it('step by the sum of all that came before, and each begins with what the last one left', async () => {
    const world = await firstRound();
    const records = await steadyRounds(world);
    const states = records.map(({ optimiser }) => [optimiser.stateBefore, optimiser.stateAfter]);
    expect(states[0]?.[0]).toBeNull();
    for (const [i, [before]] of states.entries()) if (i > 0) expect(before).toBe(states[i - 1]?.[1]);
    expect(new Set(states.map(([, after]) => after)).size).toBe(4);
    // v = 1, 1.9, 2.71, 3.439 times the aggregate, each kept in float32.
    expect(records.map(({ aggregateNormL2 }) => aggregateNormL2)).toEqual(records.map(() => Math.sqrt(10.25)));
    for (const [i, by] of [1, 1.9, 2.71, 3.439].entries())
      expect(records[i]?.stepNormL2).toBeCloseTo(by * Math.sqrt(10.25), 5);
    const model = await readModel(records.at(-1)?.model ?? seed, { ...world, schema });
    for (const [i, value] of one.entries()) expect(model[i]).toBeCloseTo(9.049 * value, 4);
    for (const { number, optimiser } of records)
      expect((await world.stores.models.versions())[number]?.optimiserState).toBe(optimiser.stateAfter);
  });

  it('leave what is remembered as it was where a round is abandoned', async () => {
    const world = await firstRound();
    const first = await close(world);
    const abandoned = await close(await nextRound(world, first));
    expect(abandoned).toMatchObject({ state: 'abandoned', aggregation: null });
    const { stateAfter: left } = first.optimiser;
    expect(abandoned.optimiser).toMatchObject({ name: 'momentum', stateBefore: left, stateAfter: null });
    const third = await close(await nextRound(world, abandoned, one));
    expect(third.optimiser.stateBefore).toBe(left);
    expect(third.stepNormL2).toBeCloseTo(1.9 * Math.sqrt(10.25), 5);
  });

  it('come to the same after a close that failed once everything but the rows was written', async () => {
    const [world, calm] = [await firstRound(), await firstRound()];
    const expected = await close(await nextRound(calm, await close(calm), one));
    const next = await nextRound(world, await close(world), one);
    const rooms = roomsOf(next);
    const broken = { ...next.stores.rounds, commit: () => Promise.reject(new Error('disk full')) };
    await expect(closeRound(await closingOf(next), { ...rooms, rounds: broken })).rejects.toThrow('disk full');
    expect(await close(next)).toEqual(expected);
    expect(await stateAfter(next, expected)).toEqual(await stateAfter(calm, expected));
  });

  it('take nothing from a close that failed with other updates', async () => {
    const [world, calm] = [await firstRound(), await firstRound()];
    const expected = await close(calm);
    const broken = { ...world.stores.rounds, commit: () => Promise.reject(new Error('disk full')) };
    const closing = await closingOf(world);
    const half = { ...closing, rows: closing.rows.slice(1) };
    await expect(closeRound(half, { ...roomsOf(world), rounds: broken })).rejects.toThrow('disk full');
    expect(await close(world)).toEqual(expected);
  });

  it('throw on a damaged state, and the round stays under way', async () => {
    const world = await firstRound();
    const first = await close(world);
    const next = await nextRound(world, first, one);
    writeFileSync(world.folder.blobFile(first.optimiser.stateAfter ?? seed), updateFile(one));
    await expect(close(next)).rejects.toThrow(InvariantError);
    expect(await world.stores.rounds.underWay()).toEqual(next.offered);
  });

  it('keep what the newest round began with and left, and no more', async () => {
    const world = await firstRound();
    const records = await steadyRounds(world, ({ number: last }) =>
      dropUpdatesBeyond({ last, updateRounds: 1 }, { ...world.stores, blobs: world.blobs }),
    );
    const kept = records.map(({ optimiser }) => existsSync(world.folder.blobFile(optimiser.stateAfter ?? seed)));
    expect(kept).toEqual([false, false, true, true]);
  });
});

describe('rounds under the plain optimiser', () => {
  it('remember nothing: no blob, no state in record, row or ledger', async () => {
    const world = await firstRound();
    const first = await close(world, 'plain');
    const second = await close(await nextRound(world, first, one), 'plain');
    for (const { optimiser, aggregateNormL2, stepNormL2 } of [first, second]) {
      expect(optimiser).toMatchObject({ name: 'plain', stateBefore: null, stateAfter: null });
      expect(stepNormL2).toBe(aggregateNormL2);
    }
    expect((await world.stores.models.versions()).map(({ optimiserState }) => optimiserState)).toEqual([
      null,
      null,
      null,
    ]);
  });
});
