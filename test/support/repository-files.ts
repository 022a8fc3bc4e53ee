// The files that make up this repository, found without git (a downloaded archive has none): neither packages, nor
// build results, nor fixtures, nor the data folders that running the demo here leaves behind.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './fixture-repository.ts';

const foreign = /^(\.git|node_modules|dist|generated|fixtures|muster-.*)$/;

/** Paths relative to the root, with forward slashes. */
export function repositoryFiles(folder = ''): string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (foreign.test(entry.name)) return [];
    return entry.isDirectory() ? repositoryFiles(path) : [path];
  });
}
