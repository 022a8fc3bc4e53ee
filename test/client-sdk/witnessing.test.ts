import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LedgerMemory, ledgerMemorySchema } from '../../client-sdk/participation/client-store.ts';
import { asDigest } from '../../shared/ids.ts';
import type { Offer } from '../../shared/protocol/messages.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import type { RandomSource } from '../../shared/random-source.ts';
import { settlement } from '../../shared/settlement.ts';
import { FakeCoordinator, federation } from '../support/fake-coordinator.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type ClientChoice, joinClient, openClient, type SdkClient } from '../support/sdk-client.ts';

const other = asDigest('ab'.repeat(32));
const memoryIn = (folder: string): LedgerMemory =>
  ledgerMemorySchema.parse(JSON.parse(readFileSync(join(folder, 'ledger-study.json'), 'utf8')));

interface Started extends SdkClient {
  readonly coordinator: FakeCoordinator;
}

/** Joined, on a ledger of five entries. */
async function started(choice: ClientChoice = {}): Promise<Started> {
  const coordinator = await FakeCoordinator.start();
  while (coordinator.ledger.size < 5) await coordinator.ledger.append({ type: 'verdict' });
  return { coordinator, ...(await joinClient(coordinator, choice)) };
}

async function rewrite(coordinator: FakeCoordinator): Promise<void> {
  coordinator.ledger = await coordinator.ledger.fork(3);
  while (coordinator.ledger.size < 7) await coordinator.ledger.append({ type: 'verdict' });
}

/** The code with which the client ends. */
const endOf = async ({ client }: Pick<SdkClient, 'client'>): Promise<string> =>
  await client.finished.then(
    () => 'done',
    (fault: unknown) => (fault instanceof RefusedError ? fault.refusal.code : String(fault)),
  );

describe('a client signs the last checkpoint that it has checked', () => {
  it('as it grows from message to message, each durable before it is signed', async () => {
    const { coordinator, client, trainer, reports, folder } = await started();
    expect([client.checkpoint, memoryIn(folder).checkpoint]).toEqual([
      coordinator.ledger.note,
      coordinator.ledger.note,
    ]);
    for (const round of [1, 2]) {
      await coordinator.ledger.append({ type: 'round-offered', round });
      const { note } = coordinator.ledger;
      const head = coordinator.ledger.head();
      let durable = '';
      coordinator.once('upload-begin', (honest) => {
        durable = memoryIn(folder).checkpoint;
        return honest();
      });
      coordinator.offerRound(round);
      (await trainer.trainings.next()).finish();
      await coordinator.ends.next();
      expect(coordinator.begins.all.at(-1)?.envelope.checkpoint).toEqual(head);
      expect(durable).toBe(note);
      await coordinator.ledger.append({ type: 'round-committed', round, model: coordinator.modelDigest });
      coordinator.closeRound(round);
      await reports.next();
      expect([client.checkpoint, memoryIn(folder).checkpoint]).toEqual([
        coordinator.ledger.note,
        coordinator.ledger.note,
      ]);
    }
  });

  it('and trains on nothing when that cannot be written', async () => {
    const broken = new Error('no space left on device');
    let writes = 0;
    const { coordinator, client, trainer } = await started({
      around: (store) => ({
        ...store,
        writeLedgerMemory: async (of, memory) => {
          if (++writes > 1) throw broken;
          await store.writeLedgerMemory(of, memory);
        },
      }),
    });
    await coordinator.ledger.append({ type: 'round-offered', round: 1 });
    coordinator.offerRound(1);
    await expect(client.finished).rejects.toBe(broken);
    expect([trainer.asked, coordinator.begins.all]).toEqual([[], []]);
  });
});

describe('a ledger that was rewritten ends the client: nothing more is trained or sent', () => {
  it.each<[string, (coordinator: FakeCoordinator, held: string) => void]>([
    ['an offer', (coordinator) => coordinator.offerRound(1)],
    ['the end of a round', (coordinator) => coordinator.closeRound(1)],
    ['a later join', (coordinator) => coordinator.breakConnections()],
    [
      'the offer in a later join',
      (coordinator, checkpoint) => {
        coordinator.offer = coordinator.offerOf(1);
        coordinator.once('join', async (honest) => ({ ...(await honest()), checkpoint }));
        coordinator.breakConnections();
      },
    ],
  ])('when %s shows it', async (_what, act) => {
    const world = await started();
    const { coordinator, client, trainer } = world;
    const held = client.checkpoint;
    await rewrite(coordinator);
    act(coordinator, held);
    await expect(client.finished).rejects.toMatchObject({
      refusal: { code: 'ledger-rewritten', expected: held, found: coordinator.ledger.note },
    });
    const sent = [trainer.asked, coordinator.begins.all, coordinator.declines.all, coordinator.downloads.all];
    expect([sent, client.checkpoint]).toEqual([[[], [], [], []], held]);
  });

  it('also in the middle of training', async () => {
    const world = await started();
    world.coordinator.offerRound(1);
    const { task, finish } = await world.trainer.trainings.next();
    await rewrite(world.coordinator);
    world.coordinator.offerRound(2);
    expect(await endOf(world)).toBe('ledger-rewritten');
    expect(task.signal.aborted).toBe(true);
    finish();
    expect([world.coordinator.begins.all, world.coordinator.declines.all]).toEqual([[], []]);
  });

  it('for good: it is held to the same history when it comes back on its folder', async () => {
    const { coordinator, client, folder } = await started();
    await client.leave();
    await rewrite(coordinator);
    expect(await endOf(await openClient(coordinator, { folder }))).toBe('ledger-rewritten');
    expect(await endOf(await openClient(coordinator, { folder }))).toBe('ledger-rewritten');
  });
});

describe('a model whose commit the ledger does not prove', () => {
  it('is not trained on, nor fetched', async () => {
    const world = await started();
    const { coordinator, trainer } = world;
    const offer: Offer = { ...coordinator.offerOf(1), baseModelDigest: other };
    coordinator.send('round-offered', offer);
    expect(await endOf(world)).toBe('unproven-model');
    expect([trainer.asked, coordinator.downloads.all, coordinator.declines.all]).toEqual([[], [], []]);
  });

  it('is not the latest model, whether a join or the end of a round names it', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('join', async (honest) => ({ ...(await honest()), modelDigest: other }));
    expect(await endOf(await openClient(coordinator))).toBe('unproven-model');
    const world = await started();
    const { note: checkpoint } = world.coordinator.ledger;
    world.coordinator.send('round-closed', {
      federation,
      round: 1,
      state: 'committed',
      modelDigest: other,
      checkpoint,
    });
    expect(await endOf(world)).toBe('unproven-model');
    expect([coordinator.downloads.all, world.coordinator.downloads.all]).toEqual([[], []]);
  });

  it('is not taken along at the end', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.finished = true;
    coordinator.always('ledger-proof', async (honest) => ({ ...(await honest()), model: null }));
    expect(await endOf(await openClient(coordinator))).toBe('unproven-model');
    expect(coordinator.downloads.all).toEqual([]);
  });

  it('is asked about once: what is proven stays so', async () => {
    const world = await started();
    world.coordinator.offerRound(1);
    await world.trainer.trainings.next();
    await world.client.latestModel();
    expect(world.coordinator.proofs.all).toHaveLength(1);
  });
});

describe('a proof', () => {
  it('that does not come, or makes no sense, is asked for again', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.once('ledger-proof', () => undefined);
    coordinator.once('ledger-proof', () => ({ kind: 'ledger-proof', model: 7 }));
    coordinator.once('ledger-proof', () => refuse('rate-limited'));
    await joinClient(coordinator);
    expect(coordinator.proofs.all).toHaveLength(4);
    expect(coordinator.joins.all).toHaveLength(1);
  });

  it('that is lost with the connection leaves the client to learn the same at its next join', async () => {
    const world = await started();
    const { coordinator, trainer } = world;
    await coordinator.ledger.append({ type: 'round-offered', round: 1 });
    coordinator.once('ledger-proof', () => coordinator.breakConnections());
    coordinator.offerRound(1);
    expect((await trainer.trainings.next()).task.round).toBe(1);
    expect(coordinator.joins.all).toHaveLength(2);
    const first = await FakeCoordinator.start();
    first.once('ledger-proof', () => first.breakConnections());
    await joinClient(first);
    expect(first.joins.all).toHaveLength(2);
  });

  it('that the coordinator declines to give is none; a client that is turned away is told that', async () => {
    for (const [refused, end] of [
      ['unknown-checkpoint', 'unproven-model'],
      ['malformed-message', 'unproven-model'],
      ['banned', 'banned'],
      ['revoked', 'revoked'],
    ] as const) {
      const coordinator = await FakeCoordinator.start();
      coordinator.always('ledger-proof', () => refuse(refused));
      expect(await endOf(await openClient(coordinator))).toBe(end);
    }
  });

  it('that is never given does not keep the client from leaving', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('ledger-proof', () => undefined);
    const { client } = await openClient(coordinator, { timing: { answerTimeoutMs: 60_000 } });
    await coordinator.proofs.next();
    await client.leave();
    await client.finished;
    expect(() => client.checkpoint).toThrow('not joined yet');
    await expect(client.compareCheckpoint('a note')).rejects.toThrow('not joined yet');
  });

  it('is not waited for by what is under way for a round that is closed', async () => {
    const { coordinator, trainer } = await started();
    coordinator.offerRound(1);
    const { task } = await trainer.trainings.next();
    const stopped = new Promise((resolve) => task.signal.addEventListener('abort', resolve));
    await coordinator.ledger.append({ type: 'round-committed', round: 1, model: coordinator.modelDigest });
    coordinator.closeRound(9);
    for (let i = 0; i < 2; i++) await coordinator.proofs.next();
    expect(task.signal.aborted).toBe(false);
    await coordinator.ledger.append({ type: 'verdict', round: 1 });
    coordinator.always('ledger-proof', () => undefined);
    coordinator.closeRound(1);
    await stopped;
  });

  it('is written down before the folder is given up', async () => {
    const [began, writing] = [settlement<void>(), settlement<void>()];
    let writes = 0;
    const { coordinator, client } = await started({
      around: (store) => ({
        ...store,
        writeLedgerMemory: async (of, memory) => {
          if (++writes > 1) {
            began.resolve();
            await writing.promise;
          }
          await store.writeLedgerMemory(of, memory);
        },
      }),
    });
    await coordinator.ledger.append({ type: 'round-offered', round: 1 });
    coordinator.offerRound(1);
    await began.promise;
    const order: string[] = [];
    const leaving = client.leave().then(() => order.push('left'));
    // As much time as it would need to leave.
    await joinClient(coordinator);
    order.push('written');
    writing.resolve();
    await leaving;
    expect(order).toEqual(['written', 'left']);
  });
});

describe('comparing checkpoints', () => {
  it('tells whether another client has seen the same history, more of it or less', async () => {
    const { coordinator, client } = await started();
    const ahead = await joinClient(coordinator);
    expect(await client.compareCheckpoint(ahead.client.checkpoint)).toBe('same');
    await coordinator.ledger.append({ type: 'round-committed', model: coordinator.modelDigest });
    const later = await joinClient(coordinator);
    expect(await client.compareCheckpoint(later.client.checkpoint)).toBe('extends');
    expect(await later.client.compareCheckpoint(client.checkpoint)).toBe('behind');
  });

  it('finds the fork that a coordinator shows to two clients', async () => {
    const { coordinator, client } = await started();
    const there = await FakeCoordinator.start();
    there.ledger = await coordinator.ledger.fork(4);
    await there.ledger.append({ type: 'verdict' });
    const theirs = await joinClient(there);
    expect(theirs.client.ledgerKey).toBe(client.ledgerKey);
    for (const note of [theirs.client.checkpoint, there.ledger.noteAt(5)]) {
      await expect(client.compareCheckpoint(note)).rejects.toMatchObject({
        refusal: { code: 'ledger-rewritten', expected: client.checkpoint, found: note },
      });
    }
  });

  it('waits for a coordinator that is away', async () => {
    const { coordinator, client } = await started();
    coordinator.once('ledger-proof', () => coordinator.breakConnections());
    expect(await client.compareCheckpoint(coordinator.ledger.noteAt(2))).toBe('behind');
  });
});

describe('between rounds', () => {
  const random: RandomSource = { uniform: () => 0.5, fillWords: (words) => words.fill(0) };
  const TOKEN_MS = 3_570_000;

  /** Joined, with a clock that stands still. */
  async function paced(choice: ClientChoice = {}): Promise<Started & { readonly clock: HandClock }> {
    const clock = new HandClock();
    return { clock, ...(await started({ betweenRounds: 'come-back', clock, random, ...choice })) };
  }

  const withheld = { federation, round: 4, code: 'not-in-cohort', comeBackInMs: 60_000 } as const;
  /** What came before has been dealt with once this has been reported. */
  async function reported({ coordinator, reports }: Started): Promise<void> {
    coordinator.send('round-withheld', { ...withheld, round: 99, comeBackInMs: null });
    while ((await reports.next()).round !== 99);
    await new Promise(setImmediate);
  }

  it('a client that is told when to come back hangs up, comes back then and a little later, and is told again', async () => {
    const world = await paced();
    const { coordinator, clock, reports } = world;
    coordinator.send('round-withheld', withheld);
    expect(await reports.next()).toMatchObject({ round: 4, code: 'not-in-cohort' });
    expect(await coordinator.departures.next()).toBe('client namespace disconnect');
    expect(clock.running).toEqual([63_000]);
    coordinator.comeBackInMs = 1_000;
    clock.elapse(63_000);
    await coordinator.departures.next();
    expect(clock.running).toEqual([1_050]);
    coordinator.comeBackInMs = null;
    clock.elapse(1_050);
    await coordinator.joins.next();
    coordinator.offerRound(5);
    expect((await world.trainer.trainings.next()).task.round).toBe(5);
    expect(coordinator.joins.all).toHaveLength(3);
  });

  it('a client stays unless its owner wants it otherwise, or no time is told', async () => {
    const staying = await paced({ betweenRounds: 'stay' });
    staying.coordinator.send('round-withheld', withheld);
    await reported(staying);
    const untold = await paced();
    await reported(untold);
    for (const { coordinator, clock } of [staying, untold]) {
      expect([coordinator.departures.all, clock.running]).toEqual([[], [TOKEN_MS]]);
    }
  });

  it('a client with work under way, or without its verdict yet, stays', async () => {
    const world = await paced();
    const { coordinator, trainer, reports } = world;
    coordinator.offerRound(1);
    const { finish } = await trainer.trainings.next();
    coordinator.send('round-withheld', withheld);
    await reported(world);
    finish();
    await coordinator.ends.next();
    coordinator.send('round-withheld', withheld);
    await reported(world);
    expect(coordinator.departures.all).toEqual([]);
    coordinator.closeRound(1);
    await reports.next();
    coordinator.send('round-withheld', withheld);
    await coordinator.departures.next();
  });

  it('a client that is offered a round in the same breath stays for it', async () => {
    const world = await paced();
    const { coordinator, trainer } = world;
    coordinator.send('round-withheld', withheld);
    coordinator.offerRound(5);
    await trainer.trainings.next();
    await reported(world);
    expect(coordinator.departures.all).toEqual([]);
  });

  it('a client that leaves while it is away does not come back', async () => {
    const { coordinator, clock, client } = await paced();
    coordinator.send('round-withheld', withheld);
    await coordinator.departures.next();
    await client.leave();
    expect(clock.running).toEqual([]);
  });
});
