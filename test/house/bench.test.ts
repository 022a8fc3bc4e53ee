import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { figureIds } from '../../bench/figure.ts';
import { repositoryRoot } from '../support/fixture-repository.ts';

describe('bench/README.md', () => {
  it('lists every figure that a bench can print, once, and none that does not exist', () => {
    const text = readFileSync(join(repositoryRoot, 'bench/README.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `([a-z-]+)`/gm)].map(([, id]) => id);
    expect(listed).toEqual([...figureIds]);
  });
});
