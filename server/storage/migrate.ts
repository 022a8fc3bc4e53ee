// Brings a database to the form this version needs: the scripts of prisma/migrations in order, each in one transaction
// with its row in `_prisma_migrations`, which is Prisma's own table, so that its tools read it. A script that was applied
// never changes (its SHA-256 is kept), and a database of a newer version is not touched.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvariantError } from '../../shared/invariant-error.ts';
import { compareText } from '../../shared/ids.ts';
import { refuse, type Refused } from '../../shared/protocol/refusals.ts';
import { type Connection, firstColumn } from './libsql-connection.ts';

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the script, hex. */
  readonly checksum: string;
}

export interface MigrationState {
  readonly kind: 'readable';
  readonly applied: readonly string[];
  readonly pending: readonly Migration[];
}

const createTable = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL,
  "logs" TEXT, "rolled_back_at" DATETIME, "started_at" DATETIME NOT NULL DEFAULT current_timestamp,
  "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0)`;

/** Applies what is pending; answers the names applied now. */
export async function migrate(
  connection: Connection,
  migrations: readonly Migration[],
): Promise<Refused | { readonly kind: 'migrated'; readonly names: readonly string[] }> {
  const state = await migrationState(connection, migrations);
  if (state.kind === 'refused') return state;
  for (const migration of state.pending) await connection.executeScript(transactionOf(migration));
  return { kind: 'migrated', names: state.pending.map(({ name }) => name) };
}

/** Reads only; refused when the database was made by other scripts than `migrations`. */
export async function migrationState(
  connection: Connection,
  migrations: readonly Migration[],
): Promise<MigrationState | Refused> {
  const applied = await appliedMigrations(connection);
  for (const [index, { name, checksum }] of applied.entries()) {
    const ours = migrations[index];
    if (ours?.name !== name) return mismatch(`migration ${ours?.name ?? 'none'}`, `migration ${name}`);
    if (ours.checksum !== checksum) return mismatch(`${name} with SHA-256 ${ours.checksum}`, `SHA-256 ${checksum}`);
  }
  return { kind: 'readable', applied: applied.map(({ name }) => name), pending: migrations.slice(applied.length) };
}

/** The scripts that came with this version. */
export async function shippedMigrations(folder: string = migrationsFolder()): Promise<readonly Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort(compareText).map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: sha256(sql) };
    }),
  );
}

async function appliedMigrations(connection: Connection): Promise<readonly { name: string; checksum: string }[]> {
  const tables = await firstColumn(connection, `SELECT 1 FROM sqlite_master WHERE name = '_prisma_migrations'`);
  if (tables.length === 0) return [];
  const sql = `SELECT "migration_name" || ' ' || "checksum" FROM "_prisma_migrations" ORDER BY "migration_name"`;
  const lines = await firstColumn(connection, sql);
  return lines.map((line) => {
    const [name = '', checksum = ''] = String(line).split(' ');
    return { name, checksum };
  });
}

/** Names and checksums are ours and hold no quote. */
function transactionOf({ name, sql, checksum }: Migration): string {
  const id = sha256(name).slice(0, 36);
  const row = `'${id}', '${checksum}', current_timestamp, '${name}', 1`;
  const insert = `INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "applied_steps_count")`;
  return ['BEGIN IMMEDIATE', createTable, sql, `${insert} VALUES (${row})`, 'COMMIT;'].join(';\n');
}

function mismatch(expected: string, found: string): Refused {
  return refuse('folder-mismatch', {
    message: 'the database was made by another version of Muster',
    expected,
    found,
    hint: 'use the version that made this folder or a newer one; databases are not taken back',
  });
}

/** From source two levels up; from dist/ one more. */
function migrationsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, '..', '..'), join(here, '..', '..', '..')].map((root) =>
    join(root, 'prisma', 'migrations'),
  );
  const folder = candidates.find((candidate) => existsSync(candidate));
  if (folder === undefined)
    throw new InvariantError(`expected the migrations in ${candidates.join(' or ')}, found neither`);
  return folder;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
