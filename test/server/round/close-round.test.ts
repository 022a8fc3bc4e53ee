import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AggregationRule } from '../../../server/aggregation/rule.ts';
import { ruleOf } from '../../../server/aggregation/rules.ts';
import { optimiserFor } from '../../../server/optimiser/optimisers.ts';
import { clientBudgets } from '../../../server/privacy/client-budget.ts';
import { closeRound, type ClosingRooms } from '../../../server/round/close-round.ts';
import type { ClosingRound } from '../../../server/round/judge-cohort.ts';
import { parseAdminRules } from '../../../server/update/anomaly/admin-rules.ts';
import { ArrivedUpdates } from '../../../server/update/staging/arrived-updates.ts';
import { HISTORY_TEST } from '../../../server/update/anomaly/client-history.ts';
import type { CohortRules } from '../../../server/update/anomaly/screen-cohort.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { asDigest, type ClientId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { accepted, isRefused, refuse, type RefusalCode } from '../../../shared/protocol/refusals.ts';
import { decodeSafetensors } from '../../../shared/update-format/safetensors.ts';
import type { RoundRecord } from '../../../shared/protocol/round-record.ts';
import { announce, openRound, type OpenRound, stage } from '../../support/open-round.ts';
import { plainKernel } from '../../support/plain-kernel.ts';
import { federation, memberAt, schema, terms, updateFile } from '../../support/small-federation.ts';

const closedAt = new Date('2026-03-01T12:01:00.000Z');
/** Five honest updates around (1, 2, 3, 4, 5, 6). */
const honest = [0, 0.125, -0.125, 0.25, -0.25].map((shift) => [1, 2, 3, 4, 5, 6].map((value) => value + shift));
const far = [-9, -9, -9, -9, -9, -9];

const noRules = accepted(await parseAdminRules([]));
/** Six parameters are too few for a noise witness; without noise nothing is said of pairs. */
const anomaly = {
  bounds: { maxAbsolute: 10, maxNormL2: 100, noise: null },
  adminRules: noRules,
  historyTest: HISTORY_TEST,
};
const seed = asDigest('5e'.repeat(32));

const multiKrum = accepted(ruleOf({ name: 'multi-krum' })).made;
const mean = accepted(ruleOf({ name: 'mean' })).made;
const optimiser = accepted(optimiserFor({ name: 'plain' })).made;

function roomsOf(
  { stores, blobs, folder }: OpenRound,
  rule = multiKrum,
  changes: Partial<CohortRules> = {},
): ClosingRooms {
  const { rounds, models } = stores;
  const { blobFile } = folder;
  const arrived = new ArrivedUpdates({ kernel: plainKernel, parameters: 6, memoryBudgetBytes: 1e6 });
  const rooms = { federation, schema, blobs, blobFile, arrived, rule, optimiser, rounds, models };
  return { ...rooms, banSuspects: false, central: null, anomaly: { ...anomaly, ...changes } };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function closingOf(
  { stores, offered }: OpenRound,
  turnedAway: ReadonlyMap<ClientId, RefusalCode> = new Map(),
): Promise<ClosingRound> {
  return {
    offered,
    seed,
    rows: await stores.updates.ofRound(offered.number),
    turnedAway,
    clients: await stores.enrolment.clients(),
    budgets: clientBudgets(await stores.charges.charges(), terms),
    bytesReceived: 12_345,
    closedAt,
  };
}

/** Members 0-4 honest; `order` is the order in which they stage. */
async function stagedRound(order: readonly number[] = [0, 1, 2, 3, 4]): Promise<OpenRound> {
  const world = await openRound({ clients: 5, f: 1 });
  for (const index of order) await stage(world, memberAt(world.cohort, index), honest[index] ?? []);
  return world;
}

async function modelValues({ blobs }: OpenRound, digest: Parameters<OpenRound['blobs']['get']>[0]) {
  const bytes = await blobs.get(digest);
  const decoded = bytes && decodeSafetensors(bytes, schema);
  return decoded?.kind === 'decoded' ? [...decoded.values] : decoded;
}

describe('a round that commits', () => {
  it('gives everyone offered a verdict of its own: selected, left out, refused, late, declined', async () => {
    const world = await openRound({ clients: 9, f: 1 });
    for (const [index, values] of [...honest, far].entries()) await stage(world, memberAt(world.cohort, index), values);
    const refusedOne = memberAt(world.cohort, 6);
    const lateOne = memberAt(world.cohort, 7);
    const declined = memberAt(world.cohort, 8);
    await announce(world, refusedOne, updateFile([99, 0, 0, 0, 0, 0]));
    const at = { round: 1, client: refusedOne.client.id };
    const { refusal } = refuse('too-large-value');
    const figures = { maxAbsolute: 99, normL2: 99, noiseRatio: 1.5, noiseDeficit: 0 };
    await world.stores.updates.refuse(at, { refusal, figures }, { type: 'refused', ...at, code: refusal.code });
    await announce(world, lateOne, updateFile([1, 1, 1, 1, 1, 1]));
    const turnedAway = new Map([[declined.client.id, 'budget-exhausted' as const]]);

    const record = await closeRound(await closingOf(world, turnedAway), roomsOf(world));

    expect(record.verdicts.map(({ client }) => client)).toEqual(world.offered.cohort);
    const summary = record.verdicts.map(({ verdict, code, layer }) => [verdict, code, layer]);
    // n = 6, f = 1: m = 3 of the five honest ones are averaged.
    expect(summary.slice(0, 5).filter(([verdict]) => verdict === 'selected')).toHaveLength(3);
    expect(summary.slice(0, 6)).toContainEqual(['not-selected', null, 'rule']);
    expect(summary.slice(5)).toEqual([
      ['not-selected', null, 'rule'],
      ['refused', 'too-large-value', 'anomaly'],
      ['refused', 'deadline-missed', 'transport'],
      ['refused', 'budget-exhausted', 'privacy'],
    ]);
    expect(record.verdicts[6]).toMatchObject({ ...figures, normZ: null, score: null, flags: [] });
    expect(record.verdicts[8]).toMatchObject({ updateDigest: null, normL2: null, epsilon: 0 });
    expect(record.verdicts[7]?.epsilon).toBeGreaterThan(0);
    expect(record).toMatchObject({ state: 'committed', code: null, bytesReceived: 12_345 });
    expect(record.updates.map(({ client }) => client)).toEqual(world.offered.cohort.slice(0, 6));
    expect(record.rule).toMatchObject({ name: 'multi-krum', m: 3, neighbours: 3 });
  });

  it('steps from the base model by the rule’s aggregate, and records the step’s length', async () => {
    const world = await openRound({ clients: 3 });
    for (const index of [0, 1, 2]) await stage(world, memberAt(world.cohort, index), [index, 2 * index, 0, 0, 0, 1]);
    const record = await closeRound(await closingOf(world), roomsOf(world, mean));
    expect(record.model && (await modelValues(world, record.model))).toEqual([1, 2, 0, 0, 0, 1]);
    expect(record.stepNormL2).toBe(Math.sqrt(6));
    const [, version] = await world.stores.models.versions();
    expect(version).toMatchObject({ digest: record.model, parent: world.initialModel.digest, round: 1 });
  });

  it('is the same to the last bit in whichever order the updates were staged', async () => {
    const worlds = [await stagedRound(), await stagedRound([4, 2, 0, 3, 1])];
    const records = [];
    for (const world of worlds) records.push(await closeRound(await closingOf(world), roomsOf(world)));
    expect(records[0]?.model).toMatch(/^[0-9a-f]{64}$/);
    expect(records[1]).toEqual(records[0]);
  });

  it('lists the updates that reached the rule in the order of client ids', async () => {
    const world = await stagedRound([3, 1, 4, 0, 2]);
    const { updates } = await closeRound(await closingOf(world), roomsOf(world));
    const rows = await world.stores.updates.ofRound(1);
    expect(updates).toEqual(
      world.offered.cohort.map((client) => ({ client, update: rows.find((row) => row.client === client)?.digest })),
    );
  });

  it('writes onto the ledger what its record says, verdict by verdict, and the commit last', async () => {
    const world = await stagedRound();
    const record = await closeRound(await closingOf(world), roomsOf(world));
    const events = (await world.stores.ledger.entries()).map(({ event }) => event);
    const { number: round, baseModel, model, verdicts } = record;
    const end = { seed, record: digestOf(canonicalJson(record)) };
    expect(events.slice(-6)).toEqual([
      ...verdicts.map((verdict) => ({ type: 'verdict', round, ...verdict })),
      { type: 'round-committed', round, baseModel, model, optimiserState: null, ...end },
    ]);
    expect(await world.stores.rounds.record(1)).toEqual(record);
  });

  it('reveals the seed that was committed to and says who was eligible', async () => {
    const world = await stagedRound();
    const { seed: revealed, seedCommitment, eligible } = await closeRound(await closingOf(world), roomsOf(world));
    expect({ revealed, seedCommitment, eligible }).toEqual({
      revealed: seed,
      seedCommitment: world.offered.seedCommitment,
      eligible: world.offered.eligible,
    });
  });

  it('measures each update against the others, and against the last step once there is one', async () => {
    const world = await stagedRound();
    const first = await closeRound(await closingOf(world), roomsOf(world));
    for (const verdict of first.verdicts)
      expect(verdict).toMatchObject({ normZ: expect.any(Number), cosineToPrevious: null, flags: ['near-duplicate'] });
    const next = await nextRound(world, first);
    for (const [index, values] of honest.entries()) await stage(next, memberAt(next.cohort, index), values);
    const second = await closeRound(await closingOf(next), roomsOf(next));
    for (const { cosineToPrevious } of second.verdicts) expect(cosineToPrevious).toBeGreaterThan(0.98);
    // Suspicion goes on from the round before. An alarm is worth L = 0.3 / 0.05 = 6: 6 (0 + 1/2), then 6 (3 + 1/6).
    for (const [{ verdicts }, expected] of [
      [first, 3],
      [second, 19],
    ] as const)
      for (const { suspicion } of verdicts) expect(suspicion).toBeCloseTo(expected, 12);
  });
});

/** Round 2 on what round 1 made. */
async function nextRound(world: OpenRound, { model, baseModel }: RoundRecord): Promise<OpenRound> {
  const offered = { ...world.offered, number: 2, baseModel: model ?? baseModel };
  const { cohort, f, eligible, baseModel: from } = offered;
  const eligibleDigest = asDigest(digestOf(canonicalJson(eligible)));
  await world.stores.rounds.offer(offered, {
    type: 'round-offered',
    round: 2,
    baseModel: from,
    cohort,
    eligibleDigest,
    f,
  });
  return { ...world, offered };
}

describe('a staged update that does not reach the rule', () => {
  it.each(['banned', 'revoked'] as const)('of a client that was %s meanwhile is refused as that', async (to) => {
    const world = await openRound({ clients: 6, f: 1 });
    for (const [index, values] of [...honest, far].entries()) await stage(world, memberAt(world.cohort, index), values);
    const client = memberAt(world.cohort, 5).client.id;
    const event = to === 'banned' ? ({ type: 'client-banned', client, by: 'admin' } as const) : undefined;
    const change = { client, from: ['active'], to, reason: null } as const;
    await world.stores.enrolment.changeStatus(change, event ?? { type: 'client-revoked', client });
    const record = await closeRound(await closingOf(world), roomsOf(world));
    expect(record).toMatchObject({ state: 'committed', rule: { m: 2, neighbours: 2 } });
    expect(record.updates.map((update) => update.client)).not.toContain(client);
    expect(record.verdicts[5]).toMatchObject({
      verdict: 'refused',
      code: to,
      layer: 'admission',
      normZ: null,
      suspicion: null,
      score: null,
    });
    // The bytes came, and were charged.
    expect(record.verdicts[5]?.updateDigest).toMatch(/^[0-9a-f]{64}$/);
    const alone = await stagedRound();
    const without = await closeRound(await closingOf(alone), roomsOf(alone));
    expect(record.stepNormL2).toBe(without.stepNormL2);
  });

  it('by a rule of the admin is quarantined: the rule’s n shrinks, and f stays', async () => {
    const world = await openRound({ clients: 6, f: 1 });
    for (const [index, values] of [...honest, far].entries()) await stage(world, memberAt(world.cohort, index), values);
    const rules = [{ name: 'far-off', when: 'cosineToMedian < 0', action: 'quarantine' }] as const;
    const adminRules = accepted(await parseAdminRules(rules));
    const record = await closeRound(await closingOf(world), roomsOf(world, multiKrum, { adminRules }));
    expect(record).toMatchObject({ state: 'committed', f: 1, rule: { m: 2 } });
    expect(record.verdicts[5]).toMatchObject({ verdict: 'quarantined', code: 'quarantined', layer: 'anomaly' });
    expect(record.verdicts[5]?.flags).toContain('rule:far-off');
    expect(record.updates).toHaveLength(5);
  });

  it('can leave too few for f, and the round is abandoned rather than f lowered', async () => {
    const world = await stagedRound();
    const rules = [{ name: 'least', when: 'normZ < -1', action: 'quarantine' }] as const;
    const adminRules = accepted(await parseAdminRules(rules));
    const record = await closeRound(await closingOf(world), roomsOf(world, multiKrum, { adminRules }));
    expect(record).toMatchObject({ state: 'abandoned', code: 'cohort-too-small', f: 1 });
    expect(record.verdicts.filter(({ verdict }) => verdict === 'quarantined')).not.toEqual([]);
  });
});

describe('a round that cannot commit', () => {
  it('is abandoned with too few updates for f: the staged are told so, and the base model stays', async () => {
    const world = await openRound({ clients: 5, f: 1 });
    for (const index of [0, 1, 2, 3]) await stage(world, memberAt(world.cohort, index), honest[index] ?? []);
    const record = await closeRound(await closingOf(world), roomsOf(world));
    expect(record).toMatchObject({ state: 'abandoned', code: 'cohort-too-small', model: null, stepNormL2: null });
    expect(record.rule).toEqual({ name: 'multi-krum', variant: multiKrum.variant, m: null, neighbours: null, pre: [] });
    expect(record.verdicts.map(({ verdict, code, layer }) => [verdict, code, layer])).toEqual([
      ...Array.from({ length: 4 }, () => ['not-selected', 'cohort-too-small', 'rule']),
      ['refused', 'deadline-missed', 'transport'],
    ]);
    expect(await world.stores.models.latest()).toEqual(world.initialModel);
    expect(await world.stores.rounds.record(1)).toEqual(record);
    const last = (await world.stores.ledger.entries()).at(-1);
    const end = { seed, record: digestOf(canonicalJson(record)) };
    expect(last?.event).toEqual({ type: 'round-abandoned', round: 1, code: 'cohort-too-small', ...end });
  });

  it('is abandoned when nobody sent anything', async () => {
    const world = await openRound({ clients: 3 });
    const record = await closeRound(await closingOf(world), roomsOf(world, mean));
    expect(record).toMatchObject({ state: 'abandoned', code: 'cohort-too-small', updates: [] });
    expect(record.verdicts.every(({ code }) => code === 'deadline-missed')).toBe(true);
  });

  it('is abandoned at the gate when float32 overflows, though model and aggregate are finite', async () => {
    const world = await openRound({ clients: 1 });
    const huge = updateFile([3e38, 0, 0, 0, 0, 0]);
    const offered = { ...world.offered, baseModel: await world.blobs.put(huge) };
    await stage(world, memberAt(world.cohort, 0), [3e38, 0, 0, 0, 0, 0]);
    const record = await closeRound({ ...(await closingOf(world)), offered }, roomsOf(world, mean));
    expect(record).toMatchObject({ state: 'abandoned', code: 'gate-failed', model: null });
    expect(record.verdicts[0]).toMatchObject({ verdict: 'not-selected', code: 'gate-failed', layer: 'model' });
    expect(await world.stores.models.versions()).toEqual([world.initialModel]);
  });
});

describe('an aggregate that is not finite', () => {
  it('abandons the round at the gate, before anything is measured by it', async () => {
    const world = await stagedRound();
    const overflowing: AggregationRule = {
      ...mean,
      async aggregate(input) {
        const outcome = await mean.aggregate(input);
        return isRefused(outcome) ? outcome : { ...outcome, values: outcome.values.with(2, Infinity) };
      },
    };
    const record = await closeRound(await closingOf(world), roomsOf(world, overflowing));
    expect(record).toMatchObject({ state: 'abandoned', code: 'gate-failed', aggregation: null });
  });
});

describe('a close that fails', () => {
  it('commits nothing when the store cannot, and the same model when it is tried again', async () => {
    const world = await stagedRound();
    const before = await world.stores.ledger.entries();
    const broken = { ...world.stores.rounds, commit: () => Promise.reject(new Error('disk full')) };
    const closing = await closingOf(world);
    await expect(closeRound(closing, { ...roomsOf(world), rounds: broken })).rejects.toThrow('disk full');
    expect(await world.stores.models.versions()).toEqual([world.initialModel]);
    expect(await world.stores.ledger.entries()).toEqual(before);
    expect(await world.stores.rounds.underWay()).toEqual(world.offered);
    const record = await closeRound(closing, roomsOf(world));
    expect(await world.stores.models.latest()).toMatchObject({ digest: record.model });
  });

  it.each(['update', 'base model'])('throws on a damaged %s, and the round stays under way', async (which) => {
    const world = await stagedRound();
    const [row] = await world.stores.updates.ofRound(1);
    const digest = which === 'update' ? row?.digest : world.offered.baseModel;
    if (!digest) throw new Error('no digest');
    writeFileSync(world.folder.blobFile(digest), updateFile([7, 7, 7, 7, 7, 7]));
    await expect(closeRound(await closingOf(world), roomsOf(world))).rejects.toThrow(InvariantError);
    expect(await world.stores.rounds.underWay()).toEqual(world.offered);
  });
});

describe('the model file of a round', () => {
  it('is the one its digest names, and says where it comes from', async () => {
    const world = await stagedRound();
    const { model } = await closeRound(await closingOf(world), roomsOf(world));
    const bytes = model && (await world.blobs.get(model));
    expect(bytes && createHash('sha256').update(bytes).digest('hex')).toBe(model);
    const metadata = JSON.stringify({ federation, round: '1', parent: world.initialModel.digest });
    expect(Buffer.from(bytes ?? []).toString('latin1')).toContain(`"__metadata__":${metadata}`);
  });
});
