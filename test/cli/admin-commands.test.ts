import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { actResults } from '../../server/admission/admin-acts.ts';
import { writeAdminFile } from '../../server/admin-file.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { openDataFolder } from '../../server/storage/data-folder.ts';
import { buildHttpServer } from '../../server/transport/http/http-server.ts';
import { Administration } from '../../server/admission/administration.ts';
import { parseInvite } from '../../shared/protocol/invite.ts';
import { runHere } from '../support/captured-command.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { enrolment, inviteFor } from '../support/federation-facts.ts';
import { foundedFolder, ledgerOf } from '../support/founded-folder.ts';
import { federation, member } from '../support/small-federation.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const active = { ...(await member(1)).client, name: 'Saint Mary' };
const held = { ...(await member(2)).client, name: 'Saint Marie', status: 'pending', looksLike: active.id } as const;
const token = 'ad'.repeat(32);

/** With one active client, and one that is held because its name looks like the first one's. */
const folder = () =>
  foundedFolder(async ({ enrolment: store }) => {
    const { invite, event } = inviteFor(5);
    await store.addInvite(invite, event);
    for (const client of [active, held]) await store.enrol(client, invite.secretDigest, [enrolment(client.id)]);
  });

async function done(dir: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runHere(...args, '--dir', dir);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

async function typesAfter(dir: string): Promise<readonly string[]> {
  return (await ledgerOf(dir)).map(({ type }) => type).slice(4);
}

describe('an admin’s command, on a folder that nobody holds', () => {
  it('shows the clients, and whose name looks like whose', async () => {
    const dir = await folder();
    const lines = (await done(dir, 'clients')).split('\n');
    const line = lines.find((each) => each.startsWith(held.id.slice(0, 12)));
    expect(line).toMatch(/Saint Marie .* pending .*"Saint Mary" \([0-9a-f]{12}, \d edits? apart\)$/);
    expect(line).toContain(active.id.slice(0, 12));
    const json = await done(dir, 'clients', '--json');
    expect(
      actResults.clients
        .parse(JSON.parse(json))
        .clients.map(({ id }) => id)
        .sort(),
    ).toEqual([active.id, held.id].sort());
  });

  it('approves a client, telling whose name it looks like, bans it, lifts the ban and revokes its key', async () => {
    const dir = await folder();
    const id = held.id.slice(0, 8);
    const approved = await done(dir, 'approve', id);
    expect(approved).toContain(`Client ${held.id.slice(0, 12)} ("Saint Marie" of st-mary) is active.`);
    expect(approved).toMatch(/looks like that of another client: "Saint Mary"/);
    expect(await done(dir, 'ban', id, '--reason', 'it lies')).toContain('is banned');
    expect(await done(dir, 'clients')).toContain('it lies');
    expect(await done(dir, 'unban', id)).toContain('is active');
    expect(await done(dir, 'revoke', id, '--reason', 'stolen')).toContain('is revoked');
    expect(await typesAfter(dir)).toEqual(['client-approved', 'client-banned', 'client-unbanned', 'client-revoked']);
    const again = await runHere('ban', id, '--dir', dir);
    expect(again).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('(not-applicable)') });
    expect(again.stderr).toContain('found    one that is revoked');
  });

  it('issues invites, shows them, and makes them useless', async () => {
    const dir = await folder();
    const [text = '', told] = (await done(dir, 'invite', 'clinic', '--quota', '3', '--days', '2')).split('\n');
    expect(parseInvite(text)).toMatchObject({ federation });
    expect(told).toMatch(/^Invite [0-9a-f]{12} of clinic enrols 3 clients, until 20/);
    const rotation = await done(dir, 'rotate', active.id.slice(0, 6), '--json');
    const { invite } = actResults.rotate.parse(JSON.parse(rotation));
    expect(invite).toMatchObject({ quota: 1, replaces: active.id, organisation: 'st-mary' });
    const listed = await done(dir, 'invites');
    expect(listed).toMatch(/clinic +open +0 of 3/);
    expect(listed).toContain(active.id.slice(0, 12));
    expect(listed).not.toContain(parseInvite(text)?.secret);
    expect(await done(dir, 'revoke-invite', invite.id.slice(0, 12))).toContain('is revoked; 0 of 1 had used it');
    expect(await typesAfter(dir)).toEqual(['invite-issued', 'invite-issued', 'invite-revoked']);
  });

  it('is refused with the nearest client where there is none of that name', async () => {
    const refused = await runHere('ban', 'Saint Mary', '--dir', await folder(), '--json');
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'unknown-client', hint: `did you mean ${active.id.slice(0, 12)} (Saint Mary)?` },
    });
  });

  it('makes no folder where none is', async () => {
    const dir = join(temporaryFolder(), 'typo');
    expect(await runHere('clients', '--dir', dir)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('(no-history)'),
    });
    expect(existsSync(dir)).toBe(false);
  });
});

describe('an admin’s command, on a folder that is held', () => {
  /** Held as a coordinator holds it, as far as an admin can tell. */
  async function heldFolder() {
    const dir = await folder();
    const open = accepted(await openDataFolder(dir));
    onTestFinished(() => open.close());
    const { enrolment: store, ledger } = open.storeOf(federation);
    const barred: string[] = [];
    const place = { federation, enrolment: store, ledgerKey: ledger.publicKey, clock: new FakeClock() };
    const administration = new Administration({ ...place, onBarred: (client) => void barred.push(client) });
    const app = buildHttpServer({
      federation,
      isToken: () => false,
      isModel: () => Promise.resolve(false),
      blobFile: String,
      admin: { token, administration },
    });
    onTestFinished(() => app.close());
    const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
    return { dir, barred, port: Number(port) };
  }

  it('goes through whoever holds it, with the same results and refusals', async () => {
    const { dir, barred, port } = await heldFolder();
    await writeAdminFile(dir, { host: '127.0.0.1', port, token });
    expect(await done(dir, 'ban', active.id.slice(0, 8), '--reason', 'it lies')).toContain('is banned');
    expect(barred).toEqual([active.id]);
    expect(await done(dir, 'clients')).toContain('it lies');
    const again = await runHere('ban', active.id, '--dir', dir);
    expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('found    one that is banned') });
    expect(await done(dir, 'invite', 'clinic')).toMatch(/^digits\.[0-9a-f]{64}\.[0-9a-f]{64}\n/);
  });

  it('is refused as not-admin with a token that is another’s', async () => {
    const { dir, port } = await heldFolder();
    await writeAdminFile(dir, { host: '127.0.0.1', port, token: 'ae'.repeat(32) });
    const refused = await runHere('ban', active.id, '--dir', dir);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(not-admin)') });
  });

  it.each<[string, (dir: string) => Promise<unknown>]>([
    ['does not serve it', () => Promise.resolve()],
    ['has gone', async (dir) => await writeAdminFile(dir, { host: '127.0.0.1', port: await freePort(), token })],
  ])('is refused as folder-in-use where its holder %s', async (_, leave) => {
    const { dir } = await heldFolder();
    await leave(dir);
    const refused = await runHere('clients', '--dir', dir);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('(folder-in-use)') });
  });

  it('fails where something answers that is no coordinator', async () => {
    const { dir } = await heldFolder();
    const server = createServer((_request, response) =>
      response.end(JSON.stringify({ clients: [], greeting: 'hello' })),
    );
    const port = await listening(server);
    await writeAdminFile(dir, { host: '127.0.0.1', port, token });
    const { exitCode, stdout } = await runHere('clients', '--dir', dir, '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'fault' } });
  });
});

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** One that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
