import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FixtureRepository, type ToolRun, repositoryRoot } from '../support/fixture-repository.ts';

const kernels = 'server/aggregation/kernels';
const parts = ['assembly', 'build-kernel.mjs', 'kernel.wasm'];

function run(folder: string, ...args: readonly string[]): ToolRun {
  const script = join(folder, kernels, 'build-kernel.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { exitCode: status, stdout: stdout + stderr };
}

describe('the check of the kernel', () => {
  using repository = new FixtureRepository('empty', []);
  const { folder } = repository;
  for (const part of parts)
    cpSync(join(repositoryRoot, kernels, part), join(folder, kernels, part), { recursive: true });
  const source = join(folder, kernels, 'assembly', 'index.ts');
  const kernel = join(folder, kernels, 'kernel.wasm');
  const committed = readFileSync(kernel);
  rmSync(kernel);
  const built = run(folder);
  const written = readFileSync(kernel);

  // What the check says of a kernel does not depend on how much there is to compile.
  writeFileSync(source, 'export function twice(x: i32): i32 { return 2 * x }');
  const rebuilt = run(folder);
  const unchanged = run(folder, '--check');
  const small = readFileSync(kernel);
  writeFileSync(
    kernel,
    Uint8Array.from(small, (byte, i) => (i === small.length - 5 ? byte ^ 1 : byte)),
  );
  const changed = run(folder, '--check');
  rmSync(kernel);
  const missing = run(folder, '--check');
  writeFileSync(source, 'export function broken(): v128 { return 1 }');
  const broken = run(folder);

  it('accepts what its source compiles to, wherever it lies, as what is committed is', () => {
    expect(built).toEqual({ exitCode: 0, stdout: '' });
    expect(written).toEqual(committed);
    expect(rebuilt).toEqual({ exitCode: 0, stdout: '' });
    expect(unchanged).toEqual({ exitCode: 0, stdout: '' });
  });

  it('rejects a kernel with one bit changed, and a missing one, and says what to do', () => {
    for (const { exitCode, stdout } of [changed, missing]) {
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/kernel\.wasm is not what its source compiles to.*npm run build:kernel/);
    }
  });

  it('rejects a source that does not compile', () => {
    expect(broken.exitCode).toBe(1);
    expect(broken.stdout).toContain('ERROR');
  });
});
