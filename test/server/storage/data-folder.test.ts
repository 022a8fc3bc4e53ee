import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataFolder, readDataFolder } from '../../../server/storage/data-folder.ts';
import { connect } from '../../../server/storage/libsql-connection.ts';
import { migrate, shippedMigrations } from '../../../server/storage/migrate.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { openFolder, readFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { expectSoundLedger } from '../../support/sound-ledger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { federation } = facts;
/** An invite that nobody has used. */
const spare = facts.digest('spare');

/** Everything that the stores tell. */
async function story(folder: Awaited<ReturnType<typeof openFolder>>) {
  const { federation: own, enrolment, updates, rounds, models, charges, ledger } = folder.storeOf(federation);
  return {
    federations: await folder.federations(),
    founding: await own.founding(),
    clients: await enrolment.clients(),
    invite: await enrolment.invite(facts.inviteSecret),
    invites: await enrolment.invites(),
    seed: await rounds.seedOf(3),
    updates: await updates.ofRound(1),
    records: await rounds.records(),
    underWay: await rounds.underWay(),
    versions: await models.versions(),
    charges: await charges.charges(),
    ledger: await ledger.entries(),
    rows: await ledger.rows(),
    heads: await ledger.heads(),
    newestHead: await ledger.newest(),
    proof: await ledger.inclusionProof(1, 1),
  };
}

async function folderWithHistory(): Promise<string> {
  const dir = join(temporaryFolder(), 'a new folder #1');
  const folder = await openFolder(dir);
  const stores = folder.storeOf(federation);
  await facts.foundWithClients(stores);
  await facts.runRound(stores, 1);
  await stores.rounds.offer(facts.offered(2), facts.offer(2));
  const { invite, event } = facts.inviteFor(1, spare);
  await stores.enrolment.addInvite(invite, event);
  const seed = { seed: facts.digest('seed 3'), commitment: facts.digest('commitment 3') };
  const seedEvent = { type: 'round-seed-committed', round: 3, seedCommitment: seed.commitment } as const;
  await stores.rounds.commitSeed(3, seed, seedEvent);
  await folder.close();
  return dir;
}

describe('openDataFolder', () => {
  it('finds everything again after it was closed', async () => {
    const dir = temporaryFolder();
    const folder = await openFolder(dir);
    const stores = folder.storeOf(federation);
    await facts.foundWithClients(stores);
    await facts.runRound(stores, 1);
    const before = await story(folder);
    expect(before.ledger).toHaveLength(16);
    expect(before.heads.at(-1)).toEqual(before.newestHead);
    await folder.close();
    expect(await story(await openFolder(dir))).toEqual(before);
    expect(await story(await readFolder(dir))).toEqual(before);
  });

  it('goes on with its ledger after it was closed, under the same key', async () => {
    const dir = await folderWithHistory();
    const folder = await openFolder(dir);
    const { ledger } = folder.storeOf(federation);
    const [key, before] = [ledger.publicKey, await ledger.rows()];
    await ledger.append({ type: 'federation-amended', configDigest: facts.digest('x') });
    await expectSoundLedger(ledger, key);
    await folder.close();

    const { ledger: again } = (await openFolder(dir)).storeOf(federation);
    expect(again.publicKey).toBe(key);
    await again.append({ type: 'federation-amended', configDigest: facts.digest('y') });
    await expectSoundLedger(again, key);
    expect((await again.rows()).slice(0, -2)).toEqual(before);
  });

  it.each([
    ['damaged', (path: string) => writeFileSync(path, '')],
    ['missing although a federation was founded under it', (path: string) => rmSync(path)],
  ])('reports a ledger key that is %s, and does not keep the folder', async (_, harm) => {
    const dir = await folderWithHistory();
    const [path, kept] = [join(dir, 'ledger-key'), readFileSync(join(dir, 'ledger-key'))];
    harm(path);
    for (let attempt = 0; attempt < 2; attempt++) await expect(openDataFolder(dir)).rejects.toThrow(/ledger.key/u);
    writeFileSync(path, kept);
    await (await openFolder(dir)).close();
  });

  it('refuses a folder that is open, and names who holds it', async () => {
    const dir = temporaryFolder();
    const folder = await openFolder(dir);
    const outcome = await openDataFolder(dir);
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { code: 'folder-in-use' } });
    expect(JSON.stringify(outcome)).toContain(`process ${process.pid} on`);
    await folder.storeOf(federation).federation.founding();
    expect(await openDataFolder(dir)).toMatchObject({ kind: 'refused' });
    await folder.close();
    await folder.close();
    await (await openFolder(dir)).close();
  });

  it('leaves one file that is the whole database when it is closed', async () => {
    const dir = await folderWithHistory();
    const copy = temporaryFolder();
    copyFileSync(join(dir, 'muster.sqlite'), join(copy, 'muster.sqlite'));
    expect(await story(await readFolder(copy))).toEqual(await story(await readFolder(dir)));
  });

  it('keeps the folder to its owner and the database in write-ahead mode', async () => {
    const dir = await folderWithHistory();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    // Bytes 18 and 19 of the header: 2 is WAL (sqlite.org/fileformat2.html, section 1.3).
    expect([...readFileSync(join(dir, 'muster.sqlite')).subarray(18, 20)]).toEqual([2, 2]);
  });

  it('enforces references between rows', async () => {
    const folder = await openFolder(temporaryFolder());
    const stores = folder.storeOf(federation);
    await facts.foundWithClients(stores);
    const { update, event } = facts.announced(1, facts.clientAt(0));
    await expect(stores.updates.announce(update, facts.charge, event)).rejects.toThrow(/[Ff]oreign key/u);
  });

  it.each([
    ['a page header', 2 * 4096 + 1, 2],
    ['overwritten pages', 4096, 10 * 4096],
    ['no database at all', 0, 4096],
  ])('reports a damaged database (%s) and does not keep the folder', async (_, position, byteLength) => {
    const dir = await folderWithHistory();
    const file = openSync(join(dir, 'muster.sqlite'), 'r+');
    writeSync(file, Buffer.alloc(byteLength, 0xa5), 0, byteLength, position);
    closeSync(file);
    for (let attempt = 0; attempt < 2; attempt++) await expect(openDataFolder(dir)).rejects.toThrow(/damaged/u);
  });

  it('refuses the folder of a newer version and does not keep it', async () => {
    const dir = temporaryFolder();
    const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 0 });
    const newer = { name: '9999_newer', sql: 'SELECT 1', checksum: facts.sha256('SELECT 1') };
    await migrate(connection, [...(await shippedMigrations()), newer]);
    await connection.dispose();
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await openDataFolder(dir)).toMatchObject({ kind: 'refused', refusal: { code: 'folder-mismatch' } });
    expect(await readDataFolder(dir)).toMatchObject({ kind: 'refused', refusal: { code: 'folder-mismatch' } });
  });

  it('removes what a crash left half-written among the blobs', async () => {
    const dir = await folderWithHistory();
    const stale = join(dir, 'blobs', 'half.tmp');
    writeFileSync(stale, 'half');
    await (await openFolder(dir)).close();
    expect(existsSync(stale)).toBe(false);
  });

  it('keeps federations apart', async () => {
    const folder = await openFolder(temporaryFolder());
    const other = folder.storeOf(asFederationId('chest-xray'));
    await facts.foundWithClients(folder.storeOf(federation));
    await facts.runRound(folder.storeOf(federation), 1);
    expect([await other.models.latest(), await other.rounds.records(), await other.ledger.entries()]).toEqual([
      undefined,
      [],
      [],
    ]);
    expect([await other.enrolment.clients(), await other.charges.charges(), await other.updates.ofRound(1)]).toEqual([
      [],
      [],
      [],
    ]);
    await facts.found(other);
    expect((await other.ledger.entries()).map(({ sequence }) => sequence)).toEqual([1]);
    expect(await folder.federations()).toEqual(['chest-xray', 'digits']);
  });
});

describe('readDataFolder', () => {
  it('refuses where there is no history, and creates nothing', async () => {
    const dir = temporaryFolder();
    for (const at of [dir, join(dir, 'absent')])
      expect(await readDataFolder(at)).toMatchObject({ kind: 'refused', refusal: { code: 'no-history' } });
    expect(readdirSync(dir)).toEqual([]);
    await (await openFolder(dir)).close();
    expect(await readDataFolder(dir)).toMatchObject({ kind: 'refused', refusal: { code: 'no-history' } });
  });

  it('finds no history in a database that has no tables yet', async () => {
    const dir = temporaryFolder();
    const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 0 });
    expect(await readDataFolder(dir)).toMatchObject({ kind: 'refused', refusal: { code: 'no-history' } });
    await connection.dispose();
  });

  it('sees what a coordinator writes while it has the folder open', async () => {
    const dir = temporaryFolder();
    const owner = await openFolder(dir);
    const stores = owner.storeOf(federation);
    await facts.foundWithClients(stores);
    const reader = await readFolder(dir);
    await facts.runRound(stores, 1);
    expect(await story(reader)).toEqual(await story(owner));
  });

  it('needs no ledger key', async () => {
    const dir = await folderWithHistory();
    const { publicKey } = (await openFolder(dir)).storeOf(federation).ledger;
    rmSync(join(dir, 'ledger-key'));
    const { ledger } = (await readFolder(dir)).storeOf(federation);
    await expectSoundLedger(ledger, publicKey);
    expect(existsSync(join(dir, 'ledger-key'))).toBe(false);
  });

  it('cannot write by any method of any store, and leaves the database as it was', async () => {
    const dir = await folderWithHistory();
    const before = readFileSync(join(dir, 'muster.sqlite'));
    const reader = await readFolder(dir);
    const { federation: own, enrolment, updates, rounds, ledger } = reader.storeOf(federation);
    const other = reader.storeOf(asFederationId('other'));
    const client = facts.clientAt(0);
    const { update, event } = facts.announced(2, client);
    const refusal = { code: 'bad-digest', message: 'x' } as const;
    const staged = { figures: facts.figures, stagedAt: new Date(0) };
    const abandoned = { ...facts.record(2), state: 'abandoned' as const, model: null };
    const attempts: readonly (() => Promise<unknown>)[] = [
      () => facts.found(other),
      () => own.found({ config: '', initialModel: facts.version(0), foundedAt: new Date(0) }, event),
      () => enrolment.addInvite(facts.inviteFor(1, facts.digest('x')).invite, event),
      () => enrolment.enrol(facts.enrolled(facts.clientAt(9)), spare, [event]),
      () => enrolment.revokeInvite(facts.inviteSecret, event),
      () => enrolment.changeStatus({ client, from: ['active'], to: 'banned', reason: null }, event),
      () => updates.announce(update, null, event),
      () => updates.stage({ round: 1, client }, staged, event),
      () => updates.refuse({ round: 1, client }, { refusal, figures: null }, event),
      () => own.amend('{}', event),
      () => rounds.commitSeed(4, { seed: facts.digest('s'), commitment: facts.digest('c') }, event),
      () => rounds.offer(facts.offered(2), event),
      () => rounds.commit(facts.record(2), facts.version(2), [event]),
      () => rounds.abandon(abandoned, [event]),
      () => ledger.append(event),
      () => ledger.dispute(client, 'a note'),
      () => reader.blobs.put(new Uint8Array(1)),
      () => reader.blobs.delete(facts.digest('x')),
    ];
    for (const attempt of attempts) await expect(attempt(), attempt.toString()).rejects.toThrow();
    await reader.close();
    expect(readFileSync(join(dir, 'muster.sqlite')).equals(before)).toBe(true);
    expect(statSync(join(dir, 'muster.sqlite-wal'), { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  });
});
