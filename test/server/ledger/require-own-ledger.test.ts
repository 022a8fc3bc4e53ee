import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireOwnLedger } from '../../../server/ledger/require-own-ledger.ts';
import { connect } from '../../../server/storage/libsql-connection.ts';
import { openFolder } from '../../support/data-folders.ts';
import { federation, found } from '../../support/federation-facts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the key of a ledger', () => {
  it('is taken where it signed what is there, and where nothing is there yet', async () => {
    const folder = await openFolder(temporaryFolder());
    const { ledger, ...stores } = folder.storeOf(federation);
    await expect(requireOwnLedger(ledger, federation)).resolves.toBeUndefined();
    await found({ ledger, ...stores });
    await expect(requireOwnLedger(ledger, federation)).resolves.toBeUndefined();
    await folder.close();
  });

  it('is a fault where an entry’s hash is not the one that was signed', async () => {
    const dir = temporaryFolder();
    const folder = await openFolder(dir);
    await found(folder.storeOf(federation));
    await folder.close();
    const database = await connect(join(dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 1_000 });
    await database.executeScript(`UPDATE LedgerEntry SET hash = '${'ab'.repeat(32)}'`);
    await database.dispose();
    const again = await openFolder(dir);
    await expect(requireOwnLedger(again.storeOf(federation).ledger, federation)).rejects.toThrow(/damaged/);
    await again.close();
  });

  it('is a fault where another one lies in the folder, however well formed', async () => {
    const dir = temporaryFolder();
    const first = await openFolder(dir);
    await found(first.storeOf(federation));
    await first.close();
    await rm(join(dir, 'ledger-key'));
    await writeFile(join(dir, 'ledger-key'), `${'0b'.repeat(32)}\n`, { mode: 0o600 });
    const second = await openFolder(dir);
    await expect(requireOwnLedger(second.storeOf(federation).ledger, federation)).rejects.toThrow(/not the one/);
    await second.close();
  });
});
