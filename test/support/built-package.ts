// What is shipped, built once for all tests that start processes and laid out as npm installs it, with the programs of
// test/support beside it: loading it costs a process half a second of work less than loading the sources does. Gone with
// the run. Vitest runs this before all tests (vitest.config.ts).

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { repositoryRoot } from './fixture-repository.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly builtPackage: string;
  }
}

const KERNEL = 'server/aggregation/kernels/kernel.wasm';

/** Answers how it is taken down. */
export function setup({ provide }: TestProject): () => void {
  const cache = join(repositoryRoot, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'muster-built-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    build(folder);
  } catch (fault) {
    remove();
    throw fault;
  }
  provide('builtPackage', folder);
  return remove;
}

function build(folder: string): void {
  const project = join(folder, 'tsconfig.json');
  const sources = ['cli', 'test/support/*-child.ts'];
  const config = {
    extends: join(repositoryRoot, 'tsconfig.build.json'),
    // The types are checked elsewhere.
    compilerOptions: { rootDir: repositoryRoot, outDir: join(folder, 'dist'), declaration: false, noCheck: true },
    include: sources.map((source) => join(repositoryRoot, source)),
  };
  writeFileSync(project, JSON.stringify(config));
  const compiler = join(repositoryRoot, 'node_modules', '.bin', 'tsc');
  const { status, stdout, stderr } = spawnSync(compiler, ['-p', project], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the sources could not be built: ${stdout}${stderr}`);
  copyFileSync(join(repositoryRoot, KERNEL), join(folder, 'dist', KERNEL));
  copyFileSync(join(repositoryRoot, 'package.json'), join(folder, 'package.json'));
  cpSync(join(repositoryRoot, 'prisma', 'migrations'), join(folder, 'prisma', 'migrations'), { recursive: true });
}
