// The compute kernel: kernel.wasm, compiled from assembly/ (npm run build:kernel), with a linear memory of its own for
// each thread. There is nothing to fall back on: a kernel that cannot be loaded is a fault, never a slow answer.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { InvariantError } from '../../../shared/invariant-error.ts';

export const KERNEL_NAME = 'wasm-simd128';

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** Addresses and lengths are in bytes; what lies there is said in assembly/layout.ts. */
const tileKernelSchema = z.object({
  memory: z.instanceof(WebAssembly.Memory),
  distances: z.custom<(tile: number, sums: number, lanes: number) => void>(isFunction),
  distancesOfLast: z.custom<(tile: number, sums: number, lanes: number) => void>(isFunction),
  distances64: z.custom<(tile: number, sums: number) => void>(isFunction),
  distancesToPoint: z.custom<(tile: number, point: number, sums: number) => void>(isFunction),
  combine: z.custom<(sum: number, out: number, bytes: number) => void>(isFunction),
  coordinateWise: z.custom<(tile: number, windows: number, out: number) => void>(isFunction),
});

export type TileKernel = z.output<typeof tileKernelSchema>;

/** @throws InvariantError where the file is missing or is no such kernel. */
export async function loadTileKernel(url = new URL('kernel.wasm', import.meta.url)): Promise<TileKernel> {
  const bytes = await readFile(url).catch(broken(url, 'no file that can be read'));
  const { instance } = await WebAssembly.instantiate(bytes).catch(broken(url, 'no WebAssembly of this engine'));
  const parsed = tileKernelSchema.safeParse(instance.exports);
  if (parsed.success) return parsed.data;
  const lacking = parsed.error.issues.map(({ path }) => path.join('.'));
  return broken(url, 'another module')(`it lacks ${lacking.join(', ')}`);
}

function broken(url: URL, found: string): (cause: unknown) => never {
  return (cause) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvariantError(
      `${fileURLToPath(url)}: expected the compute kernel of server/aggregation/kernels/assembly, found ${found} ` +
        `(${reason}); install Muster again or, in a clone, run: npm run build:kernel`,
      { cause },
    );
  };
}
