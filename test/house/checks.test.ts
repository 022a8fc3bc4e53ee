import { describe, expect, it } from 'vitest';
import { FixtureRepository, inOrder } from '../support/fixture-repository.ts';

describe('the type checker', () => {
  it('rejects every marked line of the fixtures by the code named there, and no other line', () => {
    using repository = new FixtureRepository('types', ['tsconfig.json']);
    const { exitCode, stdout } = repository.run('tsc', '-p', 'tsconfig.json', '--pretty', 'false');
    const found = Array.from(stdout.matchAll(/^(.+)\((\d+),\d+\): error (TS\d+)/gm), (match) => {
      const [, file = '', line = '', name = ''] = match;
      return { file, line: Number(line), name };
    });
    expect(inOrder(found)).toEqual(repository.expectedFindings());
    expect(exitCode).not.toBe(0);
  });
});

describe('the formatter', () => {
  it('rejects a file that it would have written otherwise, and that one only', () => {
    using repository = new FixtureRepository('format', ['.prettierrc.json']);
    const { exitCode, stdout } = repository.run('prettier', '--check', 'shared');
    expect(stdout).toContain('shared/badly.ts');
    expect(stdout).not.toContain('shared/well.ts');
    expect(exitCode).toBe(1);
  });
});

describe('the check for what is unused', () => {
  it('rejects an unused file, export, type and dependency and an undeclared dependency, and nothing else', () => {
    using repository = new FixtureRepository('unused', ['knip.json', 'tsconfig.json', 'vitest.config.ts']);
    const { exitCode, stdout } = repository.run('knip', '--reporter', 'compact', '--no-config-hints');
    expect(stdout.trim().split('\n')).toMatchInlineSnapshot(`
      [
        "Unused files (1)",
        "cli/unused-file.ts: cli/unused-file.ts",
        "Unused dependencies (1)",
        "package.json: commander",
        "Unlisted dependencies (1)",
        "cli/main.ts: yaml",
        "Unused exports (1)",
        "cli/parts.ts: unusedValue",
        "Unused exported types (1)",
        "cli/parts.ts: UnusedType",
      ]
    `);
    expect(exitCode).toBe(1);
  });
});
