import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { unpackBundle } from '../../server/audit/bundle-form.ts';
import { exportBundle } from '../../server/audit/export-bundle.ts';
import { readFederation, verifyFolder } from '../../server/audit/read-ledger.ts';
import { verifyBundle } from '../../server/audit/verify-bundle.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { asFederationId, type Digest } from '../../shared/ids.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { decodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { runHere } from '../support/captured-command.ts';
import { readFolder } from '../support/data-folders.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { startWorld, type World } from '../support/journey-world.ts';
import { KS_CRITICAL_P_001, ksStatistic } from '../support/kolmogorov-smirnov.ts';
import { pythonWithNumpy } from '../support/python.ts';
import { verifyWithPython } from '../support/verify-with-python.ts';

const python = pythonWithNumpy();
const federation = asFederationId('journeys');
const DELTA = 1e-4;
const ROUNDS = [1, 2, 3];
const release = { noiseMultiplier: 2, samplingRate: 1, steps: 1 };
const epsilonAfter = (rounds: number): number => epsilonOf([{ ...release, steps: rounds }], DELTA);

/** d = 525, updates of norm 0.5 clipped to 0.25, four planned clients of whom three come. */
const privacy = {
  mode: 'central',
  clippingNormL2: 0.25,
  plannedClients: 4,
  noiseMultiplier: 2,
  epsilonBudget: 50,
  delta: DELTA,
};

/** `size`: of the cohort; three clients are there. */
const startCentral = (config: Readonly<Record<string, unknown>> = {}, size = 3): Promise<World> =>
  startWorld({
    clients: 3,
    cohort: { minimum: size, size },
    limits: { trustCoordinator: true },
    config: { rounds: 2, rule: { name: 'mean' }, privacy, retention: { updateRounds: 3 }, ...config },
  });

async function bundleOf(world: World, round: number, withUpdates = false): Promise<Uint8Array> {
  const folder = await readFolder(join(world.dir, 'coordinator'));
  const source = { federation, stores: folder.storeOf(federation), blobs: folder.blobs };
  return accepted(await exportBundle({ round, withUpdates }, source)).bytes;
}

async function modelOf(world: World, digest: Digest | null): Promise<Float32Array> {
  const { blobs } = await readFolder(join(world.dir, 'coordinator'));
  const decoded = decodeSafetensors((digest && (await blobs.get(digest))) ?? new Uint8Array(), world.terms.tensors);
  if (decoded.kind === 'refused') throw new Error('expected a model');
  return decoded.values;
}

/** What the three clients sent, each clipped to 0.25, in plain loops. */
function unNoisedSum(world: World, round: number): Float64Array {
  const sum = new Float64Array(525);
  for (const client of [0, 1, 2]) {
    const update = formulaUpdate(world.terms, client, round);
    const factor = Math.min(1, 0.25 / Math.hypot(...update));
    for (const [i, value] of update.entries()) sum[i] = (sum[i] ?? NaN) + factor * value;
  }
  return sum;
}

/** What others can read shows no update, nor a figure of one. */
async function expectNothingShown(world: World): Promise<void> {
  const records = await Promise.all(ROUNDS.map((round) => world.record(round)));
  for (const [index, record] of records.entries()) {
    expect(record).toMatchObject({ state: 'committed', aggregation: null });
    expect(record.central).toMatchObject({ clippingNormL2: 0.25, plannedClients: 4, nextClippingNormL2: 0.25 });
    for (const { client, organisation, updateDigest, epsilon, ...rest } of record.verdicts) {
      expect([typeof client, organisation, updateDigest?.length]).toEqual(['string', 'clinic', 64]);
      expect(epsilon).toBe(epsilonAfter(index + 1));
      const { verdict, code, layer, flags, ...figures } = rest;
      expect({ verdict, code, layer, flags }).toEqual({ verdict: 'selected', code: null, layer: null, flags: [] });
      expect(Object.values(figures).every((figure) => figure === null)).toBe(true);
    }
  }
  for (const event of await world.events()) {
    if (event.type === 'update-staged') expect(Object.values(event.figures)).toEqual([null, null, null, null]);
  }
  for (const { client } of world.honest) expect(client.epsilon).toBe(epsilonAfter(ROUNDS.length));
}

/** One charge a round on the ledger, between the offer and the commit. */
async function expectPaidBeforePublished(world: World): Promise<void> {
  const events = await world.events();
  const places = (type: string): number[] => events.flatMap((each, place) => (each.type === type ? place : []));
  const [offers, charges, commits] = ['round-offered', 'round-charged', 'round-committed'].map(places);
  expect(charges).toHaveLength(ROUNDS.length);
  charges?.forEach((place, i) => {
    expect(place).toBeGreaterThan(offers?.[i] ?? Infinity);
    expect(place).toBeLessThan(commits?.[i] ?? -Infinity);
  });
  const charged = events.flatMap((each) => (each.type === 'round-charged' ? each.noiseCommitment : []));
  expect(new Set(charged).size).toBe(ROUNDS.length);
  const records = await Promise.all(ROUNDS.map((round) => world.record(round)));
  expect(charged).toEqual(records.map(({ central }) => central?.noiseCommitment));
}

/** The model that clients are given, beside the clipped sum that it should hold. */
async function expectDeclaredNoise(world: World): Promise<void> {
  const draws: number[] = [];
  for (const round of ROUNDS) {
    const { baseModel, model } = await world.record(round);
    const [before, after] = [await modelOf(world, baseModel), await modelOf(world, model)];
    const sum = unNoisedSum(world, round);
    for (const [i, value] of after.entries())
      draws.push(((value - (before[i] ?? NaN)) * 4 - (sum[i] ?? NaN)) / (2 * 0.25));
  }
  expect(draws).toHaveLength(ROUNDS.length * 525);
  expect(ksStatistic(Float64Array.from(draws))).toBeLessThan(KS_CRITICAL_P_001);
  for (const wrong of [2 / 3, 3 / 2])
    expect(ksStatistic(Float64Array.from(draws, (draw) => wrong * draw))).toBeGreaterThan(KS_CRITICAL_P_001);
}

/** On the command line, with a bundle for anybody unless an admin asks for more. */
async function expectPromisesTold(world: World): Promise<void> {
  const dir = join(world.dir, 'coordinator');
  const { stdout } = await runHere('rounds', '--dir', dir);
  expect(stdout).toContain('Privacy after round 3, of one client, add-remove adjacency, delta 0.0001');
  expect(stdout).toMatch(/who runs the coordinator +no protection/);
  const first = await runHere('round', '1', '--dir', dir);
  expect(first.stdout).toContain('clipped to 0.2500, summed, noise multiplier 2.000, over 4 planned clients');
  expect(first.stdout).toContain(epsilonAfter(1).toFixed(3));
  const { privacy: promised } = z
    .object({ privacy: z.unknown() })
    .parse(JSON.parse((await runHere('round', '1', '--dir', dir, '--json')).stdout));
  const epsilon = { modelReader: epsilonAfter(1), ledgerReader: epsilonAfter(1), coordinator: null };
  expect(promised).toMatchObject({ mode: 'central', afterRound: 1, unit: 'client', epsilon });

  const [open, whole] = [join(world.dir, 'open.zip'), join(world.dir, 'whole.zip')];
  expect((await runHere('bundle', 'export', '2', open, '--dir', dir)).stdout).toContain('may be given to anybody');
  const asked = await runHere('bundle', 'export', '2', whole, '--dir', dir, '--with-updates');
  expect(asked.stdout).toContain('give it to whom they may be shown');
  expect((await runHere('bundle', 'verify', open)).stdout).toContain('the aggregate that was released');
  expect((await runHere('bundle', 'verify', whole)).stdout).toContain('noise of the declared size');
}

/** By anybody down to the released aggregate, by an admin down to the un-noised sum. */
async function expectVerified(world: World): Promise<void> {
  const record = await world.record(2);
  const folder = await readFolder(join(world.dir, 'coordinator'));
  const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
  expect(await verifyFolder(stored)).toMatchObject({ kind: 'verified' });

  const open = await bundleOf(world, 2);
  const { blobs } = accepted(await unpackBundle(open));
  const sent = record.updates.map(({ update }) => update);
  expect(sent.filter((update) => blobs.has(update))).toEqual([]);
  const seen = accepted(await verifyBundle(open));
  expect(seen).toMatchObject({ model: record.model, updates: 3, recomputedFrom: 'released-aggregate' });
  expect(seen.cannotKnow.join()).toContain('their sum beside it would undo the noise');

  const whole = await bundleOf(world, 2, true);
  const known = accepted(await verifyBundle(whole));
  expect(known).toMatchObject({ recomputedFrom: 'released-aggregate-and-un-noised-sum' });
  expect(known.cannotKnow.join()).toContain('it is kept nowhere');
  if ('command' in python) expect(verifyWithPython(python.command, [open, whole])).toEqual(['verified', 'verified']);
}

describe('a federation whose coordinator adds the noise', () => {
  it('shows no update, pays before it publishes, and noises every model as declared', async () => {
    await using world = await startCentral({ rounds: ROUNDS.length });
    await expectNothingShown(world);
    await expectPaidBeforePublished(world);
    await expectDeclaredNoise(world);
  });

  it('says what is promised against whom, and can be verified as far as each may look', async () => {
    await using world = await startCentral({ rounds: ROUNDS.length });
    await world.record(ROUNDS.length);
    await expectPromisesTold(world);
    await expectVerified(world);
  });

  it('is verified alike where updates are clipped around the last released aggregate', async () => {
    const rule = { name: 'centered-clipping', options: { tau: 0.25, iterations: 1 }, f: 1 };
    await using world = await startCentral({ rule });
    const record = await world.record(2);
    expect(record.central?.reference).toBe((await world.record(1)).baseModel);
    const bundles = [await bundleOf(world, 2), await bundleOf(world, 2, true)];
    for (const bundle of bundles) expect(await verifyBundle(bundle)).toMatchObject({ kind: 'verified' });
    if ('command' in python) expect(verifyWithPython(python.command, bundles)).toEqual(['verified', 'verified']);
  });

  it('is verified alike where its clipping norm adapts, from one round to the next', async () => {
    const adaptiveClipping = { countNoiseStdDev: 3 };
    await using world = await startCentral({ rounds: 2, privacy: { ...privacy, adaptiveClipping } });
    const [first, second] = [await world.record(1), await world.record(2)];
    expect(first.central?.nextClippingNormL2).not.toBe(0.25);
    expect(second.central?.clippingNormL2).toBe(first.central?.nextClippingNormL2);
    const bundles = [await bundleOf(world, 2), await bundleOf(world, 2, true)];
    for (const bundle of bundles) expect(await verifyBundle(bundle)).toMatchObject({ kind: 'verified' });
    if ('command' in python) expect(verifyWithPython(python.command, bundles)).toEqual(['verified', 'verified']);
  });

  it('trains nobody whose owner does not trust the coordinator, and goes on without that client', async () => {
    await using world = await startCentral({ rounds: 1 }, 4);
    const [wary] = await world.addClients(1, { trustCoordinator: false });
    const record = await world.record(1);
    expect(record).toMatchObject({ state: 'committed', central: { plannedClients: 4 } });
    expect(record.updates).toHaveLength(3);
    const client = wary?.client.id;
    expect(record.verdicts.find((verdict) => verdict.client === client)).toMatchObject({
      verdict: 'refused',
      code: 'budget-exhausted',
    });
    expect(wary?.trainer.asked).toEqual([]);
    expect(() => readFileSync(join(wary?.folder ?? '', 'privacy-ledger.json'))).toThrow(/ENOENT/);
    expect(await world.events()).toContainEqual({ type: 'declined', round: 1, client, code: 'budget-exhausted' });
  });
});
