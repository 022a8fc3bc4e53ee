import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../support/fixture-repository.ts';
import { repositoryFiles } from '../support/repository-files.ts';

const IMPORT = /^import .* from 'fast-check'/m;

it('properties are tried from one seed: fast-check is imported where that is set, and nowhere else', () => {
  const importing = repositoryFiles().filter(
    (file) => file.endsWith('.ts') && IMPORT.test(readFileSync(join(repositoryRoot, file), 'utf8')),
  );
  expect(importing).toEqual(['test/support/properties.ts']);
});
