import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Connection, connect, firstColumn } from '../../../server/storage/libsql-connection.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const query = (sql: string) => ({ sql, args: [], argTypes: [] });

async function openAt(path: string, readOnly = false): Promise<Connection> {
  const connection = await connect(path, { readOnly, busyTimeoutMs: 0 });
  onTestFinished(() => connection.dispose());
  return connection;
}

async function withTable(): Promise<{ connection: Connection; path: string }> {
  const path = join(temporaryFolder(), 'of a ward #7? 100%.sqlite');
  const connection = await openAt(path);
  await connection.executeScript('PRAGMA journal_mode = WAL; CREATE TABLE parent (id INTEGER PRIMARY KEY)');
  await connection.executeScript(
    'CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)',
  );
  return { connection, path };
}

describe('one connection', () => {
  it('keeps its state over transactions, so that no setting is lost', async () => {
    const { connection } = await withTable();
    await connection.executeScript('CREATE TEMP TABLE here (i INTEGER); PRAGMA cache_size = 77');
    for (const end of ['commit', 'rollback'] as const) await (await connection.startTransaction())[end]();
    expect(await firstColumn(connection, 'SELECT count(*) FROM temp.here')).toEqual([0]);
    expect(await firstColumn(connection, 'PRAGMA cache_size')).toEqual([77]);
  });

  it.runIf(process.platform === 'linux')('opens no further file however many transactions run', async () => {
    const { connection, path } = await withTable();
    const filesOpen = (): number => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(path)).length;
    const before = filesOpen();
    for (let i = 0; i < 100; i++) await (await connection.startTransaction()).commit();
    expect(filesOpen()).toBe(before);
  });

  it('lets nobody see or write anything while a transaction is open', async () => {
    const { connection } = await withTable();
    const transaction = await connection.startTransaction();
    await transaction.executeRaw(query('INSERT INTO parent VALUES (1)'));
    const order: string[] = [];
    const outside = [
      connection.executeRaw(query('INSERT INTO parent VALUES (2)')).then(() => order.push('write')),
      firstColumn(connection, 'SELECT id FROM parent').then((ids) => order.push(`read ${ids.join()}`)),
      connection.startTransaction().then(async (next) => next.rollback().then(() => order.push('transaction'))),
      connection.executeScript('INSERT INTO parent VALUES (3)').then(() => order.push('script')),
    ];
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    await transaction.rollback();
    await Promise.all(outside);
    expect(order).toEqual(['write', 'read 2', 'transaction', 'script']);
  });

  it('undoes a transaction whose commit fails, and the next one passes', async () => {
    const { connection } = await withTable();
    const failing = await connection.startTransaction();
    await failing.executeRaw(query('INSERT INTO child VALUES (99)'));
    await expect(failing.commit()).rejects.toThrow(/ForeignKeyConstraintViolation/u);
    await failing.rollback();
    expect(await firstColumn(connection, 'SELECT id FROM child')).toEqual([]);

    const next = await connection.startTransaction();
    await next.executeRaw(query('INSERT INTO parent VALUES (1)'));
    await failing.rollback();
    await next.commit();
    expect(await firstColumn(connection, 'SELECT id FROM parent')).toEqual([1]);
  });

  it('rolls back quietly what SQLite has ended by itself', async () => {
    const { connection } = await withTable();
    const transaction = await connection.startTransaction();
    await transaction.executeRaw(query('ROLLBACK'));
    await transaction.rollback();
    await (await connection.startTransaction()).commit();
  });

  it('waits for nobody after a transaction that could not begin', async () => {
    const { connection, path } = await withTable();
    const other = await openAt(path);
    const held = await other.startTransaction();
    await expect(connection.startTransaction()).rejects.toThrow(/SocketTimeout/u);
    await held.rollback();
    await (await connection.startTransaction()).commit();
  });

  it('opened to read only sees what others write, writes nothing and creates no file', async () => {
    const { connection, path } = await withTable();
    const reader = await openAt(path, true);
    await connection.executeScript('INSERT INTO parent VALUES (4)');
    expect(await firstColumn(reader, 'SELECT id FROM parent')).toEqual([4]);
    await expect(reader.executeScript('INSERT INTO parent VALUES (5)')).rejects.toThrow(/readonly/u);
    await expect(reader.executeScript('CREATE TABLE more (i)')).rejects.toThrow(/readonly/u);
    await expect(openAt(`${path}.absent`, true)).rejects.toThrow(/Unable to open/u);
  });
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
