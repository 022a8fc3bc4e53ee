// Compiles assembly/ to kernel.wasm, which is committed. With --check nothing is written: the committed file must be, byte
// for byte, what the pinned compiler makes of the source.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = dirname(fileURLToPath(import.meta.url));
const kernel = join(here, 'kernel.wasm');
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--enable', 'simd'];

const compiled = await compile();
if (compiled === undefined) process.exitCode = 1;
else if (!process.argv.includes('--check')) writeFileSync(kernel, compiled);
else if (!existsSync(kernel) || !compiled.equals(readFileSync(kernel))) {
  console.error(`${kernel} is not what its source compiles to. Write it anew and commit it: npm run build:kernel`);
  process.exitCode = 1;
}

/** Undefined where it does not compile: why is on standard error. */
async function compile() {
  let binary;
  // 112 warns of functions that take vectors: they are called inside the kernel alone.
  const quiet = ['--disableWarning', '112'];
  await asc.main(['index.ts', '--baseDir', join(here, 'assembly'), '-o', 'kernel.wasm', ...options, ...quiet], {
    stderr: process.stderr,
    writeFile: (_name, contents) => {
      binary = Buffer.from(contents);
    },
  });
  return binary;
}
