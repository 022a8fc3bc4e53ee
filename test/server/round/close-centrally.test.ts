import { describe, expect, it } from 'vitest';
import type { AggregationRule } from '../../../server/aggregation/rule.ts';
import { ruleOf } from '../../../server/aggregation/rules.ts';
import { optimiserFor } from '../../../server/optimiser/optimisers.ts';
import { sumNoiseMultiplier } from '../../../server/privacy/adaptive-clipping.ts';
import { centralBudget } from '../../../server/privacy/central-budget.ts';
import { closeRound, type ClosingRooms } from '../../../server/round/close-round.ts';
import { ArrivedUpdates } from '../../../server/update/staging/arrived-updates.ts';
import { withheldFigures } from '../../../server/update/update-figures.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { fillNormals } from '../../../shared/fill-normals.ts';
import { asDigest, type Digest } from '../../../shared/ids.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../../shared/protocol/round-record.ts';
import type { CentralPrivacyTerms } from '../../../shared/protocol/terms.ts';
import { type RandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { decodeSafetensors } from '../../../shared/update-format/safetensors.ts';
import { centralTerms } from '../../support/central-terms.ts';
import { testClock } from '../../support/data-folders.ts';
import { announce, openRound, type OpenRound } from '../../support/open-round.ts';
import { plainKernel } from '../../support/plain-kernel.ts';
import { federation, memberAt, schema, updateFile } from '../../support/small-federation.ts';

const mean = accepted(ruleOf({ name: 'mean' })).made;
const aroundLast = accepted(ruleOf({ name: 'centered-clipping', options: { tau: 2, iterations: 1 } })).made;
/** Every normal draw of it is 0: what comes out is the un-noised aggregate. */
const silent: RandomSource = { uniform: () => 0, fillWords: (words) => words.fill(0) };

interface Wish {
  readonly terms?: Partial<CentralPrivacyTerms>;
  readonly rule?: AggregationRule;
  readonly random?: RandomSource;
  readonly blobs?: OpenRound['blobs'];
}

function roomsOf({ stores, blobs, folder }: OpenRound, wish: Wish): ClosingRooms {
  const arrived = new ArrivedUpdates({ kernel: plainKernel, parameters: 6, memoryBudgetBytes: 1e6 });
  const { rounds, models, releases } = stores;
  const terms = { ...centralTerms, ...wish.terms };
  return {
    federation,
    schema,
    blobs: wish.blobs ?? blobs,
    blobFile: folder.blobFile,
    arrived,
    rule: wish.rule ?? mean,
    optimiser: accepted(optimiserFor({ name: 'plain' })).made,
    rounds,
    models,
    anomaly: null,
    central: {
      terms,
      releases,
      random: wish.random ?? silent,
      budgets: async () => centralBudget(await releases.releases(), terms),
    },
    banSuspects: false,
  };
}

async function close(world: OpenRound, wish: Wish = {}): Promise<RoundRecord> {
  const { stores, offered } = world;
  const closing = {
    offered,
    seed: asDigest('5e'.repeat(32)),
    rows: await stores.updates.ofRound(offered.number),
    turnedAway: new Map(),
    clients: await stores.enrolment.clients(),
    budgets: centralBudget(await stores.releases.releases(), { ...centralTerms, ...wish.terms }),
    bytesReceived: 1,
    closedAt: new Date('2026-03-01T12:01:00.000Z'),
  };
  return await closeRound(closing, roomsOf(world, wish));
}

/** Norms 5, 1 and 10. */
const updates = [
  [3, 4, 0, 0, 0, 0],
  [0, 0, 1, 0, 0, 0],
  [0, 0, 0, -6, 8, 0],
];
/** What clipping to 2 leaves free is taken off as well. */
const LIMIT = 2 * (1 - 2 ** -10);
/** Each clipped to that and added. */
const clippedTotal = [0.6 * LIMIT, 0.8 * LIMIT, 1, -0.6 * LIMIT, 0.8 * LIMIT, 0];
/** Half a step of the noise's grid for the sum and half for its noise, over the planned clients. */
const OFF_GRID = 2 ** -12 / 4;

function drawn(random: RandomSource, count: number): Float64Array {
  const normals = new Float64Array(count);
  fillNormals(random, normals);
  return normals;
}

async function stageWithheld(world: OpenRound, index: number, values: readonly number[]): Promise<void> {
  const sender = memberAt(world.cohort, index);
  const bytes = updateFile(values);
  const update = await announce(world, sender, bytes);
  await world.blobs.put(bytes);
  const at = { round: world.offered.number, client: sender.client.id };
  const event = { type: 'update-staged', ...at, update, figures: withheldFigures } as const;
  await world.stores.updates.stage(at, { figures: withheldFigures, stagedAt: testClock.now() }, event);
}

async function staged(clients = 3): Promise<OpenRound> {
  const world = await openRound({ clients });
  for (const [index, values] of updates.entries()) await stageWithheld(world, index, values);
  return world;
}

async function nextRound(world: OpenRound, { number, model, baseModel }: RoundRecord): Promise<OpenRound> {
  const offered = { ...world.offered, number: number + 1, baseModel: model ?? baseModel };
  const { cohort, f, eligible, baseModel: from } = offered;
  const eligibleDigest = await sha256(canonicalJson(eligible));
  const event = { type: 'round-offered', round: offered.number, baseModel: from, cohort, eligibleDigest, f } as const;
  await world.stores.rounds.offer(offered, event);
  const next = { ...world, offered };
  for (const [index, values] of updates.entries()) await stageWithheld(next, index, values);
  return next;
}

async function valuesOf({ blobs }: OpenRound, digest: Digest | null | undefined): Promise<readonly number[]> {
  const bytes = digest ? await blobs.get(digest) : undefined;
  const decoded = bytes && decodeSafetensors(bytes, schema);
  if (decoded?.kind !== 'decoded') throw new Error('expected values');
  return [...decoded.values];
}

const expectNear = (found: readonly number[], expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs((found[i] ?? NaN) - value)).toBeLessThanOrEqual(OFF_GRID * 1.001);
};

const epsilonAfter = (steps: number): number =>
  epsilonOf([{ noiseMultiplier: 1.5, samplingRate: 1, steps }], centralTerms.delta);

describe('a round under central privacy', () => {
  it('releases the sum of its clipped updates over the planned clients, whoever has sent nothing', async () => {
    for (const clients of [3, 5]) {
      const world = await staged(clients);
      const record = await close(world);
      const released = clippedTotal.map((value) => value / 4);
      expectNear(await valuesOf(world, record.central?.aggregate), released);
      expectNear(await valuesOf(world, record.model), released);
    }
  });

  it('adds noise of multiplier x clipping norm to the sum, before the denominator', async () => {
    const world = await staged();
    const record = await close(world, { random: seededRandomSource(9) });
    const normals = drawn(seededRandomSource(9), 7);
    const expected = clippedTotal.map((value, i) => (value + 1.5 * 2 * (normals[i] ?? NaN)) / 4);
    expectNear(await valuesOf(world, record.model), expected);
  });

  it('clips around the last released aggregate where the rule does, and around zero before there is one', async () => {
    const world = await staged();
    const first = await close(world, { rule: aroundLast });
    const v = await valuesOf(world, first.central?.aggregate);
    expectNear(
      v,
      clippedTotal.map((value) => value / 4),
    );
    expect(first.central?.reference).toBeNull();
    const second = await close(await nextRound(world, first), { rule: aroundLast });
    const expected = v.map((centre, i) => {
      const steps = updates.map((update) => {
        const differences = update.map((value, j) => value - (v[j] ?? NaN));
        return (differences[i] ?? NaN) * Math.min(1, LIMIT / Math.hypot(...differences));
      });
      return centre + steps.reduce((total, step) => total + step, 0) / 4;
    });
    expectNear(await valuesOf(world, second.central?.aggregate), expected);
    expect(second.central?.reference).toBe(world.initialModel.digest);
  });

  it('tells no figure of any update, neither in its record nor on the ledger', async () => {
    const world = await staged();
    const record = await close(world, { random: seededRandomSource(1) });
    expect(record.aggregation).toBeNull();
    for (const verdict of record.verdicts) {
      const { client, organisation, updateDigest, epsilon, verdict: said, flags, ...rest } = verdict;
      expect([said, flags, epsilon]).toEqual(['selected', [], epsilonAfter(1)]);
      expect(Object.values(rest).every((figure) => figure === null)).toBe(true);
      expect([client, organisation, updateDigest].every((text) => typeof text === 'string')).toBe(true);
    }
    const said = JSON.stringify([record, await world.stores.ledger.entries()]);
    // Norms of the updates and of their sum, and a clipped value of it.
    for (const norm of [5, 1, 10, Math.hypot(...clippedTotal)]) expect(said).not.toContain(`"normL2":${norm}`);
    expect(record.aggregateNormL2).not.toBeCloseTo(Math.hypot(...clippedTotal) / 4, 3);
  });

  it('is charged before anything with its noise is published, and never refunded after a crash', async () => {
    const world = await staged();
    const broken = {
      ...world.blobs,
      put: () => Promise.reject(new Error('the disk is full')),
      get: (digest: Digest) => world.blobs.get(digest),
      has: (digest: Digest) => world.blobs.has(digest),
      delete: (digest: Digest) => world.blobs.delete(digest),
    };
    await expect(close(world, { blobs: broken })).rejects.toThrow('the disk is full');
    const [charge] = await world.stores.releases.releases();
    expect(charge).toMatchObject({ round: 1, noiseMultiplier: 1.5 });

    const record = await close(world);
    const charges = await world.stores.releases.releases();
    expect(charges).toHaveLength(2);
    expect(record.central?.noiseCommitment).toBe(charges[1]?.noiseCommitment);
    expect(charges[0]?.noiseCommitment).not.toBe(charges[1]?.noiseCommitment);
    for (const { epsilon } of record.verdicts) expect(epsilon).toBe(epsilonAfter(2));
  });

  it('is abandoned as budget-exhausted where it would pass the budget, with nothing charged or released', async () => {
    const terms = { epsilonBudget: epsilonAfter(1) };
    const world = await staged();
    const first = await close(world, { terms });
    expect(first.state).toBe('committed');
    const second = await close(await nextRound(world, first), { terms });
    expect(second).toMatchObject({ state: 'abandoned', code: 'budget-exhausted', model: null, central: null });
    for (const { verdict, epsilon } of second.verdicts)
      expect([verdict, epsilon]).toEqual(['not-selected', epsilonAfter(1)]);
    expect(await world.stores.releases.releases()).toHaveLength(1);
  });

  it('is abandoned without a charge where too few updates came', async () => {
    const world = await openRound({ clients: 3 });
    const record = await close(world);
    expect(record).toMatchObject({ state: 'abandoned', code: 'cohort-too-small' });
    expect(await world.stores.releases.releases()).toEqual([]);
  });

  it('leaves out who was barred meanwhile, and nobody for what was sent', async () => {
    const world = await openRound({ clients: 3 });
    // Twice the same and one far out: other privacy would flag all of them.
    for (const [index, values] of [
      [1, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 1],
      [9, 9, 9, 9, 9, 9],
    ].entries())
      await stageWithheld(world, index, values);
    const barred = memberAt(world.cohort, 0).client.id;
    const change = { client: barred, from: ['active'], to: 'banned', reason: null } as const;
    await world.stores.enrolment.changeStatus(change, { type: 'client-banned', client: barred, by: 'admin' });
    const record = await close(world);
    expect(record.verdicts.map(({ verdict, code, flags }) => [verdict, code, flags])).toEqual([
      ['refused', 'banned', []],
      ['selected', null, []],
      ['selected', null, []],
    ]);
  });
});

describe('a round whose clipping norm adapts', () => {
  const adaptiveClipping = { quantile: 0.5, learningRate: 0.2, countNoiseStdDev: 2 };
  const terms = { adaptiveClipping };

  it('records the norm it used and the one it leaves, and the next round uses that', async () => {
    const world = await staged();
    const first = await close(world, { terms });
    // One of three is within 2: the count is -1/2 of 4 planned clients.
    const next = 2 * Math.exp(-0.2 * (0.5 - 0.5 / 4 - 0.5));
    expect(first.central?.clippingNormL2).toBe(2);
    expect(first.central?.nextClippingNormL2).toBeCloseTo(next, 12);
    const second = await close(await nextRound(world, first), { terms });
    expect(second.central?.clippingNormL2).toBe(first.central?.nextClippingNormL2);
  });

  it('goes on from the last release over a round that was abandoned', async () => {
    const world = await staged();
    const first = await close(world, { terms });
    const stopped = await close(await nextRound(world, first), { terms: { ...terms, epsilonBudget: 1e-3 } });
    expect(stopped.state).toBe('abandoned');
    const third = await close(await nextRound(world, stopped), { terms });
    expect(third.central?.clippingNormL2).toBe(first.central?.nextClippingNormL2);
  });

  it('gives the sum as much more noise as the count has taken, at the price of one release', async () => {
    const world = await staged();
    const record = await close(world, { terms, random: seededRandomSource(9) });
    const normals = drawn(seededRandomSource(9), 7);
    const stdDev = sumNoiseMultiplier({ noiseMultiplier: 1.5, adaptiveClipping }) * 2;
    expect(stdDev).toBeGreaterThan(3.1);
    const expected = clippedTotal.map((value, i) => (value + stdDev * (normals[i] ?? NaN)) / 4);
    expectNear(await valuesOf(world, record.model), expected);
    // The count has a draw of its own.
    const share = 0.5 + (-0.5 + 2 * (normals[6] ?? NaN)) / 4;
    expect(record.central?.nextClippingNormL2).toBeCloseTo(2 * Math.exp(-0.2 * (share - 0.5)), 4);
    expect(await world.stores.releases.releases()).toHaveLength(1);
  });
});
