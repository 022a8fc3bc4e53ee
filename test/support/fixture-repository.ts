// A folder of test/fixtures made to look like this repository: a temporary copy with our own configuration files and
// packages beside it, so that a tool judges the fixtures by exactly the rules that it judges our code by.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const repositoryRoot = join(import.meta.dirname, '..', '..');

export interface ToolRun {
  readonly exitCode: number | null;
  readonly stdout: string;
}

/** A line of a fixture and what a tool finds, or must find, there. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

export class FixtureRepository implements Disposable {
  readonly folder: string;

  constructor(fixture: string, configFiles: readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'muster-fixture-'));
    cpSync(join(repositoryRoot, 'test', 'fixtures', fixture), this.folder, { recursive: true });
    for (const file of configFiles) cpSync(join(repositoryRoot, file), join(this.folder, file));
    symlinkSync(join(repositoryRoot, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
  }

  /** Runs a package's command in the folder. */
  run(command: string, ...args: readonly string[]): ToolRun {
    const bin = join(repositoryRoot, 'node_modules', '.bin', command);
    const { status, stdout, stderr, error } = spawnSync(bin, args, { cwd: this.folder, encoding: 'utf8' });
    if (error !== undefined) throw error;
    return { exitCode: status, stdout: stdout + stderr };
  }

  /** What the fixtures say must be found: `// rejects: NAME, NAME` at the end of the line where it is found. */
  expectedFindings(): Finding[] {
    const files = readdirSync(this.folder, { recursive: true, encoding: 'utf8' });
    return inOrder(
      files
        .filter((file) => file.endsWith('.ts') && !file.startsWith('node_modules'))
        .flatMap((file) => markersOf(file, readFileSync(join(this.folder, file), 'utf8'))),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function inOrder(findings: readonly Finding[]): Finding[] {
  const text = (finding: Finding): string => `${finding.file}:${String(finding.line).padStart(6)}:${finding.name}`;
  return findings.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

function markersOf(file: string, source: string): Finding[] {
  return source.split('\n').flatMap((text, index) => {
    const names = /\/\/ rejects: (.*)$/.exec(text)?.[1]?.split(', ') ?? [];
    return names.map((name) => ({ file: file.replaceAll('\\', '/'), line: index + 1, name }));
  });
}
