// Nothing in, TensorFlow.js ready to compute out: the native backend where it is installed, else WebAssembly, else
// plain JavaScript. Apart, because it is the only place that touches the process as a whole. Nothing is written to
// stdout; a backend that is there but fails to start is reported by TensorFlow.js on stderr.

import { env, setBackend, tensor1d } from '@tensorflow/tfjs-core';

export type BackendName = 'tensorflow' | 'wasm' | 'cpu';

/** Not a literal at the import, so that neither compiler nor bundler looks for a package that may be absent. */
const NATIVE_PACKAGE: string = '@tensorflow/tfjs-node';

let loading: Promise<BackendName> | undefined;

/** The same backend for the whole process, whoever asks and how often. */
export function loadBackend(): Promise<BackendName> {
  loading ??= firstThatStarts();
  return loading;
}

async function firstThatStarts(): Promise<BackendName> {
  if (await startBackend('tensorflow')) return 'tensorflow';
  if (await startBackend('wasm')) return 'wasm';
  await startBackend('cpu');
  return 'cpu';
}

/** Makes one backend the present one; false where this machine does not have it. For benches and tests. */
export function startBackend(name: BackendName): Promise<boolean> {
  return { tensorflow: startNative, wasm: startWasm, cpu: startCpu }[name]();
}

async function startNative(): Promise<boolean> {
  if (typeof process === 'undefined') return false;
  // Hides the native library's greeting (level 0), not its warnings.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1';
  putBackRemovedUtilities();
  try {
    await import(/* @vite-ignore */ NATIVE_PACKAGE);
  } catch {
    // Optional: not installed, or installed without its binary. Either way the next backend does the work.
    return false;
  }
  return setBackend('tensorflow');
}

/** tfjs-node 4.22.0 calls two functions of node:util that Node 23 took away. */
function putBackRemovedUtilities(): void {
  const utilities: object = process.getBuiltinModule('node:util');
  if ('isNullOrUndefined' in utilities) return;
  Object.assign(utilities, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}

async function startWasm(): Promise<boolean> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  if (typeof process !== 'undefined') {
    // Beside the package's entry, wherever it is installed; a browser finds the files beside its script.
    const { createRequire } = process.getBuiltinModule('node:module');
    const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(entry.slice(0, -process.getBuiltinModule('node:path').basename(entry).length));
  }
  return withoutForeignListeners(() => setBackend('wasm'));
}

/**
 * The WebAssembly runtime hooks itself into every uncaught error of the process, to throw it again from its own minified
 * source (and a rejection that someone else's listener would have dealt with). Its two listeners are taken off.
 */
async function withoutForeignListeners(start: () => Promise<boolean>): Promise<boolean> {
  if (typeof process === 'undefined') return start();
  const exceptions = new Set(process.listeners('uncaughtException'));
  const rejections = new Set(process.listeners('unhandledRejection'));
  const started = await start();
  for (const listener of process.listeners('uncaughtException')) {
    if (!exceptions.has(listener)) process.off('uncaughtException', listener);
  }
  for (const listener of process.listeners('unhandledRejection')) {
    if (!rejections.has(listener)) process.off('unhandledRejection', listener);
  }
  return started;
}

async function startCpu(): Promise<boolean> {
  await import('@tensorflow/tfjs-backend-cpu');
  const started = await setBackend('cpu');
  // The first tensor prints an advertisement unless the flag PROD is up; later warnings are not to be lost.
  const production = env().getBool('PROD');
  env().set('PROD', true);
  tensor1d([0]).dispose();
  env().set('PROD', production);
  return started;
}
