// The backends that tests of gradients run on: those that are always there, and the native one where somebody built it
// (npm run native), which CI requires by MUSTER_REQUIRE_NATIVE.

import { type BackendName, startBackend } from '../../client-sdk/training/load-backend.ts';

export async function builtBackends(): Promise<readonly BackendName[]> {
  const native = await startBackend('tensorflow');
  if (!native && process.env['MUSTER_REQUIRE_NATIVE'] !== undefined) {
    throw new Error('expected the native backend, as MUSTER_REQUIRE_NATIVE asks; build it: npm run native');
  }
  return native ? ['wasm', 'cpu', 'tensorflow'] : ['wasm', 'cpu'];
}
