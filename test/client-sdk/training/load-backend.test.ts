import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { getBackend, matMul, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';

describe('loadBackend', () => {
  it('gives the whole process one backend that computes, however often it is asked', async () => {
    const [first, second] = await Promise.all([loadBackend(), loadBackend()]);
    expect(first).toMatch(/^(tensorflow|wasm)$/);
    expect([second, getBackend()]).toEqual([first, first]);
    const [row, column] = [tensor2d([[1, 2]]), tensor2d([[3], [4]])];
    const product = matMul(row, column);
    expect(product.dataSync()[0]).toBe(11);
    for (const tensor of [row, column, product]) tensor.dispose();
  });

  it.each([
    ['whatever there is', ''],
    [
      'plain JavaScript where neither native code nor WebAssembly starts',
      `process.dlopen = () => { throw new Error('blocked'); };
       WebAssembly.instantiate = () => Promise.reject(new Error('blocked'));`,
    ],
  ])('starts %s under tsx without a word on stdout, an advertisement or a hook in the process', async (_, before) => {
    const module = new URL('../../../client-sdk/training/load-backend.ts', import.meta.url).href;
    const core = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
    const script = `
      const { loadBackend } = await import(${JSON.stringify(module)});
      ${before}
      const backend = await loadBackend();
      const { default: tf } = await import(${JSON.stringify(core)});
      console.error(backend, tf.memory().numTensors, tf.add([1], [2]).dataSync()[0], tf.env().getBool('PROD'),
        process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection'));`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ]);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      before === '' ? /^(tensorflow|wasm) 0 3 false 0$/ : /^cpu 0 3 false 0$/,
    );
    expect(stderr).not.toContain('Hi, looks like');
  });
});
