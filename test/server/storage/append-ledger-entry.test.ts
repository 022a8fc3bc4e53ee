import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { connect } from '../../../server/storage/libsql-connection.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { openFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { expectSoundLedger } from '../../support/sound-ledger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fc } from '../../support/properties.ts';

const { federation, figures } = facts;
const client = facts.clientAt(0);
const amendment = (label: string): LedgerEvent => ({ type: 'federation-amended', configDigest: facts.digest(label) });
/** JSON has no NaN: the transaction fails while the entries are written. */
const unwritable: LedgerEvent = {
  type: 'update-staged',
  round: 1,
  client,
  update: facts.digest('x'),
  figures: { ...figures, normL2: NaN },
};

interface Founded {
  readonly dir: string;
  readonly stores: FederationStores;
  /** Of the same folder, with nothing in memory that the first has. */
  readonly others: FederationStores;
}

async function founded(): Promise<Founded> {
  const dir = temporaryFolder();
  const folder = await openFolder(dir);
  const [stores, others] = [folder.storeOf(federation), folder.storeOf(federation)];
  await facts.foundWithClients(stores);
  return { dir, stores, others };
}

const sound = ({ ledger }: FederationStores): Promise<void> => expectSoundLedger(ledger, ledger.publicKey);
const sizeOf = async ({ ledger }: FederationStores): Promise<number> => (await ledger.rows()).length;

/** While it acts, the checkpoint of the next size cannot be written: transactions fail at their very end. */
async function withoutCheckpoint({ dir, stores }: Founded, act: () => Promise<unknown>, size?: number): Promise<void> {
  const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 5000 });
  onTestFinished(() => connection.dispose());
  const inTheWay = `'${federation}', ${size ?? (await sizeOf(stores)) + 1}, 'in the way', ''`;
  await connection.executeScript(`INSERT INTO LedgerCheckpoint VALUES (${inTheWay})`);
  await expect(act()).rejects.toThrow();
  await connection.executeScript(`DELETE FROM LedgerCheckpoint WHERE root = 'in the way'`);
}

describe('a transaction that appends', () => {
  let world: Founded;
  beforeEach(async () => {
    world = await founded();
  });

  it('signs one checkpoint of the size after it, whatever the transition', async () => {
    const { stores } = world;
    const { enrolment, updates, rounds, ledger } = stores;
    const spare = facts.inviteFor(1, facts.digest('spare'));
    const newcomer = facts.enrolled(facts.clientAt(9));
    const { update, event } = facts.announced(1, client);
    const at = { round: 1, client };
    const refusal = { code: 'bad-digest', message: 'x' } as const;
    const seed = { seed: facts.digest('seed'), commitment: facts.digest('commitment') };
    const abandoned = { ...facts.record(2), state: 'abandoned', code: 'cohort-too-small', model: null } as const;
    const ban = { client, from: ['active'], to: 'banned', reason: null } as const;
    const acts: readonly (readonly [entries: number, act: () => Promise<unknown>])[] = [
      [1, () => stores.federation.amend('{}', amendment('a'))],
      [1, () => enrolment.addInvite(spare.invite, spare.event)],
      [2, () => enrolment.enrol(newcomer, facts.digest('spare'), [facts.enrolment(newcomer.id), amendment('b')])],
      [1, () => enrolment.revokeInvite(facts.digest('spare'), amendment('c'))],
      [1, () => rounds.commitSeed(1, seed, amendment('d'))],
      [1, () => rounds.offer(facts.offered(1), facts.offer(1))],
      [1, () => updates.announce(update, facts.charge, event)],
      [1, () => updates.refuse(at, { refusal, figures: null }, amendment('e'))],
      [1, () => updates.stage(at, { figures, stagedAt: new Date(0) }, facts.staging(1, client))],
      [4, () => rounds.commit(facts.record(1), facts.version(1), facts.commitEvents(1))],
      [1, () => rounds.offer(facts.offered(2), facts.offer(2))],
      [3, () => rounds.abandon(abandoned, [amendment('f'), amendment('g'), amendment('h')])],
      [1, () => enrolment.changeStatus(ban, amendment('i'))],
      [2, () => ledger.append(amendment('j'), amendment('k'))],
      [1, () => ledger.dispute(client, 'a note')],
    ];
    for (const [entries, act] of acts) {
      const [heads, size] = [await ledger.heads(), await sizeOf(stores)];
      await act();
      const more = (await ledger.heads()).slice(heads.length);
      expect(
        more.map((head) => head.size),
        act.toString(),
      ).toEqual([size + entries]);
      expect(await sizeOf(stores)).toBe(size + entries);
    }
    await sound(stores);
  });

  it('leaves neither entry nor checkpoint where it changes nothing', async () => {
    const { stores } = world;
    const before = await stores.ledger.heads();
    const { enrolment } = stores;
    await enrolment.enrol(facts.enrolled(facts.clientAt(9)), facts.digest('unknown'), [amendment('x')]);
    await enrolment.revokeInvite(facts.digest('unknown'), amendment('x'));
    await enrolment.changeStatus({ client, from: ['pending'], to: 'active', reason: null }, amendment('x'));
    expect(await stores.ledger.heads()).toEqual(before);
    await sound(stores);
  });

  it('has something to tell: without an event nothing is written', async () => {
    const { stores } = world;
    await stores.rounds.offer(facts.offered(1), facts.offer(1));
    const before = await stores.ledger.heads();
    await expect(stores.ledger.append()).rejects.toThrow(InvariantError);
    await expect(stores.rounds.commit(facts.record(1), facts.version(1), [])).rejects.toThrow(InvariantError);
    expect(await stores.rounds.record(1)).toBeUndefined();
    expect(await stores.ledger.heads()).toEqual(before);
  });

  it('leaves neither when it is rolled back at its end, and the next one is right', async () => {
    const { stores } = world;
    const [rows, heads] = [await stores.ledger.rows(), await stores.ledger.heads()];
    await withoutCheckpoint(world, () => stores.ledger.append(amendment('lost')));
    expect([await stores.ledger.rows(), await stores.ledger.heads()]).toEqual([rows, heads]);
    await stores.ledger.append(amendment('kept'));
    await sound(stores);
    await stores.ledger.append(amendment('and another'), amendment('and a third'));
    await sound(stores);
  });

  it('is rolled back as a whole with the transition that it belongs to', async () => {
    const { stores } = world;
    const ban = { client, from: ['active'], to: 'banned', reason: null } as const;
    await withoutCheckpoint(world, () => stores.enrolment.changeStatus(ban, amendment('lost')));
    expect(await stores.enrolment.client(client)).toEqual(facts.enrolled(client));
    await sound(stores);
  });

  it('is right after a rollback also when another store went on meanwhile', async () => {
    const { stores, others } = world;
    await withoutCheckpoint(world, () => stores.ledger.append(amendment('lost')));
    await others.ledger.append(amendment('theirs'));
    const size = await sizeOf(stores);
    const theirs = await stores.ledger.inclusionProof(size, size);
    expect(theirs).toEqual(await others.ledger.inclusionProof(size, size));
    await stores.ledger.append(amendment('ours'));
    await sound(stores);
  });

  it('fails where the rows it would build on have a gap, rather than sign over it', async () => {
    const { dir, stores, others } = world;
    const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 5000 });
    onTestFinished(() => connection.dispose());
    await connection.executeScript(`DELETE FROM LedgerEntry WHERE sequence = 2`);
    const heads = await stores.ledger.heads();
    await expect(others.ledger.append(amendment('x'))).rejects.toThrow(
      /damaged: expected 5 entries, found the first 1/u,
    );
    expect(await stores.ledger.heads()).toEqual(heads);
  });

  it('keeps the ledger sound whoever appends how much, in whatever order, and whatever fails', async () => {
    const { stores, others } = world;
    const step = fc.record({
      by: fc.constantFrom(stores, others),
      entries: fc.integer({ min: 1, max: 5 }),
      fails: fc.constantFrom('no', 'no', 'while it writes', 'at its end'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        for (const [index, { by, entries, fails }] of steps.entries()) {
          const before = await sizeOf(stores);
          const events = Array.from({ length: entries }, (_, i) => amendment(`${before} ${index} ${i}`));
          if (fails === 'no') await by.ledger.append(...events);
          if (fails === 'while it writes') await expect(by.ledger.append(...events, unwritable)).rejects.toThrow();
          if (fails === 'at its end')
            await withoutCheckpoint(world, () => by.ledger.append(...events), before + entries);
          expect(await sizeOf(stores)).toBe(before + (fails === 'no' ? entries : 0));
        }
        await sound(stores);
        await sound(others);
      }),
      { numRuns: 8, seed: 20260303 },
    );
  });

  it('takes its turn: sequences have no gap and no repeat however many append at once', async () => {
    const { stores, others } = world;
    const before = await sizeOf(stores);
    const heads = (await stores.ledger.heads()).length;
    await stores.rounds.offer(facts.offered(1), facts.offer(1));
    const appended = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? stores : others).ledger.append(amendment(`crowd ${i}`)),
    );
    const failing = stores.ledger.append(unwritable).catch(() => 'failed');
    const announcements = facts.clientIds.map((id) => {
      const { update, event } = facts.announced(1, id);
      return stores.updates.announce(update, null, event);
    });
    await Promise.all([...appended, ...announcements]);
    expect(await failing).toBe('failed');
    expect(await sizeOf(stores)).toBe(before + 24);
    // Who waits at the same time is signed for together.
    const signed = (await stores.ledger.heads()).length - heads;
    expect(signed).toBeGreaterThan(0);
    expect(signed).toBeLessThan(24);
    await sound(stores);
  });
});

describe('a ledger', () => {
  it('is one federation’s: others in the folder have their own sizes, roots and origins', async () => {
    const folder = await openFolder(temporaryFolder());
    const [digits, xray] = [folder.storeOf(federation), folder.storeOf(asFederationId('chest-xray'))];
    await facts.foundWithClients(digits);
    await facts.found(xray);
    await digits.ledger.append(amendment('x'));
    await sound(digits);
    expect((await xray.ledger.heads()).map(({ size }) => size)).toEqual([1]);
    expect((await xray.ledger.newest())?.note).toMatch(/^muster\/chest-xray\n1\n/u);
  });

  it('holds no name of a client and no reason of an admin', async () => {
    const { stores } = await founded();
    const { enrolment } = stores;
    const newcomer = { ...facts.enrolled(facts.clientAt(9)), name: 'Dr Amaryllis Quent' };
    const { invite, event } = facts.inviteFor(1, facts.digest('spare'));
    await enrolment.addInvite(invite, event);
    await enrolment.enrol(newcomer, invite.secretDigest, [facts.enrolment(newcomer.id)]);
    const ban = { client: newcomer.id, from: ['active'], to: 'banned', reason: 'sent zeros on purpose' } as const;
    await enrolment.changeStatus(ban, { type: 'client-banned', client: newcomer.id, by: 'admin' });
    expect(await enrolment.client(newcomer.id)).toMatchObject({ name: newcomer.name, reason: ban.reason });
    for (const { text } of await stores.ledger.rows()) {
      for (const kept of [newcomer.name, 'Ward 7', ban.reason]) expect(text).not.toContain(kept);
    }
  });
});
