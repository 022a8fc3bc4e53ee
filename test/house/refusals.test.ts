// The catalogue of refusals and the table that people read are one: every row, every column, in the same order.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusalCatalogue } from '../../shared/protocol/refusals.ts';
import { repositoryRoot } from '../support/fixture-repository.ts';

/** Cells of the table under the heading "Refusals", its two head lines left out. */
function rowsOfTable(): readonly (readonly string[])[] {
  const [, section = ''] = readFileSync(join(repositoryRoot, 'server', 'README.md'), 'utf8').split(/^## Refusals$/m);
  const [untilNext = ''] = section.split(/^## /m);
  const lines = untilNext.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('the catalogue of refusals', () => {
  it('stands in server/README.md, code by code, with layer, meaning, whether again, and HTTP status', () => {
    const rows = Object.entries(refusalCatalogue).map(([code, { layer, meaning, retryable, httpStatus }]) => [
      `\`${code}\``,
      layer,
      meaning,
      retryable ? 'yes' : 'no',
      `${httpStatus}`,
    ]);
    expect(rowsOfTable()).toEqual(rows);
  });

  it('says something different of every code, in words for people', () => {
    const meanings = Object.values(refusalCatalogue).map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
    for (const meaning of meanings) expect(meaning).toMatch(/^[a-z].*[^.]$/);
  });

  it('answers over HTTP with a status of an error: ours for the gate alone, which no client can cause', () => {
    for (const [code, { httpStatus }] of Object.entries(refusalCatalogue)) {
      expect([code, Math.floor(httpStatus / 100)]).toEqual([code, code === 'gate-failed' ? 5 : 4]);
    }
  });
});
