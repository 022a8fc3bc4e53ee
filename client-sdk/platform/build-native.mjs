// npm run native: builds the native TensorFlow.js backend for this machine (Linux x64), from the npm registry and PyPI
// alone, where `npm install @tensorflow/tfjs-node` would fetch its library from elsewhere. Needs g++ and Python 3 with
// pip, and about 1 GB of disk. Everything goes into node_modules: package.json and its lock stay as they are, and
// `npm ci` takes it away again. TensorFlow 2.12 is the last release that the binding of tfjs-node 4.22.0 compiles with.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const native = join(root, 'node_modules', '@tensorflow', 'tfjs-node');
const libraries = join(native, 'deps', 'lib');
const headers = join(native, 'deps', 'include');
const binding = join(native, 'lib', 'napi-v8');
const packages = ['@tensorflow/tfjs-node@4.22.0', 'node-api-headers@1.9.0'];
const wheel = 'tensorflow-cpu==2.12.1';

/** From a wheel into two folders: the libraries, and the headers that the binding includes. */
const UNPACK = `
import pathlib, shutil, sys, zipfile
wheel, libraries, headers = sys.argv[1:]
wanted = ('tensorflow/c/', 'tensorflow/core/platform/', 'tensorflow/tsl/')
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if entry.is_dir(): continue
        name = entry.filename.removeprefix('tensorflow/')
        if name in ('libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'): target = pathlib.Path(libraries, name)
        elif name.startswith('include/') and name[8:].startswith(wanted): target = pathlib.Path(headers, name[8:])
        else: continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open('wb') as sink: shutil.copyfileobj(source, sink)
`;

if (`${process.platform} ${process.arch}` !== 'linux x64') {
  throw new Error(`expected Linux on x64, found ${process.platform} on ${process.arch}; use the wasm backend there`);
}
installPackages();
unpackLibrary();
compileBinding();
console.log(`The native backend is in ${native}.`);

/** Optional and unsaved: otherwise npm skips a package that is already an optional peer, or writes it down. */
function installPackages() {
  run('npm', ['install', '--no-save', '--save-optional', '--ignore-scripts', '--no-audit', '--no-fund', ...packages]);
}

function unpackLibrary() {
  const folder = mkdtempSync(join(tmpdir(), 'tensorflow-'));
  try {
    const only = ['--no-deps', '--only-binary', ':all:', '--python-version', '3.11', '--platform'];
    run('python3', ['-m', 'pip', 'download', '--quiet', ...only, 'manylinux2014_x86_64', '-d', folder, wheel]);
    const [file] = readdirSync(folder);
    run('python3', ['-c', UNPACK, join(folder, file), libraries, headers]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // The names that the linker looks for; and the one by which `npm rebuild` knows that nothing is missing.
  link('libtensorflow_cc.so.2', 'libtensorflow.so');
  link('libtensorflow_cc.so.2', 'libtensorflow.so.2.9.1');
  link('libtensorflow_framework.so.2', 'libtensorflow_framework.so');
}

function link(target, name) {
  if (!existsSync(join(libraries, name))) symlinkSync(target, join(libraries, name));
}

function compileBinding() {
  mkdirSync(binding, { recursive: true });
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(native, 'binding', name));
  const nodeApi = join(root, 'node_modules', 'node-api-headers', 'include');
  const include = [native, headers, nodeApi].flatMap((folder) => ['-I', folder]);
  const linked = ['-L', libraries, '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  const options = ['-shared', '-fPIC', '-O2', '-std=c++17', '-w', '-DNAPI_VERSION=8'];
  run('g++', [...options, ...include, ...sources, '-o', join(binding, 'tfjs_binding.node'), ...linked]);
}

function run(command, words) {
  const { status, error } = spawnSync(command, words, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`expected ${command} to succeed, found ${error?.message ?? `exit code ${status}`}`);
}
