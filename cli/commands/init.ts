// muster init: a federation file to begin with.

import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { federationTemplate } from '../federation-template.ts';
import { type JsonTarget, printResult } from '../output.ts';

export function initCommand(): Command {
  return new Command('init')
    .description('Write a commented federation file.')
    .argument('[file]', 'where to write it', 'federation.yaml')
    .option('--json [file]', 'the result as JSON, on stdout or in a file')
    .action(async (file: string, { json }: { json?: JsonTarget }) => {
      await writeNew(file);
      await printResult({ file }, `${file} written. Serve it with: npm start -- --config ${file}`, json);
    });
}

/** @throws RefusedError rather than overwrite somebody's federation, and where there is no such folder. */
async function writeNew(file: string): Promise<void> {
  try {
    await writeFile(file, federationTemplate, { flag: 'wx' });
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? fault.code : undefined;
    if (code === 'EEXIST') throw badFile(`${file} is there already`, 'give another name: muster init other.yaml');
    if (code === 'ENOENT') throw badFile(`${file} lies in no folder`, 'make the folder first');
    throw fault;
  }
}

const badFile = (message: string, hint: string): RefusedError =>
  new RefusedError(refuse('bad-option', { message, expected: 'a new file in a folder that is there', hint }).refusal);
