import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FixtureRepository, inOrder, repositoryRoot } from '../support/fixture-repository.ts';

const rulesSchema = z.record(z.string(), z.union([z.string(), z.tuple([z.string()], z.unknown())]));
const configSchema = z.object({ rules: rulesSchema, overrides: z.array(z.object({ rules: rulesSchema })) });
const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.number() }) })),
    }),
  ),
});

const configText = readFileSync(join(repositoryRoot, '.oxlintrc.json'), 'utf8').replaceAll(/^\s*\/\/.*$/gm, '');
const config = configSchema.parse(JSON.parse(configText));

/** Too long, the file and the function; oxlint names a file's last line. */
const longFile = [
  'export function entry(): number { // rejects: max-lines-per-function',
  '  let sum = 0;',
  ...Array.from({ length: 300 }, () => '  sum += 1;'),
  '  return sum;',
  '} // rejects: max-lines',
].join('\n');

describe('the linter', () => {
  using repository = new FixtureRepository('lint', ['.oxlintrc.json', 'tsconfig.json']);
  writeFileSync(join(repository.folder, 'shared', 'long.ts'), longFile);
  const expected = repository.expectedFindings();
  const { exitCode, stdout } = repository.run('oxlint', '--type-aware', '--format=json');
  const report = reportSchema.parse(JSON.parse(stdout));
  const found = report.diagnostics.map(({ code, filename, labels }) => ({
    file: filename.replaceAll('\\', '/'),
    line: labels[0]?.span.line ?? 1,
    name: code.replace(/^(.*)\((.*)\)$/, '$1/$2').replace('eslint/', ''),
  }));

  it('rejects every marked line of the fixtures by the rule named there, and no other line', () => {
    expect(inOrder(found)).toEqual(expected);
    expect(exitCode).toBe(1);
  });

  it('has a fixture for every rule that the configuration names', () => {
    const named = [config, ...config.overrides]
      .flatMap(({ rules }) => Object.entries(rules))
      .filter(([, setting]) => setting !== 'off')
      .map(([name]) => name);
    const covered = new Set(expected.map(({ name }) => name));
    expect(named.filter((name) => !covered.has(name))).toEqual([]);
  });
});
