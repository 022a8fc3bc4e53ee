import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { nothingDone, told, type WriteAct, WriteBatch } from '../../../server/storage/write-batch.ts';
import type { Prisma } from '../../../server/storage/generated/client.ts';
import { asClientId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { settlement } from '../../../shared/settlement.ts';
import { openFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { expectSoundLedger } from '../../support/sound-ledger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fc } from '../../support/properties.ts';

const { federation } = facts;
const amendment = (label: string): LedgerEvent => ({ type: 'federation-amended', configDigest: facts.digest(label) });
/** JSON has no NaN: the append fails. */
const unwritable: LedgerEvent = {
  type: 'update-staged',
  round: 1,
  client: facts.clientAt(0),
  update: facts.digest('x'),
  figures: { ...facts.figures, normL2: NaN },
};

/** Transactions that keep what they were told of; their ends can be held up, and each can be made to fail. */
function recorded({ commit = (): Promise<void> => Promise.resolve() } = {}) {
  const committed: (readonly LedgerEvent[])[] = [];
  let attempts = 0;
  let telling: readonly LedgerEvent[] = [];
  const $transaction = async <T>(act: (transaction: Prisma.TransactionClient) => Promise<T>): Promise<T> => {
    attempts++;
    telling = [];
    const transaction: Partial<Prisma.TransactionClient> = {};
    // @ts-expect-error: none of the acts here uses it
    const value = await act(transaction);
    await commit();
    committed.push(telling);
    return value;
  };
  const append = (_: unknown, events: readonly LedgerEvent[]): Promise<void> => {
    telling = [...events];
    return Promise.resolve();
  };
  // @ts-expect-error: the one of Prisma's overloads that is used
  const batch = new WriteBatch({ database: { $transaction }, append });
  return { batch, committed, attempts: () => attempts };
}

const telling =
  (label: string): WriteAct<string> =>
  () =>
    Promise.resolve(told(label, [amendment(label)]));

describe('acts that are asked for while a transaction is under way', () => {
  it('go into the next one together, in order, at most 64', async () => {
    const gate = settlement<void>();
    const { batch, committed } = recorded({ commit: () => gate.promise });
    const labels = Array.from({ length: 1 + 64 + 3 }, (_, i) => `${i}`);
    const outcomes = labels.map((label) => batch.write(telling(label)));
    gate.resolve();
    expect(await Promise.all(outcomes)).toEqual(labels);
    const events = labels.map(amendment);
    expect(committed).toEqual([events.slice(0, 1), events.slice(1, 65), events.slice(65)]);
  });

  it('are not answered before their transaction has ended', async () => {
    const gates = [settlement<void>(), settlement<void>()];
    let ends = 0;
    const { batch } = recorded({ commit: () => gates[ends++]?.promise ?? Promise.resolve() });
    const log: string[] = [];
    const outcomes = ['first', 'second', 'third'].map((label) =>
      batch.write(telling(label)).then((of) => log.push(of)),
    );
    gates[0]?.resolve();
    await outcomes[0];
    await new Promise(setImmediate);
    expect(log).toEqual(['first']);
    gates[1]?.resolve();
    await Promise.all(outcomes);
    expect(log).toEqual(['first', 'second', 'third']);
  });

  it('know what those before them have told, which is not on the ledger yet', async () => {
    const { batch } = recorded();
    const seen: number[] = [];
    const looking: WriteAct<void> = (_, earlier) => {
      seen.push(earlier.length);
      return Promise.resolve(told(undefined, [amendment('x'), amendment('y')]));
    };
    await Promise.all([1, 2, 3, 4].map(() => batch.write(looking)));
    expect(seen).toEqual([0, 0, 2, 4]);
  });

  it('are each in a transaction of its own when theirs cannot be committed, and are all rejected when none can', async () => {
    const fault = new Error('disk full');
    const { batch, committed, attempts } = recorded({ commit: () => Promise.reject(fault) });
    const rejected = ['a', 'b', 'c'].map((label) => expect(batch.write(telling(label))).rejects.toBe(fault));
    await Promise.all(rejected);
    expect([committed, attempts()]).toEqual([[], 1 + 1 + 2]);
  });

  it('append nothing where none of them has done anything', async () => {
    const { batch, committed } = recorded();
    expect(await batch.write(() => Promise.resolve(nothingDone(false)))).toBe(false);
    expect(committed).toEqual([[]]);
  });
});

describe('a transition', () => {
  it('has an event', () => {
    expect(() => told(true, [])).toThrow(InvariantError);
  });
});

type Kind = 'announce' | 'again' | 'amend' | 'unwritable' | 'silent' | 'issue' | 'spent' | 'dispute';
const kinds: readonly Kind[] = ['announce', 'again', 'amend', 'unwritable', 'silent', 'issue', 'spent', 'dispute'];

const entriesOf: Partial<Record<Kind, readonly LedgerEvent['type'][]>> = {
  announce: ['update-announced'],
  amend: ['federation-amended', 'federation-amended'],
  issue: ['invite-issued'],
  dispute: ['checkpoint-disputed'],
};

/** A federation with a round under way for `clients`, in a folder. */
async function openRound(clients: number) {
  const stores = (await openFolder(temporaryFolder())).storeOf(federation);
  await facts.found(stores);
  const ids = Array.from({ length: clients }, (_, i) => asClientId(facts.sha256(`member ${i}`)));
  const { invite, event } = facts.inviteFor(clients);
  await stores.enrolment.addInvite(invite, event);
  for (const id of ids) await stores.enrolment.enrol(facts.enrolled(id), facts.inviteSecret, [facts.enrolment(id)]);
  await stores.rounds.offer(facts.offered(1), facts.offer(1));
  return { stores, ids };
}

describe('writers of a federation', () => {
  it('that fail take nothing of the others with them, whatever fails beside whom', { timeout: 60_000 }, async () => {
    const { stores, ids } = await openRound(200);
    const { enrolment, updates, ledger } = stores;
    const [known = facts.clientAt(0), ...free] = ids;
    const first = facts.announced(1, known);
    await updates.announce(first.update, facts.charge, first.event);
    let count = 0;
    const acts: Record<Kind, () => { readonly act: Promise<unknown>; readonly fails: boolean }> = {
      announce: () => {
        const { update, event } = facts.announced(1, free.pop() ?? known);
        return { act: updates.announce(update, facts.charge, event), fails: false };
      },
      again: () => ({ act: updates.announce(first.update, facts.charge, first.event), fails: true }),
      amend: () => ({ act: ledger.append(amendment('a'), amendment('b')), fails: false }),
      unwritable: () => ({ act: ledger.append(amendment('lost'), unwritable), fails: true }),
      silent: () => ({ act: ledger.append(), fails: true }),
      issue: () => {
        const { invite, event } = facts.inviteFor(1, facts.digest(`invite ${count++}`));
        return { act: enrolment.addInvite(invite, event), fails: false };
      },
      spent: () => {
        const newcomer = facts.enrolled(asClientId(facts.sha256('newcomer')));
        const act = enrolment.enrol(newcomer, facts.inviteSecret, [facts.enrolment(newcomer.id)]);
        return { act: act.then((took) => expect(took).toBe(false)), fails: false };
      },
      dispute: () => {
        const act = ledger.dispute(asClientId(facts.sha256(`disputes ${count++}`)), 'a note');
        return { act, fails: false };
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...kinds), { minLength: 2, maxLength: 12 }), async (chosen) => {
        const before = await ledger.rows();
        const asked = chosen.map((kind) => acts[kind]());
        const outcomes = await Promise.allSettled(asked.map(({ act }) => act));
        expect(outcomes.map(({ status }) => status)).toEqual(
          asked.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
        );
        const more = (await ledger.rows()).slice(before.length);
        expect(more.map(({ type }) => type)).toEqual(chosen.flatMap((kind) => entriesOf[kind] ?? []));
      }),
      { numRuns: 12, seed: 20260305 },
    );
    await expectSoundLedger(ledger, ledger.publicKey);
    const announced = (await ledger.rows()).filter(({ type }) => type === 'update-announced');
    expect(await updates.ofRound(1)).toHaveLength(announced.length);
    expect(await stores.charges.charges()).toHaveLength(announced.length);
    expect(await enrolment.invite(facts.inviteSecret)).toMatchObject({ used: 200 });
  });

  it('that come at once share a checkpoint, one time and one head', async () => {
    const { stores } = await openRound(1);
    const { ledger } = stores;
    const before = [(await ledger.rows()).length, (await ledger.heads()).length] as const;
    await Promise.all(['a', 'b', 'c', 'd'].map((label) => ledger.append(amendment(label))));
    const entries = (await ledger.entries()).slice(before[0]);
    expect(entries.map(({ head }) => head - before[0])).toEqual([1, 4, 4, 4]);
    expect(new Set(entries.slice(1).map(({ at }) => at.getTime())).size).toBe(1);
    expect((await ledger.heads()).slice(before[1]).map(({ size }) => size - before[0])).toEqual([1, 4]);
    await expectSoundLedger(ledger, ledger.publicKey);
  });

  it('dispute a checkpoint once for each client, also where the same client disputes many at once', async () => {
    const { stores, ids } = await openRound(2);
    const [one = facts.clientAt(0), other = facts.clientAt(1)] = ids;
    await Promise.all([one, one, other, one, other].map((client, i) => stores.ledger.dispute(client, `note ${i}`)));
    const disputed = (await stores.ledger.rows()).filter(({ type }) => type === 'checkpoint-disputed');
    expect(disputed.map(({ client }) => client)).toEqual([one, other]);
  });
});
