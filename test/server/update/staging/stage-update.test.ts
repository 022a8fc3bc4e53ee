import { describe, expect, it } from 'vitest';
import { ArrivedUpdates } from '../../../../server/update/staging/arrived-updates.ts';
import { stageUpdate, type Staging } from '../../../../server/update/staging/stage-update.ts';
import type { VettedUpdate } from '../../../../server/update/stages.ts';
import { Turns } from '../../../../server/turns.ts';
import { settlement } from '../../../../shared/settlement.ts';
import { testClock } from '../../../support/data-folders.ts';
import { announce, openRound, type OpenRound } from '../../../support/open-round.ts';
import { plainKernel } from '../../../support/plain-kernel.ts';
import { codeOf } from '../../../support/refusal-code.ts';
import { announcedBy, federation, type Member, memberAt, updateFile } from '../../../support/small-federation.ts';

const values = [1, 2, 3, 4, 5, 6];
const bytes = updateFile(values);
const figures = { maxAbsolute: 6, normL2: 9.5, noiseRatio: 1.25, noiseDeficit: 0.01 };

function stagingOf({ stores, blobs }: OpenRound, changes: Partial<Staging> = {}): Staging {
  const turns = new Turns();
  const inTurn: Staging['inTurn'] = (client, act) => turns.share(client, act);
  const arrived = new ArrivedUpdates({ kernel: plainKernel, parameters: values.length, memoryBudgetBytes: 1e6 });
  const world = { updates: stores.updates, blobs, clock: testClock, arrived };
  return { ...world, isOpen: (round) => round === 1, inTurn, ...changes };
}

async function vetted(sender: Member): Promise<VettedUpdate> {
  const announced = await announcedBy(sender, bytes);
  return { kind: 'vetted', announced, bytes, values: Float32Array.from(values), figures };
}

async function announcedWorld(): Promise<{ world: OpenRound; update: VettedUpdate }> {
  const world = await openRound({ clients: 1 });
  const sender = memberAt(world.cohort, 0);
  await announce(world, sender, bytes);
  return { world, update: await vetted(sender) };
}

async function stagedEvents({ stores }: OpenRound) {
  return (await stores.ledger.entries()).map(({ event }) => event).filter(({ type }) => type === 'update-staged');
}

describe('staging an update', () => {
  it('keeps its bytes, writes its row and its event, and only then gives a receipt', async () => {
    const { world, update } = await announcedWorld();
    const { updateDigest } = update.announced.envelope;
    const client = update.announced.client.id;
    expect(await stageUpdate(update, stagingOf(world))).toEqual({
      kind: 'staged',
      receipt: { federation, round: 1, client, updateDigest, stagedAt: testClock.now() },
      figures,
    });
    expect(await world.blobs.get(updateDigest)).toEqual(bytes);
    expect(await world.stores.updates.find({ round: 1, client })).toMatchObject({ state: 'staged', figures });
    expect(await stagedEvents(world)).toEqual([
      { type: 'update-staged', round: 1, client, update: updateDigest, figures },
    ]);
  });

  it('gives the same receipt, and one event, to an update that arrives twice at once', async () => {
    const { world, update } = await announcedWorld();
    let minute = 0;
    const clock = { ...testClock, now: () => new Date(Date.UTC(2026, 2, 1, 12, minute++)) };
    const staging = stagingOf(world, { clock });
    const [first, second] = await Promise.all([stageUpdate(update, staging), stageUpdate(update, staging)]);
    expect(second).toEqual(first);
    expect(await stagedEvents(world)).toHaveLength(1);
  });

  it('is refused once the round has begun to close, and leaves neither bytes nor row', async () => {
    const { world, update } = await announcedWorld();
    const outcome = await stageUpdate(update, stagingOf(world, { isOpen: () => false }));
    expect(codeOf(outcome)).toBe('round-closed');
    expect(await world.blobs.has(update.announced.envelope.updateDigest)).toBe(false);
    expect(await stagedEvents(world)).toEqual([]);
  });

  it('asks whether the round is open when its turn has come, not when it was sent', async () => {
    const { world, update } = await announcedWorld();
    const turns = new Turns();
    let open = true;
    const closing = turns.run(() => {
      open = false;
      return Promise.resolve();
    });
    const staging = stagingOf(world, { isOpen: () => open, inTurn: (client, act) => turns.share(client, act) });
    const outcome = await stageUpdate(update, staging);
    await closing;
    expect(codeOf(outcome)).toBe('round-closed');
  });

  it('gives no receipt when the bytes could not be kept, and stages the update the next time', async () => {
    const { world, update } = await announcedWorld();
    const blobs = { ...world.blobs, put: () => Promise.reject(new Error('disk full')) };
    await expect(stageUpdate(update, stagingOf(world, { blobs }))).rejects.toThrow('disk full');
    const [row] = await world.stores.updates.ofRound(1);
    expect(row?.state).toBe('announced');
    expect(codeOf(await stageUpdate(update, stagingOf(world)))).toBe('staged');
  });

  it('writes its bytes without holding up those whose turn it is', async () => {
    const { world, update } = await announcedWorld();
    const turns = new Turns();
    const { promise: written, resolve: write } = settlement<void>();
    const blobs = { ...world.blobs, put: (whole: Uint8Array) => written.then(() => world.blobs.put(whole)) };
    const staged = stageUpdate(update, stagingOf(world, { blobs, inTurn: (client, act) => turns.share(client, act) }));
    expect(await turns.run(() => Promise.resolve('had its turn'))).toBe('had its turn');
    write();
    expect(codeOf(await staged)).toBe('staged');
  });

  it('writes no row before the bytes are durable', async () => {
    const { world, update } = await announcedWorld();
    const order: string[] = [];
    const blobs = {
      ...world.blobs,
      put: async (whole: Uint8Array) => {
        const digest = await world.blobs.put(whole);
        order.push('bytes');
        return digest;
      },
    };
    const updates = {
      ...world.stores.updates,
      stage: async (...transition: Parameters<typeof world.stores.updates.stage>) => {
        order.push('row');
        await world.stores.updates.stage(...transition);
      },
    };
    await stageUpdate(update, stagingOf(world, { blobs, updates }));
    expect(order).toEqual(['bytes', 'row']);
  });
});
