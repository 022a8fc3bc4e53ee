import { describe, expect, it } from 'vitest';
import { compareText } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { clientStatuses, type EnrolledClient } from '../../../server/admission/enrolment-store.ts';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import type { Verdict } from '../../../shared/protocol/round-record.ts';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { openFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fc } from '../../support/properties.ts';

const { federation, figures } = facts;
const client = facts.clientAt(0);
const at = { round: 1, client };
const key = facts.digest('x');

async function founded(): Promise<FederationStores> {
  const folder = await openFolder(temporaryFolder());
  const stores = folder.storeOf(federation);
  await facts.foundWithClients(stores);
  return stores;
}

async function withRound(): Promise<FederationStores> {
  const stores = await founded();
  await stores.rounds.offer(facts.offered(1), facts.offer(1));
  return stores;
}

async function withAnnounced(): Promise<FederationStores> {
  const stores = await withRound();
  const { update, event } = facts.announced(1, client);
  await stores.updates.announce(update, facts.charge, event);
  return stores;
}

/** Everything a transition may have changed. */
async function everything(stores: FederationStores) {
  return {
    clients: await stores.enrolment.clients(),
    invites: await stores.enrolment.invites(),
    seed: await stores.rounds.seedOf(1),
    updates: await stores.updates.ofRound(1),
    underWay: await stores.rounds.underWay(),
    records: await stores.rounds.records(),
    versions: await stores.models.versions(),
    charges: await stores.charges.charges(),
    rows: await stores.ledger.rows(),
    heads: await stores.ledger.heads(),
  };
}

async function expectNothingWritten(stores: FederationStores, act: () => Promise<unknown>): Promise<void> {
  const before = await everything(stores);
  await expect(act()).rejects.toThrow();
  expect(await everything(stores)).toEqual(before);
}

/** An event that cannot be written: JSON has no NaN. It fails after every other row of its transition. */
const unwritable: LedgerEvent = { type: 'update-staged', ...at, update: key, figures: { ...figures, normL2: NaN } };

describe('the federation', () => {
  it('is founded once, with its initial model', async () => {
    const stores = await founded();
    expect(await stores.federation.founding()).toEqual({
      config: '{"rounds":15}',
      initialModel: facts.version(0),
      foundedAt: new Date('2026-02-28T10:00:00.001Z'),
    });
    expect(await stores.models.latest()).toEqual(facts.version(0));
    await expectNothingWritten(stores, () => facts.found(stores));
  });

  it('takes an amended configuration with its ledger event, both or neither', async () => {
    const stores = await founded();
    const before = await stores.federation.founding();
    await expect(stores.federation.amend('{"rounds":9}', unwritable)).rejects.toThrow();
    expect(await stores.federation.founding()).toEqual(before);
    await stores.federation.amend('{"rounds":9}', { type: 'federation-amended', configDigest: key });
    expect(await stores.federation.founding()).toEqual({ ...before, config: '{"rounds":9}' });
    expect((await stores.ledger.entries()).at(-1)?.event).toEqual({ type: 'federation-amended', configDigest: key });
  });

  it('starts from a model of round 0', async () => {
    const stores = (await openFolder(temporaryFolder())).storeOf(federation);
    const founding = { config: '{}', initialModel: facts.version(1), foundedAt: new Date(0) };
    await expect(stores.federation.found(founding, facts.offer(1))).rejects.toThrow(InvariantError);
    expect(await stores.federation.founding()).toBeUndefined();
  });
});

describe('enrolment', () => {
  const { invite, event: issued } = facts.inviteFor(1, key);
  const newcomer = facts.enrolled(facts.clientAt(9));
  const enrolled = [facts.enrolment(newcomer.id)];

  it('gives clients back as they enrolled, in the order of ids', async () => {
    const { enrolment } = await founded();
    expect(await enrolment.clients()).toEqual(facts.clientIds.map(facts.enrolled));
    expect(await enrolment.client(client)).toEqual(facts.enrolled(client));
    expect(await enrolment.client(facts.clientAt(9))).toBeUndefined();
    expect(await enrolment.invite(key)).toBeUndefined();
  });

  it('gives every fact of a client and of an invite back', async () => {
    const { enrolment } = await founded();
    const replacement = { ...invite, replaces: client, expiresAt: new Date('2026-04-05T06:07:08.009Z') };
    await enrolment.addInvite(replacement, issued);
    expect(await enrolment.invite(key)).toEqual({ ...replacement, used: 0, revoked: false });
    const whole: EnrolledClient = {
      ...newcomer,
      status: 'pending',
      reason: 'called by phone',
      predecessor: null,
      looksLike: facts.clientAt(1),
      suspicion: 0.1 + 0.2,
      judged: 7,
    };
    await enrolment.enrol(whole, key, enrolled);
    expect(await enrolment.client(whole.id)).toEqual(whole);
  });

  it('hands a successor the history that its predecessor has at that moment, whatever was read before', async () => {
    const { enrolment } = await founded();
    const before = { ...newcomer, suspicion: 0.25, judged: 3 };
    await enrolment.addInvite(invite, issued);
    await enrolment.enrol(before, key, enrolled);
    const second = facts.digest('second invite');
    const more = facts.inviteFor(1, second);
    await enrolment.addInvite(more.invite, more.event);
    const successor = { ...newcomer, id: facts.clientAt(7), predecessor: before.id, suspicion: 0, judged: 0 };
    await enrolment.enrol(successor, second, enrolled);
    expect(await enrolment.client(successor.id)).toMatchObject({ suspicion: 0.25, judged: 3 });
    expect(await enrolment.client(before.id)).toMatchObject({ status: 'rotated' });
  });

  it('revokes with a client the invites that were to replace its key, each on the ledger', async () => {
    const { enrolment, ledger } = await founded();
    const replacing = { ...invite, replaces: client };
    await enrolment.addInvite(replacing, issued);
    const revoked = { client, from: ['active'], to: 'revoked', reason: null } as const;
    await enrolment.changeStatus(revoked, { type: 'client-revoked', client });
    expect(await enrolment.invite(key)).toMatchObject({ revoked: true });
    const types = (await ledger.entries()).slice(-2).map(({ event }) => event);
    expect(types).toEqual([
      { type: 'client-revoked', client },
      { type: 'invite-revoked', invite: key },
    ]);
  });

  it('lists invites in the order of their digests', async () => {
    const { enrolment } = await founded();
    const digests = ['x', 'y', 'z'].map(facts.digest);
    for (const each of digests) {
      const more = facts.inviteFor(1, each);
      await enrolment.addInvite(more.invite, more.event);
    }
    const listed = (await enrolment.invites()).map(({ secretDigest }) => secretDigest);
    expect(listed).toEqual([...digests, facts.inviteSecret].sort(compareText));
  });

  it('lets in as many as the quota says, however many come at once', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    await enrolment.addInvite({ ...invite, quota: 5 }, issued);
    const before = (await stores.ledger.rows()).length;
    const crowd = Array.from({ length: 12 }, (_, index) => facts.clientAt(100 + index));
    const outcomes = await Promise.all(
      crowd.map((id) => enrolment.enrol(facts.enrolled(id), key, [facts.enrolment(id)])),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(5);
    expect(await enrolment.clients()).toHaveLength(3 + 5);
    expect(await enrolment.invite(key)).toEqual({ ...invite, quota: 5, used: 5, revoked: false });
    expect(await stores.ledger.rows()).toHaveLength(before + 5);
  });

  it('writes nothing for an invite that is used up, revoked or unknown', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    const revoked = facts.inviteFor(1, facts.digest('revoked'));
    await enrolment.addInvite(revoked.invite, revoked.event);
    await enrolment.revokeInvite(revoked.invite.secretDigest, { type: 'invite-revoked', invite: key });
    const before = await everything(stores);
    for (const secret of [facts.inviteSecret, revoked.invite.secretDigest, key])
      expect(await enrolment.enrol(newcomer, secret, enrolled)).toBe(false);
    expect(await everything(stores)).toEqual(before);
  });

  it('does not use the invite when the client cannot be written', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    await enrolment.addInvite(invite, issued);
    await expectNothingWritten(stores, () => enrolment.enrol(facts.enrolled(client), key, enrolled));
    await expectNothingWritten(stores, () => enrolment.enrol(newcomer, key, [...enrolled, unwritable]));
    expect(await enrolment.invite(key)).toMatchObject({ used: 0 });
  });

  it('revokes an invite once, with its entry, both or neither', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    await enrolment.addInvite(invite, issued);
    await expectNothingWritten(stores, () => enrolment.revokeInvite(key, unwritable));
    const event: LedgerEvent = { type: 'invite-revoked', invite: key };
    expect(await enrolment.revokeInvite(key, event)).toBe(true);
    expect(await enrolment.invite(key)).toMatchObject({ revoked: true, used: 0 });
    const before = await everything(stores);
    expect(before.rows.at(-1)).toMatchObject({ type: 'invite-revoked' });
    expect(await enrolment.revokeInvite(key, event)).toBe(false);
    expect(await enrolment.revokeInvite(facts.digest('unknown'), event)).toBe(false);
    expect(await everything(stores)).toEqual(before);
  });

  describe('of a key in the place of another', () => {
    const successor = { ...newcomer, predecessor: client };
    const rotated: LedgerEvent = { type: 'key-rotated', client, successor: newcomer.id, invite: key };

    async function withReplacement(): Promise<FederationStores> {
      const stores = await founded();
      await stores.enrolment.addInvite({ ...invite, quota: 2, replaces: client }, issued);
      return stores;
    }

    it('makes the old client rotated in the same transaction', async () => {
      const stores = await withReplacement();
      const { enrolment } = stores;
      await expectNothingWritten(stores, () => enrolment.enrol(successor, key, [...enrolled, unwritable]));
      expect(await enrolment.enrol(successor, key, [...enrolled, rotated])).toBe(true);
      expect(await enrolment.client(client)).toEqual({ ...facts.enrolled(client), status: 'rotated' });
      expect(await enrolment.client(successor.id)).toEqual(successor);
      expect((await stores.ledger.rows()).slice(-2).map(({ type }) => type)).toEqual([
        'client-enrolled',
        'key-rotated',
      ]);
      expect((await stores.ledger.heads()).at(-1)?.size).toBe(((await stores.ledger.heads()).at(-2)?.size ?? NaN) + 2);
    });

    it.each(clientStatuses)('happens only where the old client is active or revoked: %s', async (status) => {
      const stores = await withReplacement();
      const { enrolment } = stores;
      await enrolment.changeStatus({ client, from: ['active'], to: status, reason: null }, facts.enrolment(client));
      const before = await everything(stores);
      const took = await enrolment.enrol(successor, key, [...enrolled, rotated]);
      expect(took).toBe(['active', 'revoked'].includes(status));
      if (!took) expect(await everything(stores)).toEqual(before);
    });

    it('happens once, also where two come at once with two invites', async () => {
      const stores = await withReplacement();
      const { enrolment } = stores;
      const other = facts.digest('other');
      await enrolment.addInvite({ ...invite, secretDigest: other, replaces: client }, issued);
      const rival = { ...facts.enrolled(facts.clientAt(10)), predecessor: client };
      const outcomes = await Promise.all([
        enrolment.enrol(successor, key, enrolled),
        enrolment.enrol(rival, other, [facts.enrolment(rival.id)]),
      ]);
      expect(outcomes.toSorted()).toEqual([false, true]);
      expect((await enrolment.clients()).filter(({ predecessor }) => predecessor === client)).toHaveLength(1);
    });

    it('writes nothing for a client that was never there', async () => {
      const stores = await withReplacement();
      const before = await everything(stores);
      const orphan = { ...newcomer, predecessor: facts.clientAt(77) };
      expect(await stores.enrolment.enrol(orphan, key, enrolled)).toBe(false);
      expect(await everything(stores)).toEqual(before);
    });
  });

  it('changes a status only from the states named, with its reason and its entry', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    const event: LedgerEvent = { type: 'client-banned', client, by: 'admin' };
    for (const status of clientStatuses)
      for (const from of clientStatuses) {
        const reset = { client, from: clientStatuses, to: status, reason: null } as const;
        await enrolment.changeStatus(reset, facts.enrolment(client));
        const before = await everything(stores);
        const changed = await enrolment.changeStatus({ client, from: [from], to: 'banned', reason: 'late' }, event);
        expect([status, from, changed]).toEqual([status, from, status === from]);
        if (!changed) expect(await everything(stores)).toEqual(before);
        else expect(await enrolment.client(client)).toMatchObject({ status: 'banned', reason: 'late' });
      }
  });

  it('changes a status with its entry or not at all, and nobody else’s', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    const change = { client, from: ['active'], to: 'revoked', reason: 'left' } as const;
    await expectNothingWritten(stores, () => enrolment.changeStatus(change, unwritable));
    expect(await enrolment.changeStatus({ ...change, client: newcomer.id }, facts.enrolment(client))).toBe(false);
    expect(await enrolment.changeStatus({ ...change, from: [] }, facts.enrolment(client))).toBe(false);
    await enrolment.changeStatus(change, { type: 'client-revoked', client });
    const after = await enrolment.clients();
    expect(after.slice(1)).toEqual(facts.clientIds.slice(1).map(facts.enrolled));
  });
});

describe('updates', () => {
  it('are announced with their charge, and only once a round', async () => {
    const stores = await withAnnounced();
    const { update, event } = facts.announced(1, client);
    const empty = { refusal: null, figures: null, stagedAt: null };
    expect(await stores.updates.find(at)).toEqual({ ...update, state: 'announced', ...empty });
    expect(await stores.charges.charges()).toEqual([{ ...at, event: facts.charge }]);
    await expectNothingWritten(stores, () => stores.updates.announce(update, facts.charge, event));
    await expect(stores.updates.announce(update, facts.charge, event)).rejects.toThrow(InvariantError);
  });

  it('are announced once their round was stated as spent, and cost nothing more', async () => {
    const stores = await withRound();
    const said = { client, rounds: [1, 4], signature: '00'.repeat(64) };
    const stated = { type: 'spent-rounds-stated', ...said, ...facts.charge } as const;
    await stores.charges.chargeStated(stated);
    const { update, event } = facts.announced(1, client);
    await stores.updates.announce(update, { ...facts.charge, steps: 11 }, event);
    expect(await stores.charges.charges(client)).toEqual(
      [1, 4].map((round) => ({ client, round, event: facts.charge })),
    );
    await expectNothingWritten(stores, () => stores.charges.chargeStated({ ...stated, rounds: [3, 4] }));
  });

  it('are announced without a charge where no privacy is declared', async () => {
    const stores = await withRound();
    const { update, event } = facts.announced(1, client);
    await stores.updates.announce(update, null, event);
    expect(await stores.charges.charges()).toEqual([]);
  });

  it('are neither announced nor charged when the ledger cannot take the entry', async () => {
    const stores = await withRound();
    const { update } = facts.announced(1, client);
    await expectNothingWritten(stores, () => stores.updates.announce(update, facts.charge, unwritable));
  });

  it('are staged, also after a refusal, which is kept', async () => {
    const { updates } = await withAnnounced();
    const refusal = { code: 'bad-digest', message: 'other bytes', hint: 'send again' } as const;
    const event: LedgerEvent = { type: 'refused', ...at, code: 'bad-digest' };
    await updates.refuse(at, { refusal, figures: null }, event);
    expect(await updates.find(at)).toMatchObject({ state: 'refused', refusal, figures: null, stagedAt: null });
    const stagedAt = new Date('2026-03-01T12:00:01.234Z');
    await updates.stage(at, { figures, stagedAt }, facts.staging(1, client));
    expect(await updates.find(at)).toMatchObject({ state: 'staged', refusal, figures, stagedAt });
  });

  it('are staged or refused only from the states that may lead there', async () => {
    const stores = await withAnnounced();
    const { updates } = stores;
    const stage = () => updates.stage(at, { figures, stagedAt: new Date(0) }, facts.staging(1, client));
    const refuse = () =>
      updates.refuse(
        at,
        { refusal: { code: 'not-finite', message: 'x' }, figures },
        { type: 'refused', ...at, code: 'not-finite' },
      );
    const stranger = { round: 1, client: facts.clientAt(9) };
    await expectNothingWritten(stores, () =>
      updates.stage(stranger, { figures, stagedAt: new Date(0) }, facts.staging(1, client)),
    );
    await stage();
    await expectNothingWritten(stores, stage);
    await expectNothingWritten(stores, refuse);
    await expect(refuse()).rejects.toThrow(InvariantError);
  });

  it('come in the order of clients, whatever the order in which they arrived', async () => {
    const { updates } = await withRound();
    for (const id of facts.clientIds.toReversed()) {
      const { update, event } = facts.announced(1, id);
      await updates.announce(update, null, event);
    }
    expect((await updates.ofRound(1)).map((row) => row.client)).toEqual(facts.clientIds);
    expect(await updates.ofRound(2)).toEqual([]);
  });
});

describe('rounds', () => {
  const abandonment: LedgerEvent = {
    type: 'round-abandoned',
    round: 1,
    code: 'cohort-too-small',
    seed: facts.digest('seed 1'),
    record: facts.digest('record 1'),
  };

  it('have one seed each, committed to with its entry before the offer', async () => {
    const stores = await founded();
    const { rounds } = stores;
    const seed = { seed: facts.digest('seed 1'), commitment: facts.digest('commitment 1') };
    const event: LedgerEvent = { type: 'round-seed-committed', round: 1, seedCommitment: seed.commitment };
    expect(await rounds.seedOf(1)).toBeUndefined();
    await expectNothingWritten(stores, () => rounds.commitSeed(1, seed, unwritable));
    await rounds.commitSeed(1, seed, event);
    expect([await rounds.seedOf(1), await rounds.seedOf(2)]).toEqual([seed, undefined]);
    const [last] = (await stores.ledger.rows()).slice(-1);
    expect(last?.type).toBe('round-seed-committed');
    expect(last?.text).not.toContain(seed.seed);
    const other = { seed: facts.digest('another'), commitment: facts.digest('another') };
    await expectNothingWritten(stores, () => rounds.commitSeed(1, other, event));
    await expect(rounds.commitSeed(1, other, event)).rejects.toThrow(InvariantError);
    await rounds.commitSeed(2, other, event);
  });

  it.each(['commit', 'abandon'] as const)('write suspicion and judged of those who were judged (%s)', async (end) => {
    const stores = await withRound();
    const verdicts = facts.clientIds.map((id, index) => ({
      ...facts.verdict(1, id),
      suspicion: index === 0 ? null : 10 ** index / 3,
    }));
    const record = { ...facts.record(1), verdicts };
    const act = {
      commit: (events: LedgerEvent[]) => stores.rounds.commit(record, facts.version(1), events),
      abandon: (events: LedgerEvent[]) =>
        stores.rounds.abandon({ ...record, state: 'abandoned', code: 'cohort-too-small', model: null }, events),
    }[end];
    await expectNothingWritten(stores, () => act([unwritable]));
    await act([abandonment]);
    const history = async () =>
      (await stores.enrolment.clients()).map(({ suspicion, judged }) => [suspicion, judged] as const);
    expect(await history()).toEqual([
      [0, 0],
      [10 / 3, 1],
      [100 / 3, 1],
    ]);
    await stores.rounds.offer(facts.offered(2), facts.offer(2));
    await stores.rounds.commit(facts.record(2), facts.version(2), facts.commitEvents(2));
    expect(await history()).toEqual([
      [0.3, 1],
      [0.3, 2],
      [0.3, 2],
    ]);
  });

  it('are found again while under way, and give their record back to the letter when they have ended', async () => {
    const stores = await withRound();
    expect(await stores.rounds.underWay()).toEqual(facts.offered(1));
    expect(await stores.rounds.record(1)).toBeUndefined();
    await stores.rounds.commit(facts.record(1), facts.version(1), facts.commitEvents(1));
    expect(await stores.rounds.underWay()).toBeUndefined();
    expect(await stores.rounds.record(1)).toEqual(facts.record(1));
    expect(await stores.models.latest()).toEqual(facts.version(1));
    await facts.runRound(stores, 2);
    expect(await stores.rounds.records()).toEqual([facts.record(1), facts.record(2)]);
    expect(await stores.models.versions()).toEqual([0, 1, 2].map(facts.version));
  });

  it('may leave the model as it was', async () => {
    const stores = await withRound();
    const unchanged = { ...facts.version(1), digest: facts.modelOf(0) };
    await stores.rounds.commit({ ...facts.record(1), model: facts.modelOf(0) }, unchanged, facts.commitEvents(1));
    expect(await stores.models.latest()).toEqual(unchanged);
  });

  it('follow each other one at a time', async () => {
    const stores = await withRound();
    await expectNothingWritten(stores, () => stores.rounds.offer(facts.offered(2), facts.offer(2)));
    const abandoned = {
      ...facts.record(1),
      state: 'abandoned' as const,
      code: 'cohort-too-small' as const,
      model: null,
    };
    await stores.rounds.abandon(abandoned, [abandonment]);
    expect(await stores.rounds.records()).toEqual([abandoned]);
    expect(await stores.models.latest()).toEqual(facts.version(0));
    for (const number of [1, 3])
      await expectNothingWritten(stores, () => stores.rounds.offer(facts.offered(number), facts.offer(number)));
    await stores.rounds.offer(facts.offered(2), facts.offer(2));
  });

  it('end once, and only when they are under way', async () => {
    const stores = await withRound();
    const commit = (number: number) => () =>
      stores.rounds.commit(facts.record(number), facts.version(number), facts.commitEvents(number));
    await expectNothingWritten(stores, commit(2));
    await commit(1)();
    await expectNothingWritten(stores, commit(1));
    await expectNothingWritten(stores, () =>
      stores.rounds.abandon({ ...facts.record(1), state: 'abandoned' }, [abandonment]),
    );
  });

  it('are committed with all they bring or not at all', async () => {
    const stores = await withRound();
    const { rounds } = stores;
    const events = facts.commitEvents(1);
    // Fails at the ledger, after the record and the version; at the version, after the record; at the check of both.
    await expectNothingWritten(stores, () => rounds.commit(facts.record(1), facts.version(1), [...events, unwritable]));
    const endless = { ...facts.version(1), byteLength: 2 ** 70 };
    await expectNothingWritten(stores, () => rounds.commit(facts.record(1), endless, events));
    await expectNothingWritten(stores, () => rounds.commit(facts.record(1), facts.version(2), events));
    const otherState = { ...facts.version(1), optimiserState: null };
    await expectNothingWritten(stores, () => rounds.commit(facts.record(1), otherState, events));
    await expectNothingWritten(stores, () => rounds.abandon({ ...facts.record(1), state: 'abandoned' }, [unwritable]));
    await rounds.commit(facts.record(1), facts.version(1), events);
  });

  it('keep every double of a verdict', async () => {
    const stores = await withRound();
    const double = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value || 0));
    await fc.assert(
      fc.asyncProperty(fc.record({ score: double, normZ: double, epsilon: double }), async (drawn) => {
        const verdict: Verdict = { ...facts.verdict(1, client), ...drawn };
        await stores.ledger.append({ type: 'verdict', round: 1, ...verdict });
        const last = (await stores.ledger.entries()).at(-1);
        expect(last?.event).toEqual({ type: 'verdict', round: 1, ...verdict });
      }),
      { numRuns: 30, seed: 11 },
    );
  });
});
