import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFederation, type StoredFederation, verifyFolder } from '../../../server/audit/read-ledger.ts';
import { statementComplaint } from '../../../server/audit/verify-statements.ts';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { parseLedgerRow } from '../../../server/storage/ledger-row.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asClientId, asDigest, asFederationId, asOrganisationId } from '../../../shared/ids.ts';
import { privacyClaimOf } from '../../../shared/protocol/privacy-claim.ts';
import { accepted, isRefused } from '../../../shared/protocol/refusals.ts';
import { readFolder } from '../../support/data-folders.ts';
import { startWorld, type World } from '../../support/journey-world.ts';
import { formulaUpdate } from '../../support/formula-trainer.ts';
import { type Rewrite, rewriteLedger } from '../../support/rewritten-ledger.ts';

const federation = asFederationId('journeys');
const other = asDigest('ab'.repeat(32));

type Facts = StoredFederation['facts'];
type Change = (facts: Facts) => Partial<Facts>;

/** The first of a list changed. */
const first = <T extends object>(list: readonly T[], changes: Partial<T>): T[] =>
  list.map((each, index) => (index === 0 ? { ...each, ...changes } : each));

const changes: readonly (readonly [string, Change])[] = [
  ['configuration', ({ config }) => ({ config: config.replace('"f":1', '"f":0') })],
  ['record of round 1', ({ records }) => ({ records: first(records, { bytesReceived: 1 }) })],
  ['record of round 1', () => ({ records: [] })],
  ['model of round 0', ({ versions }) => ({ versions: first(versions, { digest: other }) })],
  ['model of round 0', ({ versions }) => ({ versions: first(versions, { parent: other }) })],
  ['model of round 1', ({ versions }) => ({ versions: versions.slice(0, 1) })],
  ['model of round 0', ({ versions }) => ({ versions: first(versions, { optimiserState: other }) })],
  [
    'model of round 2',
    ({ versions }) => ({
      versions: [...versions, { digest: other, parent: null, round: 2, byteLength: 1, optimiserState: null }],
    }),
  ],
  ['client', ({ clients }) => ({ clients: first(clients, { status: 'banned' }) })],
  ['client', ({ clients }) => ({ clients: first(clients, { organisation: asOrganisationId('others') }) })],
  ['client', ({ clients }) => ({ clients: clients.slice(1) })],
  ['client', ({ clients }) => ({ clients: first(clients, { predecessor: clients[1]?.id ?? null }) })],
  ['key of client', ({ clients }) => ({ clients: first(clients, { publicKey: other }) })],
  ['update of', ({ updates }) => ({ updates: updates.slice(1) })],
  ['update of', ({ updates }) => ({ updates: first(updates, { state: 'refused' }) })],
  ['update of', ({ updates }) => ({ updates: first(updates, { signature: 'ab'.repeat(64) }) })],
  ['update of', ({ updates }) => ({ updates: first(updates, { digest: other }) })],
  ['client', ({ clients }) => ({ clients: first(clients, { suspicion: 99 }) })],
  ['client', ({ clients }) => ({ clients: first(clients, { judged: 99 }) })],
  ['client', ({ clients }) => ({ clients: first(clients, { looksLike: clients[1]?.id ?? null }) })],
  ['invite', ({ invites }) => ({ invites: first(invites, { organisation: asOrganisationId('others') }) })],
  ['invite', ({ invites }) => ({ invites: first(invites, { quota: 101 }) })],
  ['invite', ({ invites }) => ({ invites: first(invites, { used: 0 }) })],
  ['invite', ({ invites }) => ({ invites: first(invites, { expiresAt: new Date('2126-01-01') }) })],
  ['invite', ({ invites }) => ({ invites: first(invites, { revoked: true }) })],
  ['invite', ({ invites, clients }) => ({ invites: first(invites, { replaces: clients[0]?.id ?? null }) })],
  ['invite', ({ invites }) => ({ invites: [...invites, ...first(invites, { secretDigest: other })] })],
  ['invite', () => ({ invites: [] })],
  ['charge of', ({ charges }) => ({ charges: charges.slice(1) })],
  ['charge of', ({ charges }) => ({ charges: first(charges, { event: { ...cheap, samplingRate: 0.1, steps: 4 } }) })],
  ['charge of', ({ charges }) => ({ charges: first(charges, { event: { ...cheap, noiseMultiplier: 1, steps: 4 } }) })],
  [
    'charge of',
    ({ charges }) => ({ charges: first(charges, { event: { ...cheap, noiseMultiplier: 1, samplingRate: 0.1 } }) }),
  ],
  ['charge of', ({ charges }) => ({ charges: [...charges, ...first(charges, { round: 2 })] })],
  ['seed of round 1', ({ seeds }) => ({ seeds: first(seeds, { commitment: other }) })],
  ['seed of round 1', ({ seeds }) => ({ seeds: first(seeds, { seed: other }) })],
  ['seed of round 1', () => ({ seeds: [] })],
];

const cheap = { noiseMultiplier: 1000, samplingRate: 0.001, steps: 1 };

/** A round that a client signs two statements in. */
async function worldWithTwoStatements(): Promise<World> {
  const world = await startWorld({ clients: 6, cohort: { minimum: 7, size: 7 } });
  const liar = await world.rawClient();
  const submission = await liar.submission(formulaUpdate(world.terms, 1_000, 1), await liar.nextOffer());
  await liar.begin(submission);
  await liar.begin(await liar.restated(submission, { updateDigest: other }));
  await liar.upload(submission);
  await world.record(1);
  return world;
}

type Statement = Extract<LedgerEvent, { type: 'update-announced' | 'equivocation' }>;

/** What whoever holds the ledger's key can write, and whoever can sign for no client. */
const forgeries: readonly (readonly [string, (statement: Statement) => Statement])[] = [
  ['a statement that its client signed', (statement) => ({ ...statement, signature: 'ab'.repeat(64) })],
  [
    'a statement that its client signed',
    ({ envelope, ...event }) => ({ ...event, envelope: { ...envelope, nonce: '0'.repeat(32) } }),
  ],
  ['a statement of', ({ envelope, ...event }) => ({ ...event, envelope: { ...envelope, client: asClientId(other) } })],
  ['a statement of', ({ envelope, ...event }) => ({ ...event, envelope: { ...envelope, round: 7 } })],
  [
    'a statement of',
    ({ envelope, ...event }) => ({ ...event, envelope: { ...envelope, federation: asFederationId('others') } }),
  ],
  ['the claim of the terms', ({ envelope, ...event }) => ({ ...event, envelope: { ...envelope, privacy: null } })],
];

describe('a data folder beside a running coordinator', () => {
  it('holds what its ledger says, and not once any table says something else', { timeout: 60_000 }, async () => {
    await using world = await startWorld({ clients: 6 });
    await world.record(1);
    const folder = await readFolder(join(world.dir, 'coordinator'));
    const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
    expect(isRefused(await verifyFolder(stored))).toBe(false);
    for (const [what, change] of changes) {
      const outcome = await verifyFolder({ ...stored, facts: { ...stored.facts, ...change(stored.facts) } });
      expect(isRefused(outcome) ? outcome.refusal.code : what).toBe('ledger-damaged');
      expect(isRefused(outcome) && outcome.refusal.message).toContain(what);
    }
  });

  it('holds no statement that its client did not sign, though the ledger was rewritten to say so', async () => {
    await using world = await startWorld({ clients: 6 });
    const record = await world.record(1);
    const folder = await readFolder(join(world.dir, 'coordinator'));
    const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
    const signature = 'ab'.repeat(64);
    const forged = record.updates[0]?.client;
    const key = readFileSync(join(world.dir, 'coordinator', 'ledger-key'), 'utf8').trim();
    const rewritten = await rewriteLedger(stored, key, (event) =>
      event.type === 'update-announced' && event.client === forged ? { ...event, signature } : event,
    );
    const updates = stored.facts.updates.map((row) => (row.client === forged ? { ...row, signature } : row));
    const outcome = await verifyFolder({ ...stored, ...rewritten, facts: { ...stored.facts, updates } });
    expect(outcome).toMatchObject({ refusal: { expected: 'a statement that its client signed' } });
  });

  it('holds no forged statement, be it the first or the second of its client', { timeout: 60_000 }, async () => {
    await using world = await worldWithTwoStatements();
    const folder = await readFolder(join(world.dir, 'coordinator'));
    const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
    accepted(await verifyFolder(stored));
    const entries = stored.rows.map(({ text }) => parseLedgerRow(text));
    for (const type of ['update-announced', 'equivocation'] as const)
      for (const [what, forge] of forgeries) {
        const at = entries.findIndex(({ event }) => event.type === type);
        const forged = entries.map((entry, index) => {
          const { event } = entry;
          const isForged = index === at && (event.type === 'update-announced' || event.type === 'equivocation');
          return isForged ? { ...entry, event: forge(event) } : entry;
        });
        const terms = { ...world.terms, clients: stored.facts.clients, claim: privacyClaimOf(world.terms) };
        expect(await statementComplaint(entries, terms)).toBeUndefined();
        const complaint = await statementComplaint(forged, terms);
        expect(complaint?.refusal.message).toContain(`entry ${at + 1}`);
        expect(complaint?.refusal.expected).toContain(what);
      }
    const key = readFileSync(join(world.dir, 'coordinator', 'ledger-key'), 'utf8').trim();
    const rewritten = await rewriteLedger(stored, key, (event) =>
      event.type === 'equivocation' ? { ...event, signature: 'ab'.repeat(64) } : event,
    );
    const outcome = await verifyFolder({ ...stored, ...rewritten });
    expect(outcome).toMatchObject({ refusal: { expected: 'a statement that its client signed' } });
  });

  it('holds the verdicts, the seed and the course that its ledger says', { timeout: 60_000 }, async () => {
    await using world = await startWorld({ clients: 6 });
    await world.record(1);
    const folder = await readFolder(join(world.dir, 'coordinator'));
    const stored = accepted(await readFederation(federation, folder.storeOf(federation)));
    const key = readFileSync(join(world.dir, 'coordinator', 'ledger-key'), 'utf8').trim();
    const saidOf = async (rewrite: Rewrite): Promise<string> => {
      const outcome = await verifyFolder({ ...stored, ...(await rewriteLedger(stored, key, rewrite)) });
      return isRefused(outcome) ? outcome.refusal.message : outcome.kind;
    };
    expect(await saidOf((event) => event)).toBe('verified');
    expect(await saidOf((event) => (event.type === 'verdict' ? { ...event, score: 9 } : event))).toContain(
      'the verdict',
    );
    expect(await saidOf((event) => ('seed' in event ? { ...event, seed: other } : event))).toContain(
      'revealed by round 1',
    );
    expect(await saidOf((event) => ('record' in event ? { ...event, round: 2 } : event))).toContain('entry');
  });

  it('follows who was banned, let back in, revoked and replaced', { timeout: 60_000 }, async () => {
    await using world = await startWorld({ clients: 2 });
    const folder = await readFolder(join(world.dir, 'coordinator'));
    const { enrolment } = world.stores;
    const [one, two] = await enrolment.clients();
    if (!one || !two) throw new Error('expected two clients');
    const verified = async (): Promise<boolean> =>
      !isRefused(await verifyFolder(accepted(await readFederation(federation, folder.storeOf(federation)))));
    const ban = { client: one.id, from: ['active'], to: 'banned', reason: null } as const;
    await enrolment.changeStatus(ban, { type: 'client-banned', client: one.id, by: 'admin' });
    expect(await verified()).toBe(true);
    const lift = { client: one.id, from: ['banned'], to: 'active', reason: null } as const;
    await enrolment.changeStatus(lift, { type: 'client-unbanned', client: one.id });
    const revoke = { client: two.id, from: ['active'], to: 'revoked', reason: null } as const;
    await enrolment.changeStatus(revoke, { type: 'client-revoked', client: two.id });
    expect(await verified()).toBe(true);
    const key = await signingKeyFromSeed('5'.repeat(64));
    const invite = { organisation: one.organisation, quota: 1, replaces: one.id } as const;
    const expiresAt = '2126-01-01T00:00:00.000Z';
    await enrolment.addInvite(
      { ...invite, secretDigest: other, expiresAt: new Date(expiresAt) },
      { ...invite, type: 'invite-issued', invite: other, expiresAt },
    );
    const heir = { ...one, id: key.clientId, publicKey: key.publicKey, predecessor: one.id };
    const { organisation, looksLike } = heir;
    await enrolment.enrol(heir, other, [
      { type: 'client-enrolled', client: heir.id, organisation, looksLike, status: 'active', invite: other },
      { type: 'key-rotated', client: one.id, successor: heir.id, invite: other },
    ]);
    expect(await verified()).toBe(true);
    await enrolment.changeStatus({ ...ban, client: heir.id }, { type: 'client-unbanned', client: heir.id });
    expect(await verified()).toBe(false);
  });
});
