import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type ClientStore,
  privacyLedgerEntrySchema,
  type RoundEntry,
} from '../../client-sdk/participation/client-store.ts';
import { nodeClientStore } from '../../client-sdk/platform/node-client-store.ts';
import type { Trainer, TrainingTask } from '../../client-sdk/training/trainer.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { asDigest, asFederationId } from '../../shared/ids.ts';
import type { UploadChunk } from '../../shared/protocol/messages.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import type { FederationTerms, LocalPrivacyTerms } from '../../shared/protocol/terms.ts';
import { settlement } from '../../shared/settlement.ts';
import { centralTerms } from '../support/central-terms.ts';
import { Arrivals } from '../support/arrivals.ts';
import { FakeCoordinator, fakeTerms, federation } from '../support/fake-coordinator.ts';
import { roundsIn } from '../support/privacy-ledgers.ts';
import { type ClientChoice, joinClient, openClient, type SdkClient } from '../support/sdk-client.ts';

const event = { noiseMultiplier: 1, samplingRate: 0.1, steps: 4 };
const epsilonOfRounds = (rounds: number): number =>
  epsilonOf(
    Array.from({ length: rounds }, () => event),
    1e-4,
  );

const localPrivacy = (epsilonBudget: number): LocalPrivacyTerms => ({
  mode: 'local',
  noiseMultiplier: event.noiseMultiplier,
  epsilonBudget,
  delta: 1e-4,
  adjacency: 'add-remove',
  unit: 'example',
  void: false,
});

const ledgerIn = (folder: string): readonly RoundEntry[] => {
  const text = readFileSync(join(folder, 'privacy-ledger.json'), 'utf8');
  return roundsIn(z.array(privacyLedgerEntrySchema).parse(JSON.parse(text)));
};
const statesIn = (folder: string): readonly string[] =>
  ledgerIn(folder).map(({ federation: of, round, state }) => `${of} ${round} ${state}`);
const submissionsIn = (folder: string): readonly string[] => readdirSync(join(folder, 'submissions')).toSorted();

/** What one upload consisted of, put together again. */
function bytesOf(chunks: readonly UploadChunk[]): string {
  const pieces = new Map(chunks.map(({ offset, bytes }) => [offset, Buffer.from(bytes).toString('hex')]));
  return [...pieces]
    .toSorted(([a], [b]) => a - b)
    .map(([, hex]) => hex)
    .join('');
}

async function staged({ ends }: FakeCoordinator): Promise<void> {
  await ends.next();
}

/** Offered, trained, sent, closed and reported. */
async function runRound(coordinator: FakeCoordinator, { trainer, reports }: SdkClient, round: number): Promise<void> {
  coordinator.offerRound(round);
  (await trainer.trainings.next()).finish();
  await staged(coordinator);
  coordinator.closeRound(round);
  await reports.next();
}

/** A trainer that does not listen to its signal: its first training lasts until `end`. */
function stubborn(): { trainer: Trainer; began: Arrivals<number>; end: () => void } {
  const { promise: busy, resolve: end } = settlement<void>();
  const began = new Arrivals<number>();
  const train = async ({ round, baseModel }: TrainingTask): Promise<Float32Array> => {
    began.push(round);
    if (began.all.length === 1) await busy;
    return baseModel;
  };
  return { trainer: { train }, began, end };
}

/** The client ends when its update has been written and before it is spent. */
const killedAfterWriting = (store: ClientStore): ClientStore => ({
  ...store,
  writeSubmission: async (submission) => {
    await store.writeSubmission(submission);
    throw new Error('killed');
  },
});

interface Started extends SdkClient {
  readonly coordinator: FakeCoordinator;
}

async function started(choice: ClientChoice = {}): Promise<Started> {
  const coordinator = await FakeCoordinator.start();
  return { coordinator, ...(await joinClient(coordinator, choice)) };
}

describe('taking part', () => {
  it('trains on the base model under the terms, sends the update, reports the verdict and what it cost', async () => {
    const { coordinator, client, trainer, reports } = await started();
    coordinator.offerRound(1);
    const { task, finish } = await trainer.trainings.next();
    expect(task).toMatchObject({ round: 1, schema: fakeTerms.tensors, training: fakeTerms.training });
    expect([task.baseModel.length, task.baseModel[1999]]).toEqual([2_000, 1999 / 16]);
    expect(client.epsilon).toBe(0);
    finish();
    await staged(coordinator);
    coordinator.closeRound(1, 'not-selected');
    expect(await reports.next()).toEqual({
      round: 1,
      verdict: 'not-selected',
      code: null,
      declined: null,
      state: 'committed',
      modelDigest: coordinator.modelDigest,
      epsilon: epsilonOfRounds(1),
    });
    expect(task.signal.aborted).toBe(true);
  });

  it('takes the offer that comes with the join', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.offer = coordinator.offerOf(3);
    const { trainer } = await joinClient(coordinator);
    expect((await trainer.trainings.next()).task.round).toBe(3);
  });

  it('takes an offer that arrives together with the answer to the join, the first and a later one', async () => {
    const coordinator = await FakeCoordinator.start();
    let round = 0;
    coordinator.always('join', async (honest) => {
      const answer = await honest();
      const offer = coordinator.offerOf(++round);
      process.nextTick(() => coordinator.send('round-offered', offer));
      return answer;
    });
    const { trainer, reports } = await joinClient(coordinator);
    (await trainer.trainings.next()).finish();
    await staged(coordinator);
    coordinator.breakConnections();
    expect(await reports.next()).toMatchObject({ round: 1, verdict: null, state: null });
    const { task } = await trainer.trainings.next();
    expect([task.round, task.signal.aborted]).toEqual([2, false]);
  });

  it('trains once when a round is offered twice', async () => {
    const { coordinator, trainer, reports } = await started();
    coordinator.offerRound(1);
    coordinator.offerRound(1);
    const { finish } = await trainer.trainings.next();
    coordinator.offerRound(1);
    finish();
    await staged(coordinator);
    coordinator.offerRound(1);
    coordinator.closeRound(1);
    await reports.next();
    expect([trainer.asked, coordinator.begins.all.length]).toEqual([[1], 1]);
  });

  it('drops what it is training for a later round, and sends nothing of it', async () => {
    const { coordinator, trainer, folder } = await started();
    coordinator.offerRound(1);
    const first = await trainer.trainings.next();
    coordinator.offerRound(2);
    const second = await trainer.trainings.next();
    expect([first.task.signal.aborted, second.task.round, second.task.signal.aborted]).toEqual([true, 2, false]);
    second.finish();
    await staged(coordinator);
    expect(coordinator.begins.all.map(({ round }) => round)).toEqual([2]);
    expect(statesIn(folder)).toEqual(['study 2 spent']);
  });

  it('begins a later round only when the trainer has ended the one before', async () => {
    const { trainer, began, end } = stubborn();
    const { coordinator, reports, folder } = await started({ trainer });
    coordinator.offerRound(1);
    await began.next();
    coordinator.closeRound(1);
    await reports.next();
    coordinator.offerRound(2);
    // As much time as it would need to begin, and more.
    const meanwhile = await started();
    await runRound(meanwhile.coordinator, meanwhile, 1);
    expect(began.all).toEqual([1]);
    end();
    await staged(coordinator);
    expect([began.all, coordinator.begins.all.map(({ round }) => round)]).toEqual([[1, 2], [2]]);
    // What the first came to is not even written.
    expect(submissionsIn(folder)).toEqual(['study.2.json', 'study.2.safetensors']);
  });

  it('gives up training and sends nothing when the round closes meanwhile', async () => {
    const { coordinator, trainer, reports, folder } = await started();
    coordinator.offerRound(1);
    const { task } = await trainer.trainings.next();
    coordinator.closeRound(1, 'refused');
    expect(await reports.next()).toMatchObject({ round: 1, verdict: 'refused', epsilon: 0 });
    expect(task.signal.aborted).toBe(true);
    coordinator.offerRound(2);
    await trainer.trainings.next();
    expect([coordinator.begins.all, statesIn(folder)]).toEqual([[], ['study 2 reserved']]);
  });

  it('stops an upload when the round closes in its middle, and goes on with the next', async () => {
    const { coordinator, trainer, reports } = await started();
    coordinator.once('upload-chunk', async (honest) => {
      coordinator.closeRound(1);
      return await honest();
    });
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    expect(await reports.next()).toMatchObject({ round: 1, epsilon: epsilonOfRounds(1) });
    coordinator.offerRound(2);
    (await trainer.trainings.next()).finish();
    await staged(coordinator);
    expect(coordinator.ends.all.map(({ round }) => round)).toEqual([2]);
  });

  it('reports a round that ended while it was away, without a verdict', async () => {
    const { coordinator, trainer, reports } = await started();
    coordinator.offerRound(1);
    const { task } = await trainer.trainings.next();
    coordinator.offer = null;
    coordinator.breakConnections();
    expect(await reports.next()).toMatchObject({ round: 1, verdict: null, code: null, state: null });
    expect(task.signal.aborted).toBe(true);
  });

  it('goes on training through a broken connection while its round is open', async () => {
    const { coordinator, trainer } = await started();
    coordinator.offerRound(1);
    const { task, finish } = await trainer.trainings.next();
    coordinator.breakConnections();
    await coordinator.joins.next();
    await coordinator.joins.next();
    finish();
    await staged(coordinator);
    expect([trainer.asked, task.round]).toEqual([[1], 1]);
  });

  it('ignores messages of another federation', async () => {
    const { coordinator, trainer, reports } = await started();
    const other = asFederationId('other-study');
    const { modelDigest, ledger } = coordinator;
    coordinator.offerRound(1);
    const { task } = await trainer.trainings.next();
    coordinator.send('round-offered', { ...coordinator.offerOf(2), federation: other });
    coordinator.send('round-closed', {
      federation: other,
      round: 1,
      state: 'abandoned',
      modelDigest,
      checkpoint: ledger.note,
    });
    coordinator.send('round-withheld', { federation: other, round: 2, code: 'budget-exhausted', comeBackInMs: null });
    coordinator.send('federation-finished', { federation: other });
    coordinator.closeRound(1);
    expect(await reports.next()).toMatchObject({ round: 1, state: 'committed' });
    expect([task.round, trainer.asked, reports.all.length]).toEqual([1, [1], 1]);
  });

  it('reports a round that it is not offered, with the reason', async () => {
    const { coordinator, reports, trainer } = await started();
    coordinator.send('round-withheld', { federation, round: 4, code: 'budget-exhausted', comeBackInMs: null });
    expect(await reports.next()).toMatchObject({ round: 4, verdict: null, code: 'budget-exhausted', state: null });
    expect(trainer.asked).toEqual([]);
  });

  it('gives its reports to whoever iterates, and ends the iteration when all rounds have been run', async () => {
    const world = await started();
    const { coordinator, client } = world;
    const rounds = client.rounds();
    await runRound(coordinator, world, 1);
    await runRound(coordinator, world, 2);
    coordinator.send('federation-finished', { federation });
    const heard: number[] = [];
    for await (const { round } of rounds) heard.push(round);
    expect(heard).toEqual([1, 2]);
    await client.finished;
  });
});

describe('what is on disk before the first byte leaves', () => {
  it('the reservation before training, the update and its spending before the statement is sent', async () => {
    const { coordinator, trainer, folder } = await started();
    const seen: unknown[] = [];
    coordinator.once('upload-begin', (honest) => {
      seen.push(statesIn(folder), submissionsIn(folder));
      return honest();
    });
    coordinator.offerRound(1);
    const { finish } = await trainer.trainings.next();
    expect([statesIn(folder), submissionsIn(folder)]).toEqual([['study 1 reserved'], []]);
    finish();
    await staged(coordinator);
    expect(seen).toEqual([['study 1 spent'], ['study.1.json', 'study.1.safetensors']]);
  });

  it('nothing leaves when the update cannot be written, and the fault is told', async () => {
    const broken = new Error('no space left on device');
    const { coordinator, client, trainer, folder } = await started({
      around: (store) => ({ ...store, writeSubmission: () => Promise.reject(broken) }),
    });
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await expect(client.finished).rejects.toBe(broken);
    expect([coordinator.begins.all, statesIn(folder)]).toEqual([[], ['study 1 reserved']]);
  });

  it('nothing leaves when the spending cannot be written', async () => {
    const broken = new Error('no space left on device');
    let writes = 0;
    const { coordinator, client, trainer } = await started({
      around: (store) => ({
        ...store,
        writePrivacyLedger: async (entries) => {
          if (++writes > 1) throw broken;
          await store.writePrivacyLedger(entries);
        },
      }),
    });
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await expect(client.finished).rejects.toBe(broken);
    expect(coordinator.begins.all).toEqual([]);
  });

  it('nothing is spent while there is nobody to send the update to', async () => {
    const { coordinator, client, trainer, folder, reports } = await started();
    coordinator.offerRound(1);
    const { finish } = await trainer.trainings.next();
    coordinator.always('join', () => undefined);
    coordinator.breakConnections();
    await coordinator.joins.next();
    await coordinator.joins.next();
    finish();
    // The round ends meanwhile; the coordinator lets the client in again only then.
    coordinator.offer = null;
    coordinator.always('join', (honest) => honest());
    expect(await reports.next()).toMatchObject({ round: 1, epsilon: 0 });
    await client.leave();
    expect([coordinator.begins.all, statesIn(folder)]).toEqual([[], ['study 1 reserved']]);
  });

  it('submissions of earlier rounds are dropped', async () => {
    const world = await started();
    await runRound(world.coordinator, world, 1);
    await runRound(world.coordinator, world, 2);
    expect(submissionsIn(world.folder)).toEqual(['study.2.json', 'study.2.safetensors']);
  });
});

describe('a client that comes back on its folder', () => {
  it('sends the same bytes under the same signature when it was lost after spending, and never trains again', async () => {
    const { coordinator, client, trainer, folder } = await started();
    // The receipt is lost with the client.
    coordinator.once('upload-end', () => undefined);
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await staged(coordinator);
    await client.leave();
    const first = bytesOf(coordinator.chunks.all);
    coordinator.chunks.all.length = 0;
    const again = await joinClient(coordinator, { folder });
    await staged(coordinator);
    expect(again.client.id).toBe(client.id);
    expect(new Set(coordinator.begins.all.map(({ signature }) => signature)).size).toBe(1);
    expect(first.endsWith(bytesOf(coordinator.chunks.all))).toBe(true);
    expect([again.trainer.asked, statesIn(folder), again.client.epsilon]).toEqual([
      [],
      ['study 1 spent'],
      epsilonOfRounds(1),
    ]);
  });

  it('sends what was written and reserved but not yet sent, and spends it once', async () => {
    const { coordinator, client, folder, trainer } = await started({ around: killedAfterWriting });
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await expect(client.finished).rejects.toThrow('killed');
    expect(statesIn(folder)).toEqual(['study 1 reserved']);
    const again = await joinClient(coordinator, { folder });
    await staged(coordinator);
    expect([again.trainer.asked, statesIn(folder)]).toEqual([[], ['study 1 spent']]);
  });

  it('trains anew when it was lost before anything was written, and spends once', async () => {
    const { coordinator, client, trainer, folder } = await started();
    coordinator.offerRound(1);
    await trainer.trainings.next();
    await client.leave();
    expect(statesIn(folder)).toEqual(['study 1 reserved']);
    const again = await joinClient(coordinator, { folder });
    (await again.trainer.trainings.next()).finish();
    await staged(coordinator);
    expect(statesIn(folder)).toEqual(['study 1 spent']);
  });

  it('declines a round that it has spent and whose update is gone: it cannot be trained a second time', async () => {
    const { coordinator, client, trainer, folder } = await started();
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await staged(coordinator);
    await client.leave();
    await (await nodeClientStore(folder)).dropSubmissionsExcept(federation, null);
    const again = await joinClient(coordinator, { folder });
    expect(await coordinator.declines.next()).toEqual({ federation, round: 1, code: 'replayed' });
    expect([again.trainer.asked, statesIn(folder)]).toEqual([[], ['study 1 spent']]);
  });

  it('spends for a private update though the terms of a later join declare no privacy', async () => {
    const { coordinator, client, folder, trainer } = await started({ around: killedAfterWriting });
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await expect(client.finished).rejects.toThrow('killed');
    coordinator.terms = { ...fakeTerms, privacy: { mode: 'none' } };
    await joinClient(coordinator, { folder, allowNoPrivacy: true });
    await staged(coordinator);
    expect(coordinator.begins.all[0]?.envelope.privacy).not.toBeNull();
    expect(statesIn(folder)).toEqual(['study 1 spent']);
  });

  it.each([
    [
      'that is not private when it is no longer allowed to, whatever the terms',
      { mode: 'none' },
      { allowNoPrivacy: true },
    ],
    [
      'that its coordinator should add noise to when that is no longer trusted',
      centralTerms,
      { trustCoordinator: true },
    ],
  ] as const)('does not send an update %s', async (_title, privacy, allowed) => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy };
    const first = await joinClient(coordinator, { around: killedAfterWriting, ...allowed });
    coordinator.offerRound(1);
    (await first.trainer.trainings.next()).finish();
    await expect(first.client.finished).rejects.toThrow('killed');
    const { folder } = first;
    const second = await joinClient(coordinator, { folder });
    expect((await coordinator.declines.next()).code).toBe('budget-exhausted');
    expect([second.trainer.asked, coordinator.begins.all, submissionsIn(folder)]).toEqual([[], [], []]);
  });

  it.each([
    ['trains anew for another base model what was never sent', false],
    ['declines on another base model what it has spent', true],
  ])('%s', async (_title, sent) => {
    const { coordinator, client, folder, trainer } = await started(sent ? {} : { around: killedAfterWriting });
    const real = coordinator.offerOf(1);
    const store = await nodeClientStore(folder);
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    if (sent) await staged(coordinator);
    else await expect(client.finished).rejects.toThrow('killed');
    await client.leave();
    const written = await store.submission(federation, 1);
    if (!written) throw new Error('expected a written update');
    // As if it had been trained on a model that the round no longer starts from.
    const envelope = { ...written.envelope, baseModelDigest: asDigest('ab'.repeat(32)) };
    await store.writeSubmission({ ...written, envelope });
    const begun = coordinator.begins.all.length;
    const again = await joinClient(coordinator, { folder });
    if (sent) {
      expect(await coordinator.declines.next()).toEqual({ federation, round: 1, code: 'replayed' });
      expect([again.trainer.asked, coordinator.begins.all.length]).toEqual([[], begun]);
      return;
    }
    (await again.trainer.trainings.next()).finish();
    await staged(coordinator);
    expect(coordinator.begins.all.at(-1)?.envelope.baseModelDigest).toBe(real.baseModelDigest);
    expect(statesIn(folder)).toEqual(['study 1 spent']);
  });

  it('does not send an update whose reservation another federation has displaced: it would go uncounted', async () => {
    const { coordinator, client, trainer, folder } = await started();
    coordinator.offerRound(1);
    const first = await trainer.trainings.next();
    const store = await nodeClientStore(folder);
    await client.leave();
    expect(first.task.signal.aborted).toBe(true);
    const elsewhere = await started();
    elsewhere.coordinator.offerRound(1);
    (await elsewhere.trainer.trainings.next()).finish();
    await staged(elsewhere.coordinator);
    const written = await (await nodeClientStore(elsewhere.folder)).submission(federation, 1);
    if (!written) throw new Error('expected a written update');
    await store.writeSubmission(written);
    const other = asFederationId('other-study');
    const unsaid = { client: null, dataset: null, examples: null };
    await store.writePrivacyLedger([{ federation: other, round: 7, ...event, state: 'spent', ...unsaid }]);
    const again = await joinClient(coordinator, { folder });
    (await again.trainer.trainings.next()).finish();
    await staged(coordinator);
    expect(coordinator.begins.all[0]?.signature).not.toBe(written.signature);
    expect([statesIn(folder), again.client.epsilon]).toEqual([
      ['other-study 7 spent', 'study 1 spent'],
      epsilonOfRounds(2),
    ]);
  });
});

describe('the budget', () => {
  it('of the data’s owner declines a round before anything is trained or downloaded', async () => {
    const world = await started({ maxEpsilon: epsilonOfRounds(1) });
    const { coordinator, trainer, reports, client } = world;
    await runRound(coordinator, world, 1);
    const downloads = coordinator.downloads.all.length;
    coordinator.offerRound(2);
    expect(await coordinator.declines.next()).toEqual({ federation, round: 2, code: 'budget-exhausted' });
    coordinator.closeRound(2, 'refused');
    await reports.next();
    expect([trainer.asked, coordinator.downloads.all.length]).toEqual([[1], downloads]);
    expect(client.epsilon).toBe(epsilonOfRounds(1));
  });

  it('of the federation holds where the owner allows more', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy: localPrivacy(epsilonOfRounds(1) / 2) };
    const { trainer } = await joinClient(coordinator, { maxEpsilon: 1_000 });
    coordinator.offerRound(1);
    expect((await coordinator.declines.next()).code).toBe('budget-exhausted');
    expect(trainer.asked).toEqual([]);
  });

  it('declines again when the answer to it is lost', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.once('decline', () => coordinator.breakConnections());
    coordinator.once('decline', () => undefined);
    await joinClient(coordinator, { maxEpsilon: 0.001 });
    coordinator.offerRound(1);
    for (let i = 0; i < 3; i++) await coordinator.declines.next();
    expect(new Set(coordinator.declines.all.map(({ round }) => round))).toEqual(new Set([1]));
  });

  it('of a federation that declares none is not taken unless the owner allows it: declined, and told why', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy: { mode: 'none' } };
    const { trainer, reports } = await joinClient(coordinator);
    coordinator.offerRound(1);
    expect(await coordinator.declines.next()).toEqual({ federation, round: 1, code: 'budget-exhausted' });
    coordinator.closeRound(1, 'refused');
    const { declined } = await reports.next();
    expect(declined).toMatchObject({ code: 'budget-exhausted', message: expect.stringContaining('no privacy') });
    expect([trainer.asked, coordinator.downloads.all]).toEqual([[], []]);
  });

  it('means nothing at a delta beyond what the owner allows: declined, and told why', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy: { ...localPrivacy(50), delta: 0.01 } };
    const { trainer, reports } = await joinClient(coordinator, { maxDelta: 0.0099 });
    coordinator.offerRound(1);
    expect((await coordinator.declines.next()).code).toBe('budget-exhausted');
    coordinator.closeRound(1, 'refused');
    const { declined } = await reports.next();
    expect(declined).toMatchObject({ message: expect.stringContaining('delta'), found: 'delta 0.01' });
    expect([trainer.asked, coordinator.downloads.all]).toEqual([[], []]);
  });

  it('is told of in the report of the round that was declined and of no later one', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy: localPrivacy(0.001) };
    const world = await joinClient(coordinator);
    coordinator.offerRound(1);
    await coordinator.declines.next();
    coordinator.terms = fakeTerms;
    coordinator.closeRound(1, 'refused');
    expect((await world.reports.next()).declined).not.toBeNull();
    coordinator.offer = coordinator.offerOf(2);
    coordinator.breakConnections();
    (await world.trainer.trainings.next()).finish();
    await staged(coordinator);
    coordinator.closeRound(2);
    expect(await world.reports.next()).toMatchObject({ round: 2, declined: null });
  });

  it('plays no part where the federation declares no privacy', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy: { mode: 'none' } };
    const world = await joinClient(coordinator, { maxEpsilon: 0, allowNoPrivacy: true });
    await runRound(coordinator, world, 1);
    expect([world.client.epsilon, world.reports.all[0]?.epsilon]).toEqual([null, null]);
    expect(coordinator.begins.all[0]?.envelope.privacy).toBeNull();
  });

  it('is charged, but shown to nobody as privacy, where the run voids it', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy: { ...localPrivacy(50), void: true } };
    const world = await joinClient(coordinator);
    await runRound(coordinator, world, 1);
    expect([world.client.epsilon, world.reports.all[0]?.epsilon, statesIn(world.folder)]).toEqual([
      null,
      null,
      ['study 1 spent'],
    ]);
  });
});

describe('terms that change', () => {
  /** Joins under the usual terms, joins again under `changed`, and is offered a round. */
  async function rejoined(changed: Partial<FederationTerms>, choice: ClientChoice = {}): Promise<Started> {
    const world = await started(choice);
    world.coordinator.terms = { ...fakeTerms, ...changed };
    world.coordinator.offer = world.coordinator.offerOf(1);
    world.coordinator.breakConnections();
    return world;
  }

  it.each<[string, Partial<FederationTerms>]>([
    ['training.samplingRate', { training: { ...fakeTerms.training, samplingRate: 0.2 } }],
    ['training.optimiser', { training: { ...fakeTerms.training, optimiser: { name: 'sgd' } } }],
    ['privacy.noiseMultiplier', { privacy: { ...localPrivacy(50), noiseMultiplier: 0.9 } }],
    ['privacy.delta', { privacy: { ...localPrivacy(50), delta: 1e-5 } }],
    ['privacy.void', { privacy: { ...localPrivacy(50), void: true } }],
    ['privacy.mode', { privacy: { mode: 'none' } }],
  ])('since the first join in %s decline the round, and the report names it', async (key, changed) => {
    const { coordinator, trainer, reports } = await rejoined(changed, { allowNoPrivacy: true });
    expect((await coordinator.declines.next()).round).toBe(1);
    coordinator.closeRound(1, 'refused');
    const { declined } = await reports.next();
    expect(declined).toMatchObject({ code: 'wrong-terms', expected: expect.stringContaining(key) });
    expect([trainer.asked, coordinator.downloads.all]).toEqual([[], []]);
  });

  it('are remembered over a restart of the client', async () => {
    const { coordinator, client, folder } = await started();
    await client.leave();
    coordinator.terms = { ...fakeTerms, privacy: { ...localPrivacy(50), noiseMultiplier: 0.9 } };
    coordinator.offer = coordinator.offerOf(1);
    const again = await joinClient(coordinator, { folder });
    await coordinator.declines.next();
    expect(again.trainer.asked).toEqual([]);
  });

  it('in what may be amended, rounds and budget, are followed', async () => {
    const { trainer } = await rejoined({ privacy: localPrivacy(60), rounds: 20 });
    expect((await trainer.trainings.next()).task.round).toBe(1);
  });
});

describe('rounds that the coordinator has charged', () => {
  it('are spent where a restored folder has forgotten them, before anything is trained', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.chargedRounds = [1, 2, 5];
    coordinator.offer = coordinator.offerOf(6);
    const { client, folder } = await joinClient(coordinator, { maxEpsilon: epsilonOfRounds(3) });
    await coordinator.declines.next();
    expect(statesIn(folder)).toEqual(['study 1 spent', 'study 2 spent', 'study 5 spent']);
    expect(client.epsilon).toBe(epsilonOfRounds(3));
  });
});

describe('rounds that a restored coordinator has not charged', () => {
  /** A client that has spent rounds 1 and 2, and a coordinator that was restored from a backup of before. */
  async function restored(
    countedRounds: number[] | undefined,
    privacy: FederationTerms['privacy'],
    { rounds } = fakeTerms,
  ): Promise<Started> {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = { ...fakeTerms, privacy };
    const choice = { trustCoordinator: true };
    const before = await joinClient(coordinator, choice);
    for (const round of [1, 2]) await runRound(coordinator, before, round);
    await before.client.leave();
    coordinator.countedRounds = countedRounds;
    coordinator.terms = { ...coordinator.terms, rounds };
    coordinator.offer = coordinator.offerOf(3);
    return { coordinator, ...(await joinClient(coordinator, { ...choice, folder: before.folder })) };
  }

  it.each([
    ['local', localPrivacy(50)],
    ['central', centralTerms],
  ])('are stated to it at the next join, before anything is trained: %s privacy', async (_, privacy) => {
    const { coordinator, trainer, folder } = await restored([1], privacy);
    expect((await trainer.trainings.next()).task.round).toBe(3);
    expect(coordinator.spent.all.map(({ rounds }) => rounds)).toEqual([[2]]);
    expect(statesIn(folder)).toEqual(['study 1 spent', 'study 2 spent', 'study 3 reserved']);
  });

  it('are left out where the federation has no such rounds any more, as its coordinator would refuse them all', async () => {
    const { coordinator, trainer } = await restored([], localPrivacy(50), { ...fakeTerms, rounds: 1 });
    await trainer.trainings.next();
    expect(coordinator.spent.all.map(({ rounds }) => rounds)).toEqual([[1]]);
  });

  it('are none where they all count there, nor where the noise was seeded, nor where it has forgotten nothing', async () => {
    const worlds = [
      await restored([1, 2], localPrivacy(50)),
      await restored([], { ...localPrivacy(50), void: true }),
      await restored(undefined, localPrivacy(50)),
      await restored(undefined, centralTerms),
    ];
    for (const { coordinator, trainer } of worlds) {
      await trainer.trainings.next();
      expect(coordinator.spent.all).toEqual([]);
    }
  });

  it('keep nobody from taking part, where a coordinator of another build knows of no such statement', async () => {
    const first = await started();
    await runRound(first.coordinator, first, 1);
    await first.client.leave();
    first.coordinator.countedRounds = [];
    first.coordinator.always('spent-rounds', () => refuse('malformed-message'));
    first.coordinator.offer = first.coordinator.offerOf(2);
    const again = await joinClient(first.coordinator, { folder: first.folder });
    expect((await again.trainer.trainings.next()).task.round).toBe(2);
    expect(first.coordinator.spent.all).toHaveLength(1);
  });
});

describe('ending', () => {
  it('with a trainer that throws: the client stops and says why', async () => {
    const { coordinator, client, trainer } = await started();
    coordinator.offerRound(1);
    const { fail } = await trainer.trainings.next();
    fail(new Error('out of memory'));
    await expect(client.finished).rejects.toThrow('out of memory');
    expect(coordinator.begins.all).toEqual([]);
  });

  it('with a model that is not the one of its digest: it is refused, not trained on', async () => {
    const { coordinator, client, trainer } = await started();
    coordinator.download = (response) => response.end('another model');
    coordinator.offerRound(1);
    await expect(client.finished).rejects.toBeInstanceOf(RefusedError);
    await expect(client.finished).rejects.toMatchObject({ refusal: { code: 'bad-digest' } });
    expect(trainer.asked).toEqual([]);
  });

  it('does not come of a model that cannot be had for a while', async () => {
    const { coordinator, trainer } = await started();
    let attempts = 0;
    coordinator.download = (response, honest) => (++attempts < 3 ? response.writeHead(503).end() : honest());
    coordinator.offerRound(1);
    await trainer.trainings.next();
    expect(attempts).toBe(3);
  });

  it('when the coordinator will not have it any more after a broken connection', async () => {
    const { coordinator, client, trainer } = await started();
    coordinator.offerRound(1);
    const { task } = await trainer.trainings.next();
    coordinator.always('join', () => refuse('banned'));
    coordinator.breakConnections();
    await expect(client.finished).rejects.toMatchObject({ refusal: { code: 'banned' } });
    expect(task.signal.aborted).toBe(true);
  });

  it('by leaving: training ends by its signal, nothing is sent, nothing is left running', async () => {
    const { coordinator, client, trainer, folder } = await started();
    coordinator.offerRound(1);
    const { task } = await trainer.trainings.next();
    const rounds = client.rounds();
    await client.leave();
    await client.finished;
    expect(task.signal.aborted).toBe(true);
    expect(await rounds.next()).toEqual({ done: true, value: undefined });
    await expect(client.latestModel()).rejects.toThrow('the client has left');
    const second = await joinClient(coordinator);
    expect([coordinator.sockets, coordinator.begins.all]).toEqual([1, []]);
    await second.client.leave();
    expect([statesIn(folder), submissionsIn(folder)]).toEqual([['study 1 reserved'], []]);
  });

  it('by leaving waits for a trainer that takes its time', async () => {
    const { trainer, began, end } = stubborn();
    const { coordinator, client } = await started({ trainer });
    const order: string[] = [];
    coordinator.offerRound(1);
    await began.next();
    const leaving = client.leave().then(() => order.push('left'));
    const finishing = client.finished.then(() => order.push('finished'));
    // As much time as it would need to leave.
    await joinClient(coordinator);
    order.push('trained');
    end();
    await Promise.all([leaving, finishing]);
    expect(order).toEqual(['trained', 'finished', 'left']);
  });

  it('by leaving in the middle of an upload: no window follows', async () => {
    const { coordinator, client, trainer } = await started();
    const leaving = settlement<void>();
    coordinator.once('upload-chunk', async (honest) => {
      void client.leave().then(leaving.resolve);
      return await honest();
    });
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await leaving.promise;
    expect(coordinator.chunks.all.length).toBeLessThanOrEqual(4);
    expect(coordinator.ends.all).toEqual([]);
  });

  it('by leaving twice, or before anybody has answered, is leaving', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('hello', () => undefined);
    const { client } = await openClient(coordinator);
    await coordinator.hellos.next();
    await Promise.all([client.leave(), client.leave()]);
    await client.finished;
    await expect(client.latestModel()).rejects.toThrow('not joined yet');
    expect(() => client.terms).toThrow('not joined yet');
  });
});

describe('the latest model', () => {
  it('is the newest that was committed', async () => {
    const { coordinator, client } = await started();
    const model = await client.latestModel();
    expect([model.length, model[1999]]).toEqual([2_000, 1999 / 16]);
    expect(coordinator.downloads.all).toEqual([`/federations/study/models/${coordinator.modelDigest}`]);
  });

  it('can still be had when all rounds have been run and the connection is closed', async () => {
    const { coordinator, client } = await started();
    coordinator.send('federation-finished', { federation });
    await client.finished;
    const model = await client.latestModel();
    model.fill(0);
    expect((await client.latestModel())[1999]).toBe(1999 / 16);
    expect(coordinator.downloads.all).toHaveLength(1);
  });

  it('is there for a client that joins when all rounds have been run', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.finished = true;
    const { client } = await joinClient(coordinator);
    await client.finished;
    expect((await client.latestModel())[1999]).toBe(1999 / 16);
  });

  it('does not hold up the end when it cannot be had', async () => {
    const { coordinator, client } = await started();
    coordinator.download = (response) => response.end('another model');
    coordinator.send('federation-finished', { federation });
    await client.finished;
    await expect(client.latestModel()).rejects.toThrow('the client has left');
  });
});
