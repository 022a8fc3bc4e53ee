// muster ledger: the ledger exported, verified, its newest checkpoint to be kept elsewhere, and the entry that says that
// the folder was restored from a backup.

import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { asFederationId } from '../../shared/ids.ts';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { exportLedger, MAX_EXPORT_BYTES, notAnExport, readExport } from '../../server/audit/ledger-export.ts';
import { type Held, type VerifiedLedger, verifyLedger } from '../../server/audit/verify-ledger.ts';
import { readFederation, verifyFolder } from '../../server/audit/read-ledger.ts';
import { parseLedgerRow } from '../../server/storage/ledger-row.ts';
import { heldEvidence, type HeldOptions, ledgerKey, readCapped } from '../held-evidence.ts';
import { type JsonTarget, printResult } from '../output.ts';
import { type OpenFederation, openExisting, withFolder, withOpen } from '../with-folder.ts';

interface FolderOptions {
  readonly dir: string;
  readonly json?: JsonTarget;
}

type VerifyOptions = FolderOptions & HeldOptions & { readonly export?: string };

export function ledgerCommand(): Command {
  const ledger = new Command('ledger')
    .description('Export and verify the ledger, the record of every decision.')
    .helpCommand(false);
  ledger.addCommand(exportCommand());
  ledger.addCommand(verifyCommand());
  ledger.addCommand(checkpointCommand());
  ledger.addCommand(recoverCommand());
  return ledger;
}

function exportCommand(): Command {
  return onFolder('export', 'Write the whole ledger to a JSON file that anyone can verify.')
    .argument('<file>', 'where to write it')
    .action(async (file: string, { dir, json }: FolderOptions) => {
      const exported = await withFolder(dir, async (open) => {
        const stored = accepted(await readFederation(open.federation, open.stores));
        const founding = stored.rows[0] && parseLedgerRow(stored.rows[0].text).event;
        return exportLedger(stored, founding?.type === 'federation-founded' ? founding.ledgerKey : '');
      });
      await writeFile(file, `${JSON.stringify(exported)}\n`, { mode: 0o600 });
      const entries = exported.entries.length;
      await printResult({ file, entries }, `${entries} entries written to ${file}`, json);
    });
}

function verifyCommand(): Command {
  return onFolder('verify', 'Verify every entry, link and checkpoint, and that the folder holds what they say.')
    .option('--export <file>', 'verify an exported ledger in the place of a folder')
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere, which the ledger has to continue')
    .option('--key <hex>', 'the key that the ledger has to be of, as an invite states it', ledgerKey('--key'))
    .action(async ({ dir, json, export: file, ...options }: VerifyOptions) => {
      const held = await heldEvidence(options);
      const verified = file === undefined ? await verifyDir(dir, held) : await verifyFile(file, held);
      const { head, ledgerKey: key, cannotKnow, entries } = verified;
      const result = { entries: entries.length, checkpoint: head, ledgerKey: key, cannotKnow };
      await printResult({ verified: result }, verifiedText(verified), json);
    });
}

function checkpointCommand(): Command {
  return onFolder('checkpoint', 'Print the newest checkpoint: keep it elsewhere and verify with it later.').action(
    async ({ dir, json }: FolderOptions) => {
      const head = await withFolder(dir, ({ stores }) => stores.ledger.newest());
      if (!head) throw new RefusedError(refuse('no-history', { found: `no checkpoint in ${dir}` }).refusal);
      await printResult({ checkpoint: head }, head.note, json);
    },
  );
}

function recoverCommand(): Command {
  return onFolder('recover', 'After restoring a backup: say on the ledger that what followed is lost.').action(
    async ({ dir, json }: FolderOptions) => {
      const kept = await withOpen(accepted(await openExisting(dir)), recover);
      await printResult({ recovered: kept }, recoveredText(kept.size), json);
    },
  );
}

function onFolder(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--dir <folder>', 'data folder', 'muster-data')
    .option('--json [file]', 'the result as JSON, on stdout or in a file');
}

async function verifyDir(dir: string, held: Held): Promise<VerifiedLedger> {
  return await withFolder(dir, async ({ federation, stores }) =>
    accepted(await verifyFolder(accepted(await readFederation(federation, stores)), held)),
  );
}

async function verifyFile(file: string, held: Held): Promise<VerifiedLedger> {
  const text = new TextDecoder().decode(await readCapped(file, MAX_EXPORT_BYTES));
  const { federation, entries, checkpoints, ledgerKey: stated } = accepted(readExport(text));
  const claim = {
    federation: asFederationId(federation),
    entries: entries.map((each) => ({ text: each })),
    heads: checkpoints.map((note) => ({ note })),
    parse: parseLedgerRow,
  };
  const verified = accepted(await verifyLedger({ ...claim, ...held }));
  if (verified.ledgerKey === stated) return verified;
  throw new RefusedError(notAnExport(`the key ${stated}, which is not that of its entries`).refusal);
}

/** The folder is open to write: nothing is appended meanwhile. */
async function recover({
  federation,
  stores,
}: OpenFederation): Promise<{ readonly size: number; readonly root: string }> {
  const { head, ledgerKey: key } = accepted(await verifyFolder(accepted(await readFederation(federation, stores))));
  const { ledger } = stores;
  if (ledger.publicKey !== key) {
    const hint = 'restore the file ledger-key of this federation from the backup as well';
    throw new RefusedError(
      refuse('ledger-damaged', { expected: `the key of ${key}`, found: ledger.publicKey, hint }).refusal,
    );
  }
  await ledger.append({ type: 'ledger-recovered', kept: head.size, root: head.root });
  return { size: head.size, root: head.root };
}

function verifiedText({ entries, head, ledgerKey: key, cannotKnow }: VerifiedLedger): string {
  return [
    `The ledger is as it was written: ${entries.length} entries, checkpoint of size ${head.size}, root ${head.root}.`,
    `Its key is ${key}.`,
    'What this cannot show:',
    ...cannotKnow.map((sentence) => `  ${sentence}`),
  ].join('\n');
}

function recoveredText(kept: number): string {
  return [
    `The ledger says that it was recovered: its first ${kept} entries are kept, whatever followed them is lost.`,
    'Clients that hold a later checkpoint stop, and go on only where their owner agrees (acceptRecovery of the SDK).',
    'Tell them what happened, and start the coordinator again.',
  ].join('\n');
}
