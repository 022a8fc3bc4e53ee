import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../../shared/update-format/safetensors.ts';
import type { TensorSchema } from '../../../shared/update-format/tensor-schema.ts';
import { aggregateFrom, refusalFrom, updatesFile } from '../../support/aggregate-command.ts';
import { built } from '../../support/built.ts';
import { runHere } from '../../support/captured-command.ts';
import { repositoryRoot } from '../../support/fixture-repository.ts';
import { P7 } from '../../support/published-cohorts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const schema: TensorSchema = [
  { name: 'a', shape: [] },
  { name: 'b', shape: [1] },
];

const file = (path: string, values: readonly number[], of = schema): string => {
  writeFileSync(path, encodeSafetensors(of, Float32Array.from(values)));
  return path;
};

/** P7 in files 0.safetensors to 6.safetensors of a folder. */
function p7Files(): readonly string[] {
  const dir = temporaryFolder();
  return P7.map((values, i) => file(join(dir, `${i}.safetensors`), values));
}

/** As another program lays a file out: tensors in any order, white space, any header. */
function written(header: object | string, values: readonly number[]): string {
  const path = join(temporaryFolder(), 'written.safetensors');
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, Buffer.from(Float32Array.from(values).buffer)]));
  return path;
}

describe('updates in safetensors files', () => {
  it('are named by their paths as given', async () => {
    const files = p7Files();
    const report = await aggregateFrom('--rule', 'krum', '--f', '2', ...files);
    expect(report).toMatchObject({ n: 7, aggregate: [1, 2], selected: [files[6]] });
    expect(report.scores).toEqual([19, 19, 41, 23, 30, 20, 18]);
    expect(report.explanation.clients.map(({ client }) => client)).toEqual(files);
  });

  it('behind --json are updates too, whatever they are called, and are not written over', async () => {
    const files = p7Files().map((path) => path.replace('.safetensors', '.st'));
    p7Files().forEach((path, i) => copyFileSync(path, files[i] ?? ''));
    const before = files.map((path) => readFileSync(path));
    const { exitCode, stdout } = await runHere('aggregate', '--rule', 'krum', '--f', '2', '--json', ...files);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ n: 7, selected: [files[6]] });
    const refused = await runHere('aggregate', '--rule', 'krum', '--f', '3', '--json', ...files);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'cohort-too-small' } });
    expect(files.map((path) => readFileSync(path))).toEqual(before);
  });

  it('go by the names of tensors, in whatever order a file has them', async () => {
    const dir = temporaryFolder();
    const ours = file(join(dir, 'ours.safetensors'), [1, 2]);
    const header = {
      __metadata__: { format: 'pt' },
      b: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      a: { dtype: 'F32', shape: [], data_offsets: [4, 8] },
    };
    const theirs = written(header, [20, 10]);
    expect((await aggregateFrom('--rule', 'mean', ours, theirs)).aggregate).toEqual([5.5, 11]);
    expect((await aggregateFrom('--rule', 'mean', theirs, ours)).aggregate).toEqual([5.5, 11]);
  });

  const entry = (more: object): object => ({ dtype: 'F32', shape: [2], data_offsets: [0, 8], ...more });

  it.each([
    ['of another tensor', { c: entry({}) }, 'unknown-tensor'],
    ['of one tensor more', { w: entry({}), x: entry({ data_offsets: [8, 16] }) }, 'unknown-tensor'],
    ['of another shape', { w: entry({ shape: [1, 2] }) }, 'bad-shape'],
    ['of float16', { w: entry({ dtype: 'F16', shape: [2] }) }, 'bad-shape'],
    ['with bytes left over', { w: entry({ data_offsets: [0, 4] }) }, 'bad-format'],
    ['of no JSON', '{', 'bad-format'],
    ['of a list', '[]', 'bad-format'],
  ])('%s are refused, naming the file', async (_what, header, code) => {
    const first = file(join(temporaryFolder(), 'first.safetensors'), [1, 2], [{ name: 'w', shape: [2] }]);
    const second = written(header, [1, 2]);
    const refusal = await refusalFrom('--rule', 'mean', first, second);
    expect(refusal).toMatch(new RegExp(`^${code} `));
    expect(refusal).toContain(second);
  });

  it.each([
    ['no tensor', {}, 'bad-shape'],
    ['no value', { w: { dtype: 'F32', shape: [0], data_offsets: [0, 0] } }, 'bad-shape'],
    ['float64', { w: { dtype: 'F64', shape: [1], data_offsets: [0, 8] } }, 'bad-shape'],
    ['a shape that is none', { w: { dtype: 'F32', shape: [-2], data_offsets: [0, 8] } }, 'bad-format'],
    ['a shape beyond the file', { w: { dtype: 'F32', shape: [2 ** 40], data_offsets: [0, 8] } }, 'bad-format'],
    ['a shape that overflows', { w: { dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 8] } }, 'bad-format'],
    ['null', 'null', 'bad-format'],
  ])('are refused where the first file holds %s', async (_what, header, code) => {
    expect(await refusalFrom('--rule', 'mean', written(header, [1, 2]))).toMatch(new RegExp(`^${code} `));
  });

  it.each([NaN, Infinity, -Infinity])('that hold %d are refused, naming the file and the value', async (value) => {
    const files = p7Files();
    file(files[3] ?? '', [1, value]);
    expect(await refusalFrom('--rule', 'mean', ...files)).toMatch(/^not-finite .* at value 1 in .*3\.safetensors/);
  });

  it('that are cut off, empty or not there are refused', async () => {
    const [path = ''] = p7Files();
    expect(await refusalFrom('--rule', 'mean', join(temporaryFolder(), 'none'))).toMatch(
      /^bad-option .*cannot be read/,
    );
    truncateSync(path, 40);
    expect(await refusalFrom('--rule', 'mean', path)).toMatch(/^bad-format /);
    truncateSync(path, 0);
    expect(await refusalFrom('--rule', 'mean', path)).toMatch(/^bad-format /);
  });

  it('that are more together than half of the memory are refused before one is read', async () => {
    const dir = temporaryFolder();
    const size = 2 ** 31 - 1;
    const files = Array.from({ length: Math.ceil(totalmem() / 2 / size) + 1 }, (_, i) =>
      file(join(dir, `${i}`), [1, 2]),
    );
    for (const path of files) truncateSync(path, size);
    expect(await refusalFrom('--rule', 'mean', ...files)).toMatch(/^bad-option .*too large together/);
  });

  it('of more values than can be printed are refused with --json before anything is computed', async () => {
    const d = 10_000_001;
    const path = written({ w: { dtype: 'F32', shape: [d], data_offsets: [0, 4 * d] } }, []);
    truncateSync(path, statSync(path).size + 4 * d);
    expect(await refusalFrom('--rule', 'mean', path)).toMatch(/^bad-option .*--out FILE.safetensors/);
  });

  it('that are JSON are refused with the flag that takes them', async () => {
    expect(await refusalFrom('--rule', 'mean', updatesFile({ updates: P7 }))).toMatch(/^bad-format .*--in FILE/);
  });

  it('given twice, beside --in, or not at all are refused', async () => {
    const [path = '', other = ''] = p7Files();
    expect(await refusalFrom('--rule', 'mean', path, other, path)).toMatch(/^bad-option .*more than once/);
    const again = `${dirname(path)}/../${basename(dirname(path))}/${basename(path)}`;
    expect(await refusalFrom('--rule', 'mean', path, other, again)).toMatch(/^bad-option .*more than once/);
    expect(await refusalFrom('--rule', 'mean', '--in', updatesFile({ updates: P7 }), path)).toMatch(
      /^bad-option .*--in/,
    );
    expect(await refusalFrom('--rule', 'mean')).toMatch(/^bad-option .*neither/);
  });
});

describe('--reference', () => {
  it('is read as the updates are', async () => {
    const dir = temporaryFolder();
    const updates = [
      [2, 0],
      [0, 3],
      [-1, 0],
      [1, 1],
    ].map((values, i) => file(join(dir, `${i}.safetensors`), values));
    const root = file(join(dir, 'root.safetensors'), [1, 0]);
    const report = await aggregateFrom('--rule', 'fltrust', '--reference', root, ...updates);
    expect(report.aggregate[0]).toBeCloseTo(0.87867966, 6);
    const json = updatesFile({
      updates: [
        [2, 0],
        [0, 3],
        [-1, 0],
        [1, 1],
      ],
      reference: [0, 1],
    });
    const fromJson = await aggregateFrom('--rule', 'fltrust', '--in', json, '--reference', root);
    expect(fromJson.aggregate).toEqual(report.aggregate);
  });

  it('of other tensors or another length is refused', async () => {
    const [path = ''] = p7Files();
    const other = file(join(temporaryFolder(), 'other.safetensors'), [1, 2, 3], [{ name: 'w', shape: [3] }]);
    expect(await refusalFrom('--rule', 'mean', '--reference', other, path)).toMatch(/^unknown-tensor .*other/);
    const json = updatesFile({ updates: P7 });
    expect(await refusalFrom('--rule', 'mean', '--reference', other, '--in', json)).toMatch(
      /^bad-shape .*3 in .*other/,
    );
  });
});

describe('--out', () => {
  const valuesIn = (path: string, of = schema): readonly number[] => {
    const decoded = decodeSafetensors(readFileSync(path), of);
    return decoded.kind === 'decoded' ? [...decoded.values] : [];
  };

  it('writes the aggregate with the tensors of the updates, in the place of what was there', async () => {
    const dir = temporaryFolder();
    const out = join(dir, 'aggregate.safetensors');
    writeFileSync(out, 'before');
    await aggregateFrom('--rule', 'krum', '--f', '2', '--out', out, ...p7Files());
    expect(valuesIn(out)).toEqual([1, 2]);
    expect(readdirSync(dir)).toEqual(['aggregate.safetensors']);
    await aggregateFrom('--rule', 'krum', '--f', '2', '--out', out, '--in', updatesFile({ updates: P7 }));
    expect(valuesIn(out, [{ name: 'aggregate', shape: [2] }])).toEqual([1, 2]);
  });

  it('that is one of the updates, or cannot be written, is refused and nothing is left behind', async () => {
    const files = p7Files();
    const [first = ''] = files;
    const before = readFileSync(first);
    expect(await refusalFrom('--rule', 'mean', '--out', join(first, '..', '0.safetensors'), ...files)).toMatch(
      /^bad-option .*--out/,
    );
    expect(readFileSync(first)).toEqual(before);
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'folder'));
    expect(await refusalFrom('--rule', 'mean', '--out', join(dir, 'folder'), ...files)).toMatch(
      /^bad-option .*cannot be written/,
    );
    expect(await refusalFrom('--rule', 'mean', '--out', join(dir, 'none', 'out'), ...files)).toMatch(
      /^bad-option .*cannot be written/,
    );
    expect(readdirSync(dir)).toEqual(['folder']);
  });
});

describe('--json FILE', () => {
  it('that is one of the updates, or the file of --out, is refused and leaves it as it was', async () => {
    const updates = updatesFile({ updates: P7 });
    const [first = '', ...others] = p7Files();
    const out = join(temporaryFolder(), 'out.json');
    for (const args of [
      ['--in', updates, '--json', updates],
      [`--in=${updates}`, '--json', updates],
      ['--in', updates, `--json=${join(updates, '..', 'updates.json')}`],
      ['--reference', first, `--json=${first}`, ...others],
      ['--in', updates, '--out', out, '--json', out],
      // Refused for another reason first.
      ['--rule', 'none', '--in', updates, '--json', updates],
    ]) {
      const { exitCode, stdout } = await runHere('aggregate', '--rule', 'mean', ...args);
      expect([args, exitCode]).toEqual([args, 2]);
      expect(JSON.parse(stdout)).toHaveProperty('error.code');
    }
    expect(JSON.parse(readFileSync(updates, 'utf8'))).toEqual({ updates: P7 });
    expect(readFileSync(first)).toEqual(Buffer.from(encodeSafetensors(schema, Float32Array.from(P7[0] ?? []))));
  });
});

describe('as a process of its own', () => {
  const node = process.execPath;
  const args = [built('cli/main.ts'), 'aggregate'];
  const run = (input: string, ...more: readonly string[]) =>
    spawnSync(node, [...args, ...more], { input, encoding: 'utf8', cwd: repositoryRoot });

  it('takes updates from stdin, and ends by itself', () => {
    const { status, stdout, stderr } = run(
      JSON.stringify({ updates: P7, f: 2 }),
      '--in',
      '-',
      '--rule',
      'krum',
      '--json',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ selected: [6] });
  });

  it('ends with 130 where it is interrupted at work, and leaves nothing behind', async () => {
    const dir = temporaryFolder();
    const values = Float32Array.from({ length: 1_100_000 }, (_, k) => k % 7);
    const bytes = encodeSafetensors([{ name: 'w', shape: [values.length] }], values);
    const files = Array.from({ length: 5 }, (_, i) => join(dir, `${i}.safetensors`));
    for (const path of files) writeFileSync(path, bytes);
    const endless = ['--rule', 'geometric-median', '--option', 'tolerance=0', '--option', 'maxIterations=100000'];
    const out = ['--out', join(dir, 'out.safetensors')];
    const child = spawn(node, [...args, ...endless, ...out, ...files], { cwd: repositoryRoot });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stderr.once('data', () => child.kill('SIGINT'));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    expect(readdirSync(dir).toSorted()).toEqual(files.map((path) => path.slice(dir.length + 1)).toSorted());
  });
});
