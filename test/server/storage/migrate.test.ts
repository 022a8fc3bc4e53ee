import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compareText } from '../../../shared/ids.ts';
import { type Connection, connect, firstColumn } from '../../../server/storage/libsql-connection.ts';
import { migrate, type Migration, migrationState, shippedMigrations } from '../../../server/storage/migrate.ts';
import { type ModelDeclaration, parsePrismaSchema } from '../../support/prisma-schema.ts';
import { sha256 } from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const migration = (name: string, sql: string): Migration => ({ name, sql, checksum: sha256(sql) });
const first = migration('0001_first', 'CREATE TABLE one (i INTEGER); CREATE TABLE two (i INTEGER)');
const second = migration('0002_second', 'ALTER TABLE one ADD COLUMN j TEXT');

async function emptyDatabase(): Promise<Connection> {
  const connection = await connect(join(temporaryFolder(), 'x.sqlite'), { readOnly: false, busyTimeoutMs: 0 });
  onTestFinished(() => connection.dispose());
  return connection;
}

const tables = (connection: Connection): Promise<readonly unknown[]> =>
  firstColumn(connection, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`);

describe('migrate', () => {
  it('applies what is missing, in order, and then nothing', async () => {
    const database = await emptyDatabase();
    expect(await migrate(database, [first])).toEqual({ kind: 'migrated', names: ['0001_first'] });
    expect(await migrate(database, [first, second])).toEqual({ kind: 'migrated', names: ['0002_second'] });
    expect(await migrate(database, [first, second])).toEqual({ kind: 'migrated', names: [] });
    expect(await firstColumn(database, 'SELECT j FROM one')).toEqual([]);
  });

  it('leaves nothing of a script that fails in the middle', async () => {
    const database = await emptyDatabase();
    await migrate(database, [first]);
    const broken = migration('0002_broken', 'CREATE TABLE three (i INTEGER); INSERT INTO nowhere VALUES (1)');
    await expect(migrate(database, [first, broken])).rejects.toThrow(/nowhere/u);
    expect(await tables(database)).toEqual(['_prisma_migrations', 'one', 'two']);
    expect(await migrate(database, [first, second])).toMatchObject({ names: ['0002_second'] });
  });

  it('refuses a database whose script was changed afterwards', async () => {
    const database = await emptyDatabase();
    await migrate(database, [first]);
    const outcome = await migrate(database, [migration(first.name, `${first.sql} `), second]);
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusal: { code: 'folder-mismatch', found: `SHA-256 ${first.checksum}` },
    });
    expect(await firstColumn(database, 'SELECT i FROM one')).toEqual([]);
  });

  it('refuses a database of a newer version and does not touch it', async () => {
    const database = await emptyDatabase();
    await migrate(database, [first, second]);
    const outcome = await migrate(database, [first]);
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusal: { code: 'folder-mismatch', found: 'migration 0002_second' },
    });
  });

  it('says what is pending without applying it', async () => {
    const database = await emptyDatabase();
    expect(await migrationState(database, [first])).toEqual({ kind: 'readable', applied: [], pending: [first] });
    expect(await tables(database)).toEqual([]);
  });
});

describe('the shipped migrations', () => {
  it('are the folders beside the schema in the order of their names', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'migration_lock.toml'), '');
    for (const name of ['0010_c', '0002_b', '0001_a']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'migration.sql'), `-- ${name}`);
    }
    const expected = ['0001_a', '0002_b', '0010_c'].map((name) => migration(name, `-- ${name}`));
    expect(await shippedMigrations(folder)).toEqual(expected);
  });

  it('carry the SHA-256 of their file', async () => {
    const shipped = await shippedMigrations();
    expect(shipped.length).toBeGreaterThan(0);
    for (const { name, checksum } of shipped)
      expect(checksum).toBe(sha256(readFileSync(`prisma/migrations/${name}/migration.sql`, 'utf8')));
  });

  it('are recorded as Prisma records them', async () => {
    const database = await emptyDatabase();
    const shipped = await shippedMigrations();
    await migrate(database, shipped);
    const columns = await firstColumn(database, `SELECT name FROM pragma_table_info('_prisma_migrations')`);
    // prisma-engines 7.10, schema-engine's sql_schema_connector for SQLite.
    expect(columns.map(String).sort(compareText)).toEqual(
      // prettier-ignore
      ['applied_steps_count', 'checksum', 'finished_at', 'id', 'logs', 'migration_name', 'rolled_back_at', 'started_at'],
    );
    const done = `SELECT migration_name FROM _prisma_migrations
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL AND applied_steps_count = 1 AND length(id) = 36`;
    expect(await firstColumn(database, done)).toEqual(shipped.map(({ name }) => name));
  });

  it('make the database that schema.prisma describes', async () => {
    const database = await emptyDatabase();
    await migrate(database, await shippedMigrations());
    const declared = parsePrismaSchema(readFileSync('prisma/schema.prisma', 'utf8'));
    expect(declared.map(({ name }) => name)).toContain('LedgerEntry');
    expect(await tables(database)).toEqual(['_prisma_migrations', ...declared.map(({ name }) => name)].sort());
    for (const { name } of declared)
      expect(await modelOfTable(database, name)).toEqual(declared.find((m) => m.name === name));
  });
});

describe('charges of a folder that was made before clients could state them', () => {
  it('are all there afterwards', async () => {
    const database = await emptyDatabase();
    const shipped = await shippedMigrations();
    await migrate(database, shipped.slice(0, 1));
    await database.executeScript(`INSERT INTO "Federation" VALUES ('digits', '{}', 0);
      INSERT INTO "Client" VALUES ('digits', 'a', 'st-mary', 'A', 'key', 0, 'active', NULL, NULL, NULL, 0, 0);
      INSERT INTO "Round" VALUES ('digits', 3, 'offered', '{}', NULL);
      INSERT INTO "Update" VALUES ('digits', 3, 'a', 'd', '{}', 's', 'announced', NULL, NULL, NULL);
      INSERT INTO "PrivacyCharge" VALUES ('digits', 3, 'a', 1.25, 0.5, 7);`);
    await migrate(database, shipped);
    const charge = `SELECT "round" || "client" || "noiseMultiplier" || ' ' || "samplingRate" || "steps" FROM "PrivacyCharge"`;
    expect(await firstColumn(database, charge)).toEqual(['3a1.25 0.57']);
  });
});

/** A table as SQLite knows it, in the form of a declaration. */
async function modelOfTable(database: Connection, name: string): Promise<ModelDeclaration> {
  const lines = async (sql: string): Promise<string[]> => (await firstColumn(database, sql)).map(String);
  const keys = `group_concat("from" || '>' || "to", ','), min("table"), min(on_delete)`;
  return {
    name,
    columns: await lines(
      `SELECT name || ' ' || type || iif("notnull", ' NOT NULL', '') FROM pragma_table_info('${name}')`,
    ),
    primaryKey: await lines(`SELECT name FROM pragma_table_info('${name}') WHERE pk > 0 ORDER BY pk`),
    foreignKeys: (
      await lines(
        `SELECT concat_ws(' ', ${keys}) FROM (SELECT * FROM pragma_foreign_key_list('${name}') ORDER BY id, seq) GROUP BY id`,
      )
    ).sort(),
    indexes: (
      await lines(
        `SELECT (SELECT group_concat(name, ',') FROM pragma_index_info(l.name))
         FROM pragma_index_list('${name}') AS l WHERE origin = 'c'`,
      )
    ).sort(),
  };
}
