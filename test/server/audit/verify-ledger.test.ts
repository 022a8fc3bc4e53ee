import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { StoredLedger } from '../../../server/audit/ledger-export.ts';
import type { LedgerRow } from '../../../server/ledger/ledger-store.ts';
import { type LedgerClaim, verifyLedger, type VerifiedLedger } from '../../../server/audit/verify-ledger.ts';
import { readFederation } from '../../../server/audit/read-ledger.ts';
import { openDataFolder } from '../../../server/storage/data-folder.ts';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { parseLedgerRow } from '../../../server/storage/ledger-row.ts';
import { type Connection, connect } from '../../../server/storage/libsql-connection.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { originOf, signCheckpoint } from '../../../shared/ledger/checkpoint.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { entryHash, GENESIS } from '../../../shared/ledger/ledger-hash.ts';
import { type RandomSource, seededRandomSource, uniformInteger } from '../../../shared/random-source.ts';
import { accepted, isRefused, type Refused } from '../../../shared/protocol/refusals.ts';
import * as facts from '../../support/federation-facts.ts';
import { rewriteLedger } from '../../support/rewritten-ledger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { federation } = facts;

interface RealLedger {
  readonly dir: string;
  readonly stores: FederationStores;
}

/** Founded with the folder's own key, three clients, two rounds whose statements name the true newest head. */
async function realLedger(): Promise<RealLedger> {
  const dir = temporaryFolder();
  let millis = Date.parse('2026-03-01T12:00:00.000Z');
  const folder = accepted(
    await openDataFolder(dir, { now: () => new Date((millis += 7)), after: () => () => undefined }),
  );
  onTestFinished(() => folder.close());
  const stores = folder.storeOf(federation);
  await facts.foundWithClients(stores);
  for (const round of [1, 2]) await runRound(stores, round);
  return { dir, stores };
}

async function runRound(stores: FederationStores, round: number): Promise<void> {
  await stores.rounds.offer(facts.offered(round), facts.offer(round));
  const head = await stores.ledger.newest();
  if (!head) throw new Error('expected a head');
  const checkpoint = { size: head.size, root: head.root };
  for (const client of facts.clientIds) {
    const { update, event } = facts.announced(round, client);
    const envelope = { ...update.envelope, checkpoint };
    await stores.updates.announce({ ...update, envelope }, facts.charge, { ...event, envelope });
    const staged = { figures: facts.figures, stagedAt: new Date(0) };
    await stores.updates.stage({ round, client }, staged, facts.staging(round, client));
  }
  await stores.rounds.commit(facts.record(round), facts.version(round), facts.commitEvents(round));
}

async function stored({ stores: { ledger } }: RealLedger): Promise<StoredLedger> {
  return { federation, rows: await ledger.rows(), heads: await ledger.heads() };
}

const verify = async (
  { rows: entries, heads }: Pick<StoredLedger, 'rows' | 'heads'>,
  held: Partial<LedgerClaim> = {},
): Promise<VerifiedLedger | Refused> =>
  await verifyLedger({ federation, entries, heads, parse: parseLedgerRow, ...held });

/** As an export states it: texts and notes alone. */
const exported = ({ rows, heads }: StoredLedger): Pick<LedgerClaim, 'entries' | 'heads'> => ({
  entries: rows.map(({ text }) => ({ text })),
  heads: heads.map(({ note }) => ({ note })),
});

function codeOf(outcome: VerifiedLedger | Refused): string {
  return isRefused(outcome) ? outcome.refusal.code : outcome.kind;
}

/** Which entry or checkpoint is named. */
function namedBy(outcome: VerifiedLedger | Refused): string {
  return isRefused(outcome)
    ? (/(entry|checkpoint of size) \S+$/.exec(outcome.refusal.message)?.[0] ?? 'nothing')
    : 'none';
}

describe('verifying a ledger', () => {
  it('passes one as it was written, from its folder and from its texts alone, and says what it cannot know', async () => {
    const real = await realLedger();
    const ledger = await stored(real);
    const newest = ledger.heads.at(-1);
    for (const claim of [{}, exported(ledger)]) {
      const verified = accepted(await verify(ledger, claim));
      expect(verified.head).toEqual(newest);
      expect(verified.entries).toHaveLength(ledger.rows.length);
      expect(verified.ledgerKey).toBe(real.stores.ledger.publicKey);
      expect(verified.cannotKnow.join(' ')).toMatch(/rewritten by whoever holds.*cut off.*own word/);
    }
    const held = { checkpoint: ledger.heads[3]?.note, ledgerKey: real.stores.ledger.publicKey };
    const { cannotKnow } = accepted(await verify(ledger, held));
    expect(cannotKnow.join(' ')).not.toMatch(/own word|whoever holds/);
  });

  it('names the first entry that was removed, swapped, inserted or cut off', async () => {
    const ledger = await stored(await realLedger());
    const { rows } = ledger;
    const named = async (changed: readonly LedgerRow[]): Promise<string> =>
      namedBy(await verify(ledger, exported({ ...ledger, rows: changed })));
    for (const at of [1, 7, rows.length - 2]) {
      const [before, row, next, after] = [rows.slice(0, at), rows[at], rows[at + 1], rows.slice(at + 2)];
      if (!row || !next) throw new Error('expected two rows');
      expect(await named([...before, next, ...after])).toBe(`entry ${at + 1}`);
      expect(await named([...before, next, row, ...after])).toBe(`entry ${at + 1}`);
      expect(await named([...before, row, row, next, ...after])).toBe(`entry ${at + 2}`);
      expect(await named(before)).toMatch(`entry ${before.length + 1}`);
    }
    expect(await named([])).toBe('entry 1');
  });

  it('names the checkpoint that was removed, repeated or swapped, and the entries beyond the newest', async () => {
    const ledger = await stored(await realLedger());
    const named = async (heads: StoredLedger['heads']): Promise<string> =>
      namedBy(await verify(ledger, exported({ ...ledger, heads })));
    const [first, second, third] = ledger.heads;
    if (!first || !second || !third) throw new Error('expected heads');
    expect(await named([second, third, ...ledger.heads.slice(3)])).toBe('checkpoint of size 1');
    expect(await named([first, third, ...ledger.heads.slice(3)])).toBe('checkpoint of size 2');
    expect(await named([first, first, ...ledger.heads.slice(1)])).toBe('checkpoint of size 1');
    expect(await named([second, first, ...ledger.heads.slice(2)])).toBe('checkpoint of size 1');
    expect(await named(ledger.heads.slice(0, 2))).toBe('entry 3');
    expect(await named([])).toBe('entry 1');
  });

  it('finds two checkpoints of the real key that disagree', async () => {
    const real = await realLedger();
    const ledger = await stored(real);
    const signer = await signingKeyFromSeed(readFileSync(join(real.dir, 'ledger-key'), 'utf8').trim());
    const other = { size: 5, root: facts.digest('another history') };
    const note = await signCheckpoint(other, { origin: originOf(federation), ...signer });
    const heads = [...ledger.heads.slice(0, 5), { ...other, note }, ...ledger.heads.slice(5)];
    expect(namedBy(await verify(ledger, { heads }))).toBe('checkpoint of size 5');
  });

  it('does not pass for another federation or another key', async () => {
    const ledger = await stored(await realLedger());
    expect(namedBy(await verify({ ...ledger }, { ledgerKey: 'ab'.repeat(32) }))).toBe('entry 1');
    const strange = await rewriteLedger(ledger, 'ab'.repeat(32));
    expect(codeOf(await verify(strange))).toBe('ledger-damaged');
  });

  it('refuses a text of a known kind that is not in canonical form, and a second founding', async () => {
    const ledger = await stored(await realLedger());
    const withText = async (at: number, change: (text: string) => string): Promise<string> => {
      const entries = exported(ledger).entries.map(({ text }, index) => ({ text: index === at ? change(text) : text }));
      return namedBy(await verify(ledger, { ...exported(ledger), entries }));
    };
    expect(await withText(4, (text) => `${text} `)).toBe('entry 5');
    expect(await withText(4, (text) => `{"__proto__":1,${text.slice(1)}`)).toBe('entry 5');
    expect(await withText(4, (text) => text.replace('client-enrolled', 'client-invented'))).toBe('entry 5');
    expect(await withText(4, () => '['.repeat(100_000))).toBe('entry 5');
    expect(await withText(4, () => '['.repeat(100_000) + ']'.repeat(100_000))).toBe('entry 5');
    const [founding] = ledger.rows;
    const again = parseLedgerRow(founding?.text ?? '');
    const refounded = await rewriteLedger(ledger, 'ab'.repeat(32), (event, sequence) =>
      sequence === 2 ? again.event : event,
    );
    expect(namedBy(await verify(refounded))).toBe('entry 2');
  });

  it('finds the tail of a history that was chained anew without the key', async () => {
    const ledger = await stored(await realLedger());
    const from = ledger.rows.length - 3;
    let previous = ledger.rows[from - 1]?.hash ?? GENESIS;
    const rows = ledger.rows.map((row, index): LedgerRow => {
      if (index < from) return row;
      const { event, sequence, at, head } = parseLedgerRow(row.text);
      const changed = event.type === 'verdict' ? { ...event, score: 0.5 } : event;
      const text = canonicalJson({ ...changed, sequence, federation, at: at.toISOString(), previous, head });
      previous = entryHash(text);
      return { ...row, text, hash: previous };
    });
    expect(namedBy(await verify({ ...ledger, rows }))).toBe(`checkpoint of size ${ledger.rows.length}`);
  });

  it('passes a tail rewritten with the real key, and an older checkpoint exposes it', async () => {
    const real = await realLedger();
    const ledger = await stored(real);
    const key = readFileSync(join(real.dir, 'ledger-key'), 'utf8').trim();
    const newest = ledger.heads.at(-1)?.note;
    const rewritten = await rewriteLedger(ledger, key, (event) =>
      event.type === 'verdict' && event.round === 2 ? { ...event, score: 0.5 } : event,
    );
    expect(codeOf(await verify(rewritten))).toBe('verified');
    expect(codeOf(await verify(rewritten, { checkpoint: newest }))).toBe('ledger-rewritten');
    expect(codeOf(await verify(rewritten, { checkpoint: ledger.heads[2]?.note }))).toBe('verified');
    const cut = { ...ledger, rows: ledger.rows.slice(0, 7), heads: ledger.heads.slice(0, 7) };
    expect(codeOf(await verify(cut))).toBe('verified');
    expect(codeOf(await verify(cut, { checkpoint: newest }))).toBe('ledger-rewritten');
    expect(codeOf(await verify(ledger, { checkpoint: 'no note' }))).toBe('bad-checkpoint');
  });

  it('names the entry that cannot follow those before it, whoever signed it', async () => {
    const real = await realLedger();
    const ledger = await stored(real);
    const key = readFileSync(join(real.dir, 'ledger-key'), 'utf8').trim();
    const last = ledger.rows.length;
    const again = await rewriteLedger(ledger, key, (event, sequence) =>
      sequence === last && event.type === 'round-committed' ? { ...event, round: 1 } : event,
    );
    expect(namedBy(await verify(again))).toBe(`entry ${last}`);
    expect(namedBy(await verify(again, exported(again)))).toBe(`entry ${last}`);
  });

  it('finds what was rewritten with the real key before a head that a client signed', async () => {
    const real = await realLedger();
    const ledger = await stored(real);
    const key = readFileSync(join(real.dir, 'ledger-key'), 'utf8').trim();
    const rewritten = await rewriteLedger(ledger, key, (event) =>
      event.type === 'round-offered' && event.round === 2 ? { ...event, f: 1 } : event,
    );
    const statement = ledger.rows.find(({ type, round }) => type === 'update-announced' && round === 2);
    expect(namedBy(await verify(rewritten))).toBe(`entry ${statement?.sequence}`);
  });
});

const tables = {
  LedgerEntry: ['federation', 'sequence', 'at', 'type', 'round', 'client', 'row', 'hash'],
  LedgerCheckpoint: ['federation', 'size', 'root', 'note'],
} as const;

/** SQL that changes one byte of one column of one row of the ledger in a database. */
function byteChange(random: RandomSource): string {
  const table = uniformInteger(random, 3) === 0 ? 'LedgerCheckpoint' : 'LedgerEntry';
  const columns = tables[table];
  const column = columns[uniformInteger(random, columns.length)] ?? 'row';
  const value = `CAST(${column} AS BLOB)`;
  const at = `(${uniformInteger(random, 1_000_000)} % length(${value}))`;
  const byte = (33 + uniformInteger(random, 94)).toString(16);
  const changed = `substr(${value}, 1, ${at}) || X'${byte}' || substr(${value}, ${at} + 2)`;
  const row = `(SELECT rowid FROM ${table} ORDER BY rowid LIMIT 1 OFFSET ${uniformInteger(random, 20)})`;
  return `UPDATE ${table} SET ${column} = CAST(${changed} AS TEXT) WHERE rowid = ${row} AND ${column} IS NOT NULL`;
}

/** What a reader of the folder sees. */
async function seen(real: RealLedger): Promise<string> {
  return JSON.stringify(await stored(real).catch(String));
}

async function openDatabase({ dir }: RealLedger): Promise<Connection> {
  const connection = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 5000 });
  onTestFinished(() => connection.dispose());
  await connection.executeScript('PRAGMA foreign_keys = OFF');
  for (const table of Object.keys(tables))
    await connection.executeScript(`CREATE TABLE Kept${table} AS SELECT * FROM ${table}`);
  return connection;
}

async function restore(connection: Connection): Promise<void> {
  for (const table of Object.keys(tables))
    await connection.executeScript(`DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM Kept${table}`);
}

describe('a stored ledger', () => {
  it('does not verify after any of 200 changes of one byte in any column', { timeout: 120_000 }, async () => {
    const real = await realLedger();
    const connection = await openDatabase(real);
    const random = seededRandomSource(11, 'bytes');
    const before = await seen(real);
    expect(codeOf(await verify(accepted(await readFederation(federation, real.stores))))).toBe('verified');
    const missed: string[] = [];
    for (let changes = 0; changes < 200;) {
      const sql = byteChange(random);
      // What would repeat a key is turned away by the database itself.
      const isMade = await connection.executeScript(sql).then(
        () => true,
        () => false,
      );
      // Not a change: the same byte, or the same instant in other words.
      if (isMade && (await seen(real)) !== before) {
        changes += 1;
        const read = await readFederation(federation, real.stores);
        const outcome = isRefused(read) ? read : await verify(read);
        if (codeOf(outcome) !== 'ledger-damaged') missed.push(sql);
      }
      await restore(connection);
    }
    expect(missed).toEqual([]);
    expect(codeOf(await verify(await stored(real)))).toBe('verified');
  });

  it.each([
    ['an entry removed', 'DELETE FROM LedgerEntry WHERE sequence = 6'],
    ['a checkpoint removed', 'DELETE FROM LedgerCheckpoint WHERE size = 6'],
    ['the end cut off', 'DELETE FROM LedgerEntry WHERE sequence > 12'],
    ['entries beyond the newest checkpoint', 'DELETE FROM LedgerCheckpoint WHERE size > 12'],
    ['an entry moved', 'UPDATE LedgerEntry SET sequence = 1000 WHERE sequence = 6'],
    [
      'an entry forged',
      `INSERT INTO LedgerEntry SELECT federation, 1000, at, type, round, client, row, hash FROM LedgerEntry WHERE sequence = 6`,
    ],
    ['a round given to an entry without one', 'UPDATE LedgerEntry SET round = 1 WHERE sequence = 1'],
    ['a client given to an entry without one', `UPDATE LedgerEntry SET client = 'x' WHERE sequence = 1`],
    ['a column of another type', `UPDATE LedgerCheckpoint SET size = 'many' WHERE size = 6`],
  ])('does not verify with %s', async (_, sql) => {
    const real = await realLedger();
    const connection = await openDatabase(real);
    await connection.executeScript(sql);
    const read = await readFederation(federation, real.stores);
    expect(isRefused(read) ? read.refusal.code : codeOf(await verify(read))).toBe('ledger-damaged');
  });
});
