import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/fixture-repository.ts';
import { repositoryFiles } from '../support/repository-files.ts';

const banned = ['manager', 'handler', 'helper', 'util', 'data', 'info', 'process'];
// An operating system's process is one, so `CoordinatorProcess` says something.
const capitalised = banned
  .filter((word) => word !== 'process')
  .map((word) => word.charAt(0).toUpperCase() + word.slice(1));
const bannedPath = new RegExp(`(^|/)(${banned.join('|')})s?[./]|-(manager|handler|helper|util)s?\\.`);
const bannedName = new RegExp(`^((${banned.join('|')})s?|\\w*(${capitalised.join('|')})s?)$`);

function bannedDeclarations(file: string): string[] {
  const source = readFileSync(join(repositoryRoot, file), 'utf8');
  const names = source.matchAll(/^\s*(?:export )?(?:async )?(?:const|let|function|class|interface|type) (\w+)/gm);
  return Array.from(names, ([, name = '']) => name).filter((name) => bannedName.test(name));
}

describe('names', () => {
  it('of files and folders hold none of the words that say nothing', () => {
    expect(repositoryFiles().filter((file) => bannedPath.test(file))).toEqual([]);
    const examples = ['shared/data.ts', 'server/utils/mean.ts', 'server/round-manager.ts', 'server/data-folder.ts'];
    expect(examples.filter((file) => bannedPath.test(file))).toEqual(examples.slice(0, 3));
  });

  it('of declarations hold none of the words that say nothing', () => {
    const sources = repositoryFiles().filter((file) => file.endsWith('.ts'));
    expect(sources.flatMap((file) => bannedDeclarations(file).map((name) => `${file}: ${name}`))).toEqual([]);
    expect(sources.length).toBeGreaterThan(0);
    const examples = bannedDeclarations('test/fixtures/names/declarations.ts');
    expect(examples).toEqual(['rowData', 'RoundManager', 'Info', 'helpers']);
  });
});
