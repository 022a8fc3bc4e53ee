// What the command line refuses: of its own arguments, of a federation file, of a data folder, and of a ledger or bundle
// that it is to verify. Every command is given --json.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { federationTemplate } from '../../cli/federation-template.ts';
import { runCommandLine } from '../../cli/run-command-line.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import { openFolder } from './data-folders.ts';
import { federation, foundWithClients, runRound } from './federation-facts.ts';
import { foundedIn } from './open-round.ts';
import { type Provocation, type Told, toldByCommand } from './provocation.ts';
import { temporaryFolder } from './temporary-folder.ts';

const refusedTo = (...args: readonly string[]): Promise<Told> =>
  toldByCommand(() => runCommandLine([...args, '--json']));

/** A file of that text. */
function fileOf(text: string): string {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, text);
  return file;
}

const startingWith = (text: string): Promise<Told> =>
  refusedTo('start', '--config', fileOf(text), '--dir', join(temporaryFolder(), 'data'), '--port', '0');

/** A folder in which one round was run, whose updates nobody has kept. */
async function folderWithRound(): Promise<string> {
  const dir = temporaryFolder();
  const folder = await openFolder(dir);
  const stores = folder.storeOf(federation);
  await foundWithClients(stores);
  await runRound(stores, 1);
  await folder.close();
  return dir;
}

export const onTheCommandLine = {
  'ledger-damaged': () => refusedTo('ledger', 'verify', '--export', fileOf('{}')),
  'bad-bundle': () => refusedTo('bundle', 'verify', fileOf('no zip')),
  'updates-dropped': async () => {
    const [dir, file] = [await folderWithRound(), join(temporaryFolder(), 'round')];
    return await refusedTo('bundle', 'export', '1', file, '--dir', dir);
  },
  'unknown-command': () => refusedTo('roundz'),
  'unknown-option': () => refusedTo('demo', '--cleints', '6'),
  'unknown-attack': () => refusedTo('demo', '--attack', 'sing-flip'),
  'unknown-rule': () => refusedTo('demo', '--rule', 'multikrum'),
  'bad-option': () => refusedTo('demo', '--clients', 'many'),
  'bad-config': () => startingWith(federationTemplate.replace('rounds:', 'ronds:')),
  'f-too-large': () => startingWith(federationTemplate.replace('f: 0.2', 'f: 9')),
  'folder-mismatch': async () => {
    const dir = temporaryFolder();
    await (await foundedIn(dir)).folder.close();
    return await refusedTo('demo', '--dir', dir);
  },
  'folder-in-use': async () => {
    const dir = temporaryFolder();
    await openFolder(dir);
    return await refusedTo('start', '--dir', dir, '--port', '0');
  },
  'no-history': () => refusedTo('rounds', '--dir', temporaryFolder()),
  'unknown-round': async () => await refusedTo('round', '7', '--dir', await folderWithRound()),
} as const satisfies Partial<Record<RefusalCode, Provocation>>;
