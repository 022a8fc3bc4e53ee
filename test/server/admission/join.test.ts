import { describe, expect, it } from 'vitest';
import { issueInvite } from '../../../server/admission/issue-invite.ts';
import { admitClient, type JoinRequest } from '../../../server/admission/join.ts';
import type { EnrolmentStore } from '../../../server/admission/enrolment-store.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asFederationId, asOrganisationId } from '../../../shared/ids.ts';
import { joinTranscript } from '../../../shared/protocol/join-transcript.ts';
import { foundedIn } from '../../support/open-round.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { federation } from '../../support/small-federation.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const organisation = asOrganisationId('st-mary');
const [challenge, otherChallenge] = ['c1'.repeat(32), 'c2'.repeat(32)];
const now = new Date('2026-03-01T12:00:00.000Z');
const seed = (index: number): string => index.toString(16).padStart(64, '0');

async function enrolment(
  quota = 2,
): Promise<{ store: EnrolmentStore; invite: string; types: () => Promise<string[]> }> {
  const { stores } = await foundedIn(temporaryFolder());
  const { enrolment: store, ledger } = stores;
  const invite = await issueInvite({ organisation, quota }, federation, store);
  const types = async () => (await ledger.entries()).map(({ event }) => event.type);
  return { store, invite, types };
}

interface Asking {
  readonly index?: number;
  readonly invite?: string | null;
  /** What is signed, where it is not what was asked. */
  readonly signed?: Partial<Parameters<typeof joinTranscript>[0]>;
  readonly signedBy?: number;
}

async function asking({ index = 1, invite = null, signed = {}, signedBy = index }: Asking): Promise<JoinRequest> {
  const { publicKey } = await signingKeyFromSeed(seed(index));
  const signer = await signingKeyFromSeed(seed(signedBy));
  const name = `ward ${index}`;
  const statement = { federation, protocolVersion: 1, challenge, publicKey, name, ...signed };
  const signature = await signer.sign(joinTranscript(statement));
  return { join: { federation, publicKey, name, invite, signature }, challenge, protocolVersion: 1, now };
}

describe('a key that joins', () => {
  it('is enrolled with an invite, for the organisation that answers for it', async () => {
    const { store, invite, types } = await enrolment();
    const admitted = await admitClient(await asking({ invite }), federation, store);
    const { clientId, publicKey } = await signingKeyFromSeed(seed(1));
    const client = { id: clientId, organisation, name: 'ward 1', publicKey, enrolledAt: now, banned: false };
    expect(admitted).toEqual({ kind: 'admitted', client });
    expect(await store.clients()).toEqual([client]);
    expect(await types()).toEqual(['federation-founded', 'invite-issued', 'client-enrolled']);
  });

  it('comes back without an invite, and is not enrolled a second time with one', async () => {
    const { store, invite, types } = await enrolment();
    await admitClient(await asking({ invite }), federation, store);
    for (const again of [null, invite, 'nonsense']) {
      const admitted = await admitClient(await asking({ invite: again }), federation, store);
      expect(codeOf(admitted)).toBe('admitted');
    }
    expect(await types()).toEqual(['federation-founded', 'invite-issued', 'client-enrolled']);
  });

  it('is refused beyond the invite’s quota, at any number of joins at once', async () => {
    const { store, invite } = await enrolment(2);
    const requests = await Promise.all([1, 2, 3, 4].map((index) => asking({ index, invite })));
    const outcomes = await Promise.all(requests.map((request) => admitClient(request, federation, store)));
    expect(outcomes.map(codeOf).sort()).toEqual(['admitted', 'admitted', 'not-enrolled', 'not-enrolled']);
    expect(await store.clients()).toHaveLength(2);
  });

  it.each<[string, Asking]>([
    ['no invite', { invite: null }],
    ['text that is no invite', { invite: 'let me in' }],
    ['an invite that nobody issued', { invite: `${federation}.${'0'.repeat(64)}` }],
  ])('is not enrolled with %s', async (_, ask) => {
    const { store } = await enrolment();
    expect(codeOf(await admitClient(await asking(ask), federation, store))).toBe('not-enrolled');
    expect(await store.clients()).toEqual([]);
  });

  it('is refused with an invite of another federation, even one with a secret that is good here', async () => {
    const { store, invite } = await enrolment();
    const foreign = invite.replace(federation, 'letters');
    expect(codeOf(await admitClient(await asking({ invite: foreign }), federation, store))).toBe('wrong-federation');
  });

  it('is refused when it asks for another federation', async () => {
    const { store, invite } = await enrolment();
    const request = await asking({ invite });
    const elsewhere = { ...request, join: { ...request.join, federation: asFederationId('letters') } };
    expect(codeOf(await admitClient(elsewhere, federation, store))).toBe('wrong-federation');
  });

  it('is refused as replayed without a challenge of its own', async () => {
    const { store, invite } = await enrolment();
    const request = await asking({ invite });
    expect(codeOf(await admitClient({ ...request, challenge: undefined }, federation, store))).toBe('replayed');
  });

  it.each<[string, Asking]>([
    ['another challenge', { signed: { challenge: otherChallenge } }],
    ['another federation', { signed: { federation: 'letters' } }],
    ['another protocol version', { signed: { protocolVersion: 2 } }],
    ['another name', { signed: { name: 'ward 9' } }],
    ['another key', { signed: { publicKey: '00'.repeat(32) } }],
    ['anything, under another key', { signedBy: 2 }],
  ])('is refused when it signed %s', async (_, ask) => {
    const { store, invite } = await enrolment();
    expect(codeOf(await admitClient(await asking({ invite, ...ask }), federation, store))).toBe('bad-signature');
    expect(await store.clients()).toEqual([]);
  });

  it('is refused when it is banned, although it is enrolled and its signature good', async () => {
    const { store, invite } = await enrolment();
    const admitted = await admitClient(await asking({ invite }), federation, store);
    if (admitted.kind !== 'admitted') throw new Error('not admitted');
    const banned = { ...store, client: () => Promise.resolve({ ...admitted.client, banned: true }) };
    expect(codeOf(await admitClient(await asking({}), federation, banned))).toBe('banned');
  });
});
