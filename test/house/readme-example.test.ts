import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/fixture-repository.ts';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');

describe('the client in the README', () => {
  it('is the example that runs, to the letter', () => {
    expect(read('README.md')).toContain(`\`\`\`ts\n${read('examples/digits-client.ts')}\`\`\``);
  });
});
