// One SQLite connection as a Prisma driver. adapter-libsql opens a new connection after every transaction (settings made
// by hand are lost, file descriptors wait for the garbage collector) and leaves a failed COMMIT open; here one connection
// lives as long as the database, transactions begin IMMEDIATE, and whatever is not part of one waits until it has ended.

import { PrismaLibSql } from '@prisma/adapter-libsql';
import { pathToFileURL } from 'node:url';

export type Connection = Awaited<ReturnType<PrismaLibSql['connect']>>;
type Transaction = Awaited<ReturnType<Connection['startTransaction']>>;

export interface ConnectionOptions {
  /** SQLite itself then refuses every write and never creates the file. */
  readonly readOnly: boolean;
  /** How long a statement waits for another process's lock. */
  readonly busyTimeoutMs: number;
}

export function connect(path: string, options: ConnectionOptions): Promise<Connection> {
  const address = pathToFileURL(path).href;
  // libsql takes no open flags, but hands the decoded path to SQLite, which reads an address with its own parameters.
  const url = options.readOnly ? `file:${encodeURIComponent(`${address}?mode=ro`)}` : address;
  const libsql = new PrismaLibSql({ url, timeout: options.busyTimeoutMs });
  return serialised(() => libsql.connect());
}

/** First column of a query's rows. */
export async function firstColumn(connection: Connection, sql: string): Promise<readonly unknown[]> {
  const { rows } = await connection.queryRaw({ sql, args: [], argTypes: [] });
  return rows.map((row) => row[0]);
}

async function serialised(open: () => Promise<Connection>): Promise<Connection> {
  let connection = await open();
  const enter = turnstile();
  async function alone<T>(act: (own: Connection) => Promise<T>): Promise<T> {
    const leave = await enter();
    try {
      return await act(connection);
    } finally {
      leave();
    }
  }
  async function startTransaction(): Promise<Transaction> {
    const leave = await enter();
    try {
      await run(connection, 'BEGIN IMMEDIATE');
    } catch (error) {
      // A BEGIN that another program's lock has stopped stays pending in libsql, and each later COMMIT would fail.
      connection = await connection.dispose().then(open).finally(leave);
      throw error;
    }
    return transactionOn(connection, leave);
  }
  return {
    provider: connection.provider,
    adapterName: connection.adapterName,
    queryRaw: (query) => alone((own) => own.queryRaw(query)),
    executeRaw: (query) => alone((own) => own.executeRaw(query)),
    executeScript: (script) => alone((own) => own.executeScript(script)),
    startTransaction,
    dispose: () => connection.dispose(),
  };
}

function transactionOn(connection: Connection, leave: () => void): Transaction {
  let open = true;
  const end = async (act: () => Promise<unknown>): Promise<void> => {
    if (!open) return;
    open = false;
    try {
      await act();
    } finally {
      leave();
    }
  };
  return {
    provider: connection.provider,
    adapterName: connection.adapterName,
    options: { usePhantomQuery: true },
    queryRaw: (query) => connection.queryRaw(query),
    executeRaw: (query) => connection.executeRaw(query),
    commit: () => end(() => run(connection, 'COMMIT').catch((error: unknown) => rollBack(connection, error))),
    rollback: () => end(() => rollBack(connection)),
  };
}

function run(connection: Connection, sql: string): Promise<number> {
  return connection.executeRaw({ sql, args: [], argTypes: [] });
}

/** Leaves no transaction open, then throws `reason` if there is one. */
async function rollBack(connection: Connection, reason?: unknown): Promise<void> {
  try {
    await run(connection, 'ROLLBACK');
  } catch (error) {
    // SQLite ends some failed transactions (a full disk) by itself: then there is none to roll back.
    if (!String(error).includes('no transaction is active')) throw error;
  }
  if (reason !== undefined) throw reason;
}

/** Callers pass one at a time, in the order in which they came, each until it calls what it was given. */
function turnstile(): () => Promise<() => void> {
  let last: Promise<void> = Promise.resolve();
  return async () => {
    const before = last;
    let leave: () => void = () => undefined;
    last = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    return leave;
  };
}
