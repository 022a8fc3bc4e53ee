import { describe, expect, it } from 'vitest';
import { actInputs, actResults } from '../../../server/admission/admin-acts.ts';
import { Administration } from '../../../server/admission/administration.ts';
import { sha256 } from '../../../shared/digest.ts';
import { asClientId } from '../../../shared/ids.ts';
import { parseInvite } from '../../../shared/protocol/invite.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { AdmissionWorld } from '../../support/admission-world.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { keyAt, organisation } from '../../support/small-federation.ts';

const reason = 'sent nonsense in round 3';
const orNull = { reason: null };

/** Clients 1 active, 2 pending, 3 banned, 4 revoked, 5 rotated, whose place 6 took. */
async function everyStatus(): Promise<AdmissionWorld> {
  const world = await AdmissionWorld.open();
  for (const index of [1, 3, 4, 5]) await world.enrolled({ index });
  await world.ask({ index: 2, name: 'Amsel', invite: await world.invite() });
  const id = async (index: number) => (await keyAt(index)).clientId;
  accepted(await world.admin.ban({ client: await id(3), ...orNull }));
  accepted(await world.admin.revoke({ client: await id(4), ...orNull }));
  const { text: invite } = accepted(await world.admin.rotate({ client: await id(5) }));
  await world.enrolled({ index: 6, invite });
  return world;
}

const statuses = ['active', 'pending', 'banned', 'revoked', 'rotated'];

describe('an act on a client', () => {
  it.each([
    ['approve', ['pending'], 'active', 'client-approved'],
    ['ban', ['active', 'pending'], 'banned', 'client-banned'],
    ['unban', ['banned'], 'active', 'client-unbanned'],
    ['revoke', ['active', 'pending'], 'revoked', 'client-revoked'],
    ['rotate', ['active', 'revoked'], null, 'invite-issued'],
  ] as const)('%s is done to a client that is %s and to no other', async (act, from, to, type) => {
    const world = await everyStatus();
    for (const [index, status] of statuses.entries()) {
      const { clientId: client } = await keyAt(index + 1);
      expect((await world.client(index + 1))?.status).toBe(status);
      const before = (await world.events()).length;
      const outcome = await world.admin[act]({ client, ...orNull });
      const written = (await world.events()).slice(before);
      const isAllowed = from.some((allowed) => allowed === status);
      if (isAllowed) {
        expect(written).toMatchObject([{ type }]);
        expect((await world.client(index + 1))?.status).toBe(to ?? status);
        continue;
      }
      const expected = expect.stringMatching(new RegExp(`^a client that is .*${from[0]}`));
      const refusal = { code: 'not-applicable', found: `one that is ${status}`, expected };
      expect(outcome).toMatchObject({ refusal });
      expect(written).toEqual([]);
      expect((await world.client(index + 1))?.status).toBe(status);
    }
  });

  it('says which key took a rotated client’s place', async () => {
    const world = await everyStatus();
    const [{ clientId: client }, { clientId: successor }] = [await keyAt(5), await keyAt(6)];
    expect(await world.admin.ban({ client, reason: null })).toMatchObject({
      refusal: { hint: `its place was taken by ${successor.slice(0, 12)}` },
    });
  });

  it.each(['ban', 'unban', 'revoke'] as const)(
    '%s keeps the admin’s reason with the client and off the ledger',
    async (act) => {
      const world = await AdmissionWorld.open();
      const { id: client } = await world.enrolled();
      if (act === 'unban') await world.admin.ban({ client, reason: 'for a while' });
      expect(accepted(await world.admin[act]({ client, reason })).client).toMatchObject({ id: client, reason });
      expect(await world.client(1)).toMatchObject({ reason });
      expect(JSON.stringify(await world.events())).not.toContain(reason);
    },
  );

  it('tells the coordinator of whoever takes part no longer, and of nobody else', async () => {
    const world = await AdmissionWorld.open({ approval: true });
    await world.ask({ invite: await world.invite() });
    const { clientId: client } = await keyAt(1);
    await world.admin.approve({ client });
    await world.admin.unban({ client, reason: null });
    expect(world.barred).toEqual([]);
    await world.admin.ban({ client, reason: null });
    await world.admin.ban({ client, reason: null });
    expect(world.barred).toEqual([client]);
    await world.admin.unban({ client, reason: null });
    await world.admin.revoke({ client, reason: null });
    expect(world.barred).toEqual([client, client]);
  });

  it('to replace a key changes nothing but that there is one invite more, for one client of the same organisation', async () => {
    const world = await AdmissionWorld.open();
    const client = await world.enrolled();
    const { invite, text } = accepted(await world.admin.rotate({ client: client.id }));
    expect(await world.client(1)).toEqual(client);
    expect(world.barred).toEqual([]);
    expect(invite).toMatchObject({ organisation: client.organisation, quota: 1, replaces: client.id, state: 'open' });
    expect(invite.id).toBe(await sha256(parseInvite(text)?.secret ?? ''));
    expect((await world.events()).at(-1)).toMatchObject({ type: 'invite-issued', replaces: client.id });
  });
});

describe('the first characters of an id', () => {
  it('name a client from six on, in capitals too, and are refused with the nearest one otherwise', async () => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled();
    await world.enrolled({ index: 2 });
    for (const named of [id, id.slice(0, 6), ` ${id.slice(0, 9).toUpperCase()} `]) {
      expect(codeOf({ kind: 'done', ...(await world.admin.ban({ client: named, reason: null })) })).toBe('done');
      await world.admin.unban({ client: id, reason: null });
    }
    for (const named of [id.slice(0, 5), `${id.slice(0, 7)}x`, 'amsl']) {
      expect(await world.admin.ban({ client: named, reason: null })).toMatchObject({
        refusal: { code: 'unknown-client', found: named, hint: `did you mean ${id.slice(0, 12)} (Amsel)?` },
      });
    }
    expect((await world.client(1))?.status).toBe('active');
  });

  it('are refused where several clients are meant, all of whom are listed', async () => {
    const world = await AdmissionWorld.open();
    const client = await world.enrolled();
    const twin = { ...client, id: asClientId(client.id.slice(0, 10).padEnd(64, '0')) };
    const clients = () => Promise.resolve([client, twin]);
    const enrolment = { ...world.place.enrolment, clients };
    const admin = new Administration({ ...world.place, enrolment, clock: world.clock, ledgerKey: '' });
    expect(await admin.ban({ client: client.id.slice(0, 6), reason: null })).toMatchObject({
      refusal: { code: 'not-applicable', found: `${client.id}, ${twin.id}` },
    });
  });

  it('of nobody, where nobody has enrolled, say so', async () => {
    const world = await AdmissionWorld.open();
    expect(await world.admin.approve({ client: 'abcdef' })).toMatchObject({
      refusal: { code: 'unknown-client', hint: 'there is none yet' },
    });
  });
});

describe('invites', () => {
  it('are listed with their state, and never with their text', async () => {
    const world = await AdmissionWorld.open();
    const issue = async (terms: object) => accepted(await world.admin.invite({ organisation, ...terms }));
    const [open, expired, used, revoked] = [
      await issue({ quota: 3 }),
      await issue({ validForMs: 1000 }),
      await issue({}),
      await issue({}),
    ];
    await world.enrolled({ invite: used.text });
    await world.admin.revokeInvite({ invite: revoked.invite.id.slice(0, 8) });
    world.clock.advance(1000);
    const { invites } = accepted(await world.admin.invites());
    const states = new Map(invites.map(({ id, state }) => [id, state]));
    expect([open, expired, used, revoked].map(({ invite }) => states.get(invite.id))).toEqual([
      'open',
      'expired',
      'used-up',
      'revoked',
    ]);
    for (const { text } of [open, expired, used, revoked])
      expect(JSON.stringify(invites)).not.toContain(parseInvite(text)?.secret);
  });

  it('are revoked once, with an entry in the ledger', async () => {
    const world = await AdmissionWorld.open();
    const { invite } = accepted(await world.admin.invite({ organisation }));
    expect(await world.admin.revokeInvite({ invite: invite.id })).toMatchObject({
      invite: { id: invite.id, state: 'revoked' },
    });
    expect((await world.events()).at(-1)).toEqual({ type: 'invite-revoked', invite: invite.id });
    expect(codeOf({ kind: '', ...(await world.admin.revokeInvite({ invite: invite.id })) })).toBe('not-applicable');
    expect(await world.admin.revokeInvite({ invite: '000000' })).toMatchObject({
      refusal: { code: 'unknown-invite', hint: `did you mean ${invite.id.slice(0, 12)}?` },
    });
    expect(await world.types()).toEqual(['invite-issued', 'invite-revoked']);
  });
});

describe('the clients', () => {
  it('are listed with whom they look like and how much, whoever that is', async () => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled({ index: 1, name: 'Saint Mary' });
    await world.ask({ index: 2, name: 'Saint Marie', invite: await world.invite() });
    const { clients } = accepted(await world.admin.clients());
    const held = clients.find((client) => client.id !== id);
    expect(held).toMatchObject({ status: 'pending', name: 'Saint Marie' });
    expect(held?.looksLike).toMatchObject({ client: id, name: 'Saint Mary' });
    expect(held?.looksLike?.distance).toBeGreaterThan(0);
    const { client } = accepted(await world.admin.approve({ client: held?.id ?? '' }));
    expect(client).toEqual({ ...held, status: 'active' });
  });
});

describe('an act by its name', () => {
  it('gives what its schema says, as JSON carries it', async () => {
    const world = await AdmissionWorld.open();
    const { id: client } = await world.enrolled();
    const { invite } = accepted(await world.admin.invite({ organisation }));
    const inputs = {
      invite: { organisation, quota: 2, validForMs: 1000 },
      'revoke-invite': { invite: invite.id },
      invites: {},
      clients: {},
      ban: { client, reason: null },
      unban: { client, reason },
      rotate: { client },
      revoke: { client, reason: null },
    } as const;
    for (const [act, input] of Object.entries(inputs)) {
      const result: unknown = JSON.parse(JSON.stringify(await world.admin.perform(act, input)));
      const schema = new Map<string, (typeof actResults)[keyof typeof actResults]>(Object.entries(actResults)).get(act);
      expect(schema?.parse(result)).toEqual(result);
    }
    const approved = JSON.stringify(await world.admin.perform('approve', { client }));
    expect(approved).toContain('not-applicable');
  });

  it('is refused where there is none, or what came with it does not fit', async () => {
    const world = await AdmissionWorld.open();
    expect(await world.admin.perform('bann', {})).toMatchObject({
      refusal: { code: 'unknown-command', found: 'bann', hint: 'did you mean ban?' },
    });
    for (const act of Object.keys(actInputs)) {
      for (const input of [undefined, null, [], 'text', { client: 7 }, { extra: true }])
        expect(codeOf({ kind: '', ...(await world.admin.perform(act, input)) })).toBe('malformed-message');
    }
    const wanting = [
      { organisation: 'Clinic' },
      { organisation, quota: 0 },
      { organisation, quota: 1.5 },
      { organisation, validForMs: 0 },
      { organisation, validForMs: 1e15 },
    ];
    for (const input of wanting)
      expect(codeOf({ kind: '', ...(await world.admin.perform('invite', input)) })).toBe('malformed-message');
    expect(await world.events()).toEqual([]);
  });
});
