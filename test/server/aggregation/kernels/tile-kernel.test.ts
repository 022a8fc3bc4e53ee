import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadTileKernel } from '../../../../server/aggregation/kernels/tile-kernel.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { repositoryRoot } from '../../../support/fixture-repository.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const sound = readFileSync(join(repositoryRoot, 'server/aggregation/kernels/kernel.wasm'));

async function loadedFrom(bytes: Uint8Array | null): Promise<unknown> {
  const path = join(temporaryFolder(), 'kernel.wasm');
  if (bytes) writeFileSync(path, bytes);
  return await loadTileKernel(pathToFileURL(path)).catch((fault: unknown) => fault);
}

const withBytes = (index: number, ...values: readonly number[]): Uint8Array =>
  Uint8Array.from(sound, (byte, i) => values[i - index] ?? byte);

describe('the tile kernel', () => {
  it('is loaded from beside the code and from any place, with a memory of its own each time', async () => {
    const [first, second] = [await loadTileKernel(), await loadTileKernel()];
    expect(first.memory).not.toBe(second.memory);
    expect(await loadedFrom(sound)).toHaveProperty('distances');
  });

  it.each([
    ['is missing', null, 'no file that can be read'],
    ['is empty', new Uint8Array(), 'no WebAssembly'],
    ['was cut off', sound.subarray(0, -100), 'no WebAssembly'],
    ['has another magic number', withBytes(0, 1), 'no WebAssembly'],
    ['has another version', withBytes(4, 2), 'no WebAssembly'],
    ['is a module that exports nothing', sound.subarray(0, 8), 'another module'],
    ['calls a function otherwise', withBytes(sound.indexOf('combine'), 67), 'another module'],
    ["gives a function's name to its memory", withBytes(sound.indexOf('combine') + 7, 2, 0), 'another module'],
  ])('is a fault that says what to do where the file %s', async (_case, bytes, found) => {
    const fault = await loadedFrom(bytes);
    expect(fault).toBeInstanceOf(InvariantError);
    expect(String(fault)).toMatch(/kernel\.wasm: expected the compute kernel .*; install Muster again .*build:kernel/);
    expect(String(fault)).toContain(`found ${found}`);
  });
});
