import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import type { Verdict } from '../../../shared/protocol/round-record.ts';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { connect, firstColumn } from '../../../server/storage/libsql-connection.ts';
import { openFolder, testClock } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { federation, figures, organisation } = facts;
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
    invite: await stores.enrolment.invite(facts.inviteSecret),
    updates: await stores.updates.ofRound(1),
    underWay: await stores.rounds.underWay(),
    records: await stores.rounds.records(),
    versions: await stores.models.versions(),
    charges: await stores.charges.charges(),
    entries: (await stores.ledger.entries()).length,
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
  it('gives clients back as they enrolled, in the order of ids', async () => {
    const { enrolment } = await founded();
    expect(await enrolment.clients()).toEqual(facts.clientIds.map(facts.enrolled));
    expect(await enrolment.client(client)).toEqual(facts.enrolled(client));
    expect(await enrolment.client(facts.clientAt(9))).toBeUndefined();
    expect(await enrolment.invite(key)).toBeUndefined();
  });

  it('lets in as many as the quota says, however many come at once', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    await enrolment.addInvite(
      { secretDigest: key, organisation, quota: 5 },
      { type: 'invite-issued', organisation, quota: 5 },
    );
    const entries = (await stores.ledger.entries()).length;
    const crowd = Array.from({ length: 12 }, (_, index) => facts.clientAt(100 + index));
    const outcomes = await Promise.all(
      crowd.map((id) => enrolment.enrol(facts.enrolled(id), key, facts.enrolment(id))),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(5);
    expect(await enrolment.clients()).toHaveLength(3 + 5);
    expect(await enrolment.invite(key)).toEqual({ secretDigest: key, organisation, quota: 5, used: 5 });
    expect(await stores.ledger.entries()).toHaveLength(entries + 5);
  });

  it('writes nothing for an invite that is used up or unknown', async () => {
    const stores = await founded();
    const before = await everything(stores);
    const late = facts.enrolled(facts.clientAt(9));
    for (const secret of [facts.inviteSecret, key])
      expect(await stores.enrolment.enrol(late, secret, facts.enrolment(late.id))).toBe(false);
    expect(await everything(stores)).toEqual(before);
  });

  it('does not use the invite when the client cannot be written', async () => {
    const stores = await founded();
    const { enrolment } = stores;
    await enrolment.addInvite(
      { secretDigest: key, organisation, quota: 1 },
      { type: 'invite-issued', organisation, quota: 1 },
    );
    await expectNothingWritten(stores, () => enrolment.enrol(facts.enrolled(client), key, facts.enrolment(client)));
    await expectNothingWritten(stores, () => enrolment.enrol(facts.enrolled(facts.clientAt(9)), key, unwritable));
    expect(await enrolment.invite(key)).toMatchObject({ used: 0 });
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
    await stores.rounds.commit({ ...facts.record(1), model: facts.modelOf(0) }, unchanged, []);
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
    await stores.rounds.abandon(abandoned, [{ type: 'round-abandoned', round: 1, code: 'cohort-too-small' }]);
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
    await expectNothingWritten(stores, () => stores.rounds.abandon({ ...facts.record(1), state: 'abandoned' }, []));
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

describe('the ledger', () => {
  const events: { readonly [Type in LedgerEvent['type']]: Extract<LedgerEvent, { type: Type }> } = {
    'federation-founded': { type: 'federation-founded', configDigest: key, model: key },
    'federation-amended': { type: 'federation-amended', configDigest: key },
    'invite-issued': { type: 'invite-issued', organisation, quota: 3 },
    'client-enrolled': { type: 'client-enrolled', client, organisation },
    'round-offered': { type: 'round-offered', round: 1, baseModel: key, cohort: [client], f: 0 },
    'update-announced': { type: 'update-announced', ...at, update: key, signature: 'c2ln' },
    'update-staged': {
      type: 'update-staged',
      ...at,
      update: key,
      figures: { ...figures, noiseRatio: null, noiseDeficit: null },
    },
    refused: { type: 'refused', round: null, client: null, code: 'too-large', expected: '1 byte', found: '2' },
    'refusals-only-counted': { type: 'refusals-only-counted', round: 2, beyond: 40 },
    declined: { type: 'declined', ...at, code: 'budget-exhausted' },
    verdict: { type: 'verdict', round: 1, ...facts.verdict(1, client) },
    'round-committed': {
      type: 'round-committed',
      round: 1,
      baseModel: key,
      model: key,
      updates: [{ client, update: key }],
    },
    'round-abandoned': { type: 'round-abandoned', round: 1, code: 'cohort-too-small' },
  };

  it('gives back every kind of event, numbered, dated and named', async () => {
    const { ledger } = await founded();
    const before = (await ledger.entries()).length;
    for (const event of Object.values(events)) await ledger.append(event);
    const expected = Object.values(events).map((event, index) => ({
      sequence: before + index + 1,
      federation,
      at: testClock.now(),
      event,
    }));
    expect((await ledger.entries()).slice(before)).toEqual(expected);
  });

  it('counts without a gap or a repeat however many append at once', async () => {
    const stores = await withRound();
    const before = (await stores.ledger.entries()).length;
    const appended = Array.from({ length: 20 }, (_, beyond) =>
      stores.ledger.append({ type: 'refusals-only-counted', round: 1, beyond }),
    );
    const failing = stores.ledger.append(unwritable).catch(() => 'failed');
    const announcements = facts.clientIds.map((id) => {
      const { update, event } = facts.announced(1, id);
      return stores.updates.announce(update, null, event);
    });
    await Promise.all([...appended, ...announcements]);
    expect(await failing).toBe('failed');
    const entries = await stores.ledger.entries();
    expect(entries.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: before + 23 }, (_, index) => index + 1),
    );
  });

  it('is stored as canonical JSON, with columns that agree, and a row that was changed is noticed', async () => {
    const dir = temporaryFolder();
    const folder = await openFolder(dir);
    const { ledger } = folder.storeOf(federation);
    await facts.foundWithClients(folder.storeOf(federation));
    await ledger.append(events.verdict);
    const [entry] = (await ledger.entries()).slice(-1);
    await folder.close();

    const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 0 });
    const [row] = await firstColumn(connection, `SELECT "row" FROM LedgerEntry ORDER BY sequence DESC LIMIT 1`);
    const { sequence = 0 } = entry ?? {};
    expect(row).toBe(canonicalJson({ ...events.verdict, sequence, federation, at: '2026-03-01T12:00:00.123Z' }));
    const columns = `SELECT concat_ws(' ', federation, sequence, type, round, client) FROM LedgerEntry WHERE type = 'verdict'`;
    expect(await firstColumn(connection, columns)).toEqual([`${federation} ${sequence} verdict 1 ${client}`]);
    await connection.executeScript(`UPDATE LedgerEntry SET "row" = replace("row", 'selected', 'elected')`);
    await connection.dispose();
    await expect((await openFolder(dir)).storeOf(federation).ledger.entries()).rejects.toThrow();
  });
});
