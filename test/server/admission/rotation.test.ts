import { describe, expect, it } from 'vitest';
import type { EnrolledClient, EnrolmentStore } from '../../../server/admission/enrolment-store.ts';
import { admitClient } from '../../../server/admission/join.ts';
import { sha256 } from '../../../shared/digest.ts';
import { parseInvite } from '../../../shared/protocol/invite.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { AdmissionWorld, type Asking } from '../../support/admission-world.ts';
import { keyAt } from '../../support/small-federation.ts';
import { codeOf } from '../../support/refusal-code.ts';

/** With client 1 enrolled under that name, and an invite for another key to take its place. */
async function rotating(asking: Asking = {}, admission: Parameters<typeof AdmissionWorld.open>[0] = {}) {
  const world = await AdmissionWorld.open(admission);
  const old = await world.enrolled({ index: 1, name: 'Saint Mary', ...asking });
  const { text: invite } = accepted(await world.admin.rotate({ client: old.id }));
  return { world, old, invite };
}

const known = (client: EnrolledClient) => (id: string) => Promise.resolve(id === client.id ? client : undefined);

describe('a key that takes another’s place', () => {
  it('comes with that client’s organisation and history, under the same name, and the old key is told so', async () => {
    const { world, old, invite } = await rotating();
    const { enrolment } = world.place;
    const judged = { ...old, suspicion: 0.7, judged: 12 };
    const place = { ...world.place, enrolment: { ...enrolment, client: known(judged) } };
    const request = await world.request({ index: 2, name: 'Saint Mary', invite });
    const { client } = accepted(await admitClient(request, place));
    expect(client).toMatchObject({
      id: (await keyAt(2)).clientId,
      organisation: old.organisation,
      name: 'Saint Mary',
      status: 'active',
      predecessor: old.id,
      suspicion: 0.7,
      judged: 12,
    });
    expect((await enrolment.clients()).find(({ id }) => id === old.id)?.status).toBe('rotated');
    expect(world.barred).toEqual([old.id]);
    const secretDigest = await sha256(parseInvite(invite)?.secret ?? '');
    expect((await world.events()).slice(-2)).toEqual([
      expect.objectContaining({ type: 'client-enrolled', client: client.id, invite: secretDigest, status: 'active' }),
      { type: 'key-rotated', client: old.id, successor: client.id, invite: secretDigest },
    ]);
  });

  it('does so once: the old key goes on until then and not after, the invite serves nobody else', async () => {
    const { world, invite } = await rotating();
    expect(codeOf(await world.ask({ index: 1, name: 'Saint Mary' }))).toBe('admitted');
    accepted(await world.ask({ index: 2, name: 'Saint Mary', invite }));
    expect(await world.ask({ index: 1 })).toMatchObject({
      refusal: { code: 'revoked', found: 'a key that another has replaced' },
    });
    expect(codeOf(await world.ask({ index: 3, invite }))).toBe('not-enrolled');
    expect(codeOf(await world.ask({ index: 2 }))).toBe('admitted');
  });

  it('can do so for a key that was revoked, and its name is compared again', async () => {
    const { world, old } = await rotating();
    await world.admin.revoke({ client: old.id, reason: 'stolen' });
    const { id } = await world.enrolled({ index: 2, name: 'Saint Mary' });
    const { text: invite } = accepted(await world.admin.rotate({ client: old.id }));
    expect(codeOf(await world.ask({ index: 3, name: 'Saint Mary', invite }))).toBe('awaiting-approval');
    expect(await world.client(3)).toMatchObject({ predecessor: old.id, status: 'pending', looksLike: id });
  });

  it('is held like anybody else under a name that looks like a third client’s', async () => {
    const { world, invite } = await rotating();
    const { id } = await world.enrolled({ index: 2, name: 'Lakeside' });
    expect(codeOf(await world.ask({ index: 3, name: 'lake-side', invite }))).toBe('awaiting-approval');
    expect(await world.client(3)).toMatchObject({ looksLike: id });
  });

  it('may change its name for one like its own', async () => {
    const { world, invite } = await rotating();
    const { client } = accepted(await world.ask({ index: 2, name: 'Saint Marie', invite }));
    expect(client).toMatchObject({ name: 'Saint Marie', status: 'active', looksLike: null });
  });

  it('keeps a name that an admin has approved although it looks like another’s', async () => {
    const world = await AdmissionWorld.open();
    const { id } = await world.enrolled({ index: 1, name: 'Saint Mary' });
    await world.ask({ index: 2, name: 'Saint Marie', invite: await world.invite() });
    const held = await keyAt(2);
    await world.admin.approve({ client: held.clientId });
    const { text: invite } = accepted(await world.admin.rotate({ client: held.clientId }));
    const { client } = accepted(await world.ask({ index: 3, name: 'Saint Marie', invite }));
    expect(client).toMatchObject({ status: 'active', looksLike: id });
  });

  it('needs no approval for an active client, and needs it for a revoked one', async () => {
    const world = await AdmissionWorld.open({ approval: true });
    await world.ask({ index: 1, invite: await world.invite() });
    const { clientId: first } = await keyAt(1);
    await world.admin.approve({ client: first });
    const { text: invite } = accepted(await world.admin.rotate({ client: first }));
    expect(codeOf(await world.ask({ index: 2, invite }))).toBe('admitted');
    const { clientId: second } = await keyAt(2);
    await world.admin.revoke({ client: second, reason: null });
    const { text: another } = accepted(await world.admin.rotate({ client: second }));
    expect(codeOf(await world.ask({ index: 3, invite: another }))).toBe('awaiting-approval');
  });
});

describe('a ban', () => {
  it('is not laundered by an invite issued before it, and goes on', async () => {
    const { world, old, invite } = await rotating();
    await world.admin.ban({ client: old.id, reason: null });
    expect(await world.ask({ index: 2, name: 'Saint Mary', invite })).toMatchObject({
      refusal: { code: 'not-applicable', found: 'one to replace a client that is banned' },
    });
    expect(await world.place.enrolment.clients()).toHaveLength(1);
    expect(codeOf(await world.ask({ index: 1 }))).toBe('banned');
    expect(world.barred).toEqual([old.id]);
  });

  it('is not laundered by a join that is under way when it is pronounced', async () => {
    const { world, old, invite } = await rotating();
    const { enrolment } = world.place;
    const enrol: EnrolmentStore['enrol'] = async (...enrolling) => {
      await world.admin.ban({ client: old.id, reason: null });
      return await enrolment.enrol(...enrolling);
    };
    const request = await world.request({ index: 2, name: 'Saint Mary', invite });
    const outcome = await admitClient(request, { ...world.place, enrolment: { ...enrolment, enrol } });
    expect(outcome).toMatchObject({ refusal: { code: 'not-applicable', found: expect.stringContaining('banned') } });
    expect(await world.client(1)).toMatchObject({ status: 'banned' });
    expect(await world.client(2)).toBeUndefined();
  });

  it('is not laundered by an invite that is asked for afterwards, nor by a revocation first', async () => {
    const { world, old } = await rotating();
    await world.admin.ban({ client: old.id, reason: null });
    for (const act of [world.admin.rotate({ client: old.id }), world.admin.revoke({ client: old.id, reason: null })])
      expect(await act).toMatchObject({ refusal: { code: 'not-applicable', found: 'one that is banned' } });
    expect(await world.types()).not.toContain('client-revoked');
  });

  it('falls on the key that has taken the place too: a second invite for the old one is useless', async () => {
    const { world, old, invite } = await rotating();
    const { text: spare } = accepted(await world.admin.rotate({ client: old.id }));
    const { client } = accepted(await world.ask({ index: 2, name: 'Saint Mary', invite }));
    await world.admin.ban({ client: client.id, reason: null });
    expect(await world.ask({ index: 3, name: 'Saint Mary', invite: spare })).toMatchObject({
      refusal: { code: 'not-applicable', found: 'one to replace a client that is rotated' },
    });
  });

  it('is one thing and not yet being let in another: there is nothing to replace either', async () => {
    const world = await AdmissionWorld.open({ approval: true });
    await world.ask({ index: 1, invite: await world.invite() });
    const { clientId } = await keyAt(1);
    expect(await world.admin.rotate({ client: clientId })).toMatchObject({
      refusal: { code: 'not-applicable', found: 'one that is pending', hint: 'muster approve lets it take part' },
    });
  });
});
