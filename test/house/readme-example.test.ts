import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/fixture-repository.ts';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const exists = (path: string): boolean => existsSync(join(repositoryRoot, path));

describe('the README', () => {
  it('shows the example that runs, to the letter', () => {
    expect(read('README.md')).toContain(`\`\`\`ts\n${read('examples/digits-client.ts')}\`\`\``);
  });

  it('draws the way of an update through rooms that are there', () => {
    const picture = /```mermaid\n([^]*?)```/.exec(read('README.md'))?.[1] ?? '';
    const rooms = [...picture.matchAll(/\["([a-z/-]+)<br>/g)].map(([, room = '']) => room);
    expect(rooms.length).toBeGreaterThanOrEqual(9);
    expect(rooms.filter((room) => !exists(room) && !exists(join('server', room)))).toEqual([]);
  });
});
