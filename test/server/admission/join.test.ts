import { describe, expect, it } from 'vitest';
import { admitClient } from '../../../server/admission/join.ts';
import { sha256 } from '../../../shared/digest.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { parseInvite } from '../../../shared/protocol/invite.ts';
import { AdmissionWorld, type Asking, audience } from '../../support/admission-world.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { federation, keyAt, organisation } from '../../support/small-federation.ts';

const secretDigestOf = (invite: string) => sha256(parseInvite(invite)?.secret ?? '');

describe('a key that joins', () => {
  it('is enrolled with an invite, for the organisation that answers for it', async () => {
    const world = await AdmissionWorld.open();
    const invite = await world.invite();
    const admitted = await world.ask({ invite });
    const { clientId: id, publicKey } = await keyAt(1);
    const client = {
      id,
      organisation,
      name: 'Amsel',
      publicKey,
      enrolledAt: world.clock.now(),
      status: 'active',
      reason: null,
      predecessor: null,
      looksLike: null,
      suspicion: 0,
      judged: 0,
    };
    expect(admitted).toEqual({ kind: 'admitted', client });
    expect(await world.place.enrolment.clients()).toEqual([client]);
    expect((await world.events()).at(-1)).toEqual({
      type: 'client-enrolled',
      client: id,
      organisation,
      invite: await secretDigestOf(invite),
      status: 'active',
      looksLike: null,
    });
  });

  it('comes back without an invite, and is not enrolled a second time with one', async () => {
    const world = await AdmissionWorld.open();
    const invite = await world.invite();
    await world.ask({ invite });
    for (const again of [null, invite, 'nonsense']) expect(codeOf(await world.ask({ invite: again }))).toBe('admitted');
    expect(await world.types()).toEqual(['invite-issued', 'client-enrolled']);
  });

  it('is refused beyond the invite’s quota, at any number of joins at once', async () => {
    const world = await AdmissionWorld.open();
    const invite = await world.invite({ quota: 2 });
    const requests = await Promise.all([1, 2, 3, 4].map((index) => world.request({ index, invite })));
    const outcomes = await Promise.all(requests.map((request) => admitClient(request, world.place)));
    expect(outcomes.map(codeOf).sort()).toEqual(['admitted', 'admitted', 'not-enrolled', 'not-enrolled']);
    expect(await world.place.enrolment.clients()).toHaveLength(2);
  });

  it('is shown under its vetted name', async () => {
    const world = await AdmissionWorld.open();
    expect((await world.enrolled({ name: '  \uff37ard   7 ' })).name).toBe('Ward 7');
  });
});

describe('what a key has signed', () => {
  it.each<[string, Asking]>([
    ['another challenge', { signed: { challenge: 'c2'.repeat(32) } }],
    ['another federation', { signed: { federation: 'letters' } }],
    ['another protocol version', { signed: { protocolVersion: 2 } }],
    ['another name', { signed: { name: 'ward 9' } }],
    ['another key', { signed: { publicKey: '00'.repeat(32) } }],
    ['another audience', { signed: { audience: 'https://elsewhere.example.org' } }],
    ['anything, under another key', { signedBy: 2 }],
  ])('is refused where it is %s', async (_, asking) => {
    const world = await AdmissionWorld.open();
    expect(codeOf(await world.ask({ invite: await world.invite(), ...asking }))).toBe('bad-signature');
    expect(await world.place.enrolment.clients()).toEqual([]);
  });

  it('is refused for another federation, and as replayed without a challenge of its own', async () => {
    const world = await AdmissionWorld.open();
    const request = await world.request({ invite: await world.invite() });
    const elsewhere = { ...request, join: { ...request.join, federation: asFederationId('letters') } };
    expect(codeOf(await admitClient(elsewhere, world.place))).toBe('wrong-federation');
    expect(codeOf(await admitClient({ ...request, challenge: undefined }, world.place))).toBe('replayed');
  });

  it('is good for half a minute after its challenge, and not a millisecond longer', async () => {
    const world = await AdmissionWorld.open();
    const request = await world.request({ invite: await world.invite() });
    const after = (ms: number) => ({ ...request, now: new Date(request.challengedAt.getTime() + ms) });
    expect(await admitClient(after(30_001), world.place)).toMatchObject({
      refusal: { code: 'challenge-expired', expected: 'a join within 30 s of its challenge', found: '30.001 s' },
    });
    expect(codeOf(await admitClient(after(30_000), world.place))).toBe('admitted');
  });

  it('is refused for the address of another coordinator, however well it is signed', async () => {
    const world = await AdmissionWorld.open();
    const asking = { audience: 'https://evil.example.org', invite: await world.invite() };
    expect(await world.ask(asking)).toMatchObject({
      refusal: { code: 'wrong-audience', found: 'https://evil.example.org', hint: expect.stringContaining('address') },
    });
    expect(codeOf(await world.ask({ ...asking, audience }))).toBe('admitted');
  });

  it('is looked at before anything is told of its key or its invite', async () => {
    const world = await AdmissionWorld.open();
    await world.admin.ban({ client: (await world.enrolled()).id, reason: null });
    expect(codeOf(await world.ask({ signedBy: 2 }))).toBe('bad-signature');
    expect(codeOf(await world.ask({ index: 3, signedBy: 2, invite: await world.invite() }))).toBe('bad-signature');
  });
});

describe('an invite', () => {
  it.each<[string, string | null, string]>([
    ['none', null, 'none'],
    ['a text that is none', 'let me in', 'a text that is none'],
    ['one that nobody issued', `${federation}.${'0'.repeat(64)}.${'1'.repeat(64)}`, 'never issued here'],
  ])('enrols nobody where it is %s', async (_, invite, found) => {
    const world = await AdmissionWorld.open();
    expect(await world.ask({ invite })).toMatchObject({
      refusal: { code: 'not-enrolled', found: expect.stringContaining(found), hint: expect.stringContaining('ask') },
    });
    expect(await world.place.enrolment.clients()).toEqual([]);
  });

  it('is good until the moment it expires', async () => {
    const world = await AdmissionWorld.open();
    const invite = await world.invite({ validForMs: 60_000 });
    world.clock.advance(59_999);
    expect(codeOf(await world.ask({ index: 1, invite }))).toBe('admitted');
    world.clock.advance(1);
    expect(await world.ask({ index: 2, invite })).toMatchObject({
      refusal: { code: 'not-enrolled', found: 'one that expired at 2026-03-01T12:01:00.000Z' },
    });
    expect(codeOf(await world.ask({ index: 1 }))).toBe('admitted');
  });

  it('enrols nobody once it is revoked or used up, and says which', async () => {
    const world = await AdmissionWorld.open();
    const [revoked, single] = [await world.invite(), await world.invite({ quota: 1 })];
    await world.admin.revokeInvite({ invite: await secretDigestOf(revoked) });
    await world.enrolled({ index: 1, invite: single });
    const foundWith = async (invite: string) => await world.ask({ index: 2, invite });
    expect(await foundWith(revoked)).toMatchObject({
      refusal: { code: 'not-enrolled', found: 'one that was revoked' },
    });
    expect(await foundWith(single)).toMatchObject({
      refusal: { code: 'not-enrolled', found: 'one that is used up: it was good for 1 client' },
    });
  });

  it('of another federation is refused, even with a secret that is good here', async () => {
    const world = await AdmissionWorld.open();
    const invite = (await world.invite()).replace(federation, 'letters');
    expect(codeOf(await world.ask({ invite }))).toBe('wrong-federation');
  });

  it('is not used up by a name that is refused', async () => {
    const world = await AdmissionWorld.open();
    const invite = await world.invite({ quota: 1 });
    expect(codeOf(await world.ask({ invite, name: 'ward\u202e7' }))).toBe('bad-name');
    expect(codeOf(await world.ask({ invite, name: 'ward 7' }))).toBe('admitted');
  });
});

describe('a client that is enrolled', () => {
  it.each([
    ['banned', 'ban'],
    ['revoked', 'revoke'],
  ] as const)('is refused as %s, with an invite too', async (code, act) => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled();
    await world.admin[act]({ client: id, reason: 'it lies' });
    for (const invite of [null, await world.invite()]) {
      const refused = await world.ask({ invite });
      expect(codeOf(refused)).toBe(code);
      expect(JSON.stringify(refused)).not.toContain('it lies');
    }
  });

  it('is admitted again when its ban is lifted', async () => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled();
    await world.admin.ban({ client: id, reason: null });
    await world.admin.unban({ client: id, reason: null });
    expect(codeOf(await world.ask())).toBe('admitted');
  });
});

describe('where an admin approves every client', () => {
  it('a newcomer is enrolled and waits, and takes part from its first join after the approval', async () => {
    const world = await AdmissionWorld.open({ approval: true });
    const waiting = await world.ask({ invite: await world.invite({ quota: 1 }) });
    const { clientId } = await keyAt(1);
    expect(waiting).toMatchObject({
      refusal: { code: 'awaiting-approval', found: `client ${clientId}`, hint: expect.stringContaining('approve') },
    });
    expect(await world.client(1)).toMatchObject({ status: 'pending', looksLike: null });
    expect((await world.events()).at(-1)).toMatchObject({ type: 'client-enrolled', status: 'pending' });
    expect(codeOf(await world.ask())).toBe('awaiting-approval');
    await world.admin.approve({ client: clientId });
    expect(await world.ask()).toMatchObject({ kind: 'admitted', client: { id: clientId, status: 'active' } });
  });
});

describe('a name that looks like another client’s', () => {
  it('is held for an admin to look at, who is told whose', async () => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled({ name: 'Saint Mary' });
    const held = await world.ask({ index: 2, name: 'Saint \u041c\u0430ry', invite: await world.invite() });
    expect(codeOf(held)).toBe('awaiting-approval');
    expect(await world.client(2)).toMatchObject({ status: 'pending', looksLike: id });
    expect((await world.events()).at(-1)).toMatchObject({ type: 'client-enrolled', status: 'pending', looksLike: id });
  });

  it('is refused where the federation says so, and the invite stays good', async () => {
    const world = await AdmissionWorld.open({ lookAlikeNames: 'refuse' });
    await world.enrolled({ name: 'Saint Mary' });
    const invite = await world.invite({ quota: 1 });
    expect(codeOf(await world.ask({ index: 2, name: 'saint mary', invite }))).toBe('look-alike-name');
    expect(codeOf(await world.ask({ index: 2, name: 'Lakeside', invite }))).toBe('admitted');
  });

  it.each(['hold', 'refuse'] as const)('never tells the newcomer whose, under %s', async (lookAlikeNames) => {
    const world = await AdmissionWorld.open({ lookAlikeNames });
    const { id } = await world.enrolled({ name: 'Saint Mary' });
    const told = JSON.stringify(await world.ask({ index: 2, name: 'Saint Marie', invite: await world.invite() }));
    expect(told).toContain('refused');
    expect(told).not.toContain(id.slice(0, 8));
    expect(told).not.toContain('Saint Mary');
  });

  it('counts against whoever waits or is banned, and not against a key that counts no more', async () => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled({ name: 'Saint Mary' });
    await world.admin.ban({ client: id, reason: null });
    const invite = await world.invite();
    expect(codeOf(await world.ask({ index: 2, name: 'Saint Mary', invite }))).toBe('awaiting-approval');
    await world.admin.unban({ client: id, reason: null });
    for (const index of [1, 2]) await world.admin.revoke({ client: (await keyAt(index)).clientId, reason: null });
    expect(codeOf(await world.ask({ index: 3, name: 'Saint Mary', invite }))).toBe('admitted');
  });
});
