import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { InterruptedError } from '../../../cli/interrupt.ts';
import type { trainCentrally } from '../../../simulation/central-training/train-centrally.ts';
import { runOf } from '../../simulation/central-training/central-result.ts';
import { runHere } from '../../support/captured-command.ts';
import type { Ended } from '../../support/muster-process.ts';

const { trained } = vi.hoisted(() => ({ trained: vi.fn<typeof trainCentrally>() }));
// The training itself is tested beside it, and takes a minute for each run.
vi.mock('../../../simulation/central-training/train-centrally.ts', () => ({ trainCentrally: trained }));

const train = async (options: string): Promise<Ended> => await runHere('privacy', 'train', ...options.split(' '));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-train-'));
  trained.mockReset().mockImplementation((_digits, { epsilon }, { seed, onEpoch }) => {
    onEpoch?.(1, 0.7);
    return Promise.resolve(runOf(epsilon, seed, seed / 100));
  });
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const resultSchema = z.looseObject({
  trained: z.number(),
  judged: z.array(z.number()),
  unused: z.array(z.number()),
  budgets: z.array(z.looseObject({ epsilon: z.number(), runs: z.array(z.looseObject({ seed: z.number() })) })),
});

describe('muster privacy train', () => {
  it('trains each budget as often as asked, each run from weights of its own, and tells how far it is', async () => {
    const { exitCode, stdout, stderr } = await train('--epsilon 1,8 --runs 2 --json');
    expect(exitCode).toBe(0);
    const { budgets } = resultSchema.parse(JSON.parse(stdout));
    expect(budgets.map(({ epsilon, runs }) => [epsilon, runs.map(({ seed }) => seed)])).toEqual([
      [1, [1, 2]],
      [8, [1, 2]],
    ]);
    expect(budgets[0]).toMatchObject({ accuracy: { min: 0.91, median: 0.915, max: 0.92 } });
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      'epsilon 1, run 1 of 2: epoch 1 of 20   70.0 %',
      'epsilon 1, run 2 of 2: epoch 1 of 20   70.0 %',
    ]);
  });

  it('trains on 8,000 digits and judges on the 2,000 others', async () => {
    const { stdout } = await train('--json');
    const { trained: count, judged, unused } = resultSchema.parse(JSON.parse(stdout));
    expect([count, judged.length, unused.length]).toEqual([8000, 2000, 0]);
    const [digits] = trained.mock.calls[0] ?? [];
    expect([digits?.trained.count, digits?.judged.count]).toEqual([8000, 2000]);
  });

  it('with --validate judges on training digits that are left out, and never shows the test digits', async () => {
    const test = resultSchema.parse(JSON.parse((await train('--json')).stdout));
    const { exitCode, stdout } = await train('--validate --json');
    expect(exitCode).toBe(0);
    const { trained: count, judged, unused } = resultSchema.parse(JSON.parse(stdout));
    expect([count, judged.length]).toEqual([7000, 1000]);
    expect(unused).toEqual(test.judged);
    expect(judged.filter((place) => unused.includes(place))).toEqual([]);
    expect((await train('--validate')).stdout).toContain('Choosing by these figures');
  });

  it('takes the learning rate by epsilon, unless one is given', async () => {
    await train('--epsilon 1,3,8');
    await train('--epsilon 1,8 --learning-rate 0.3 --momentum 0');
    const tasks = trained.mock.calls.map(([, { learningRate, momentum }]) => [learningRate, momentum]);
    expect(tasks).toEqual([
      [1, 0.9],
      [2, 0.9],
      [2, 0.9],
      [0.3, 0],
      [0.3, 0],
    ]);
  });

  it('shows people what was trained, within which budget, and what came of it', async () => {
    const { stdout } = await train('--epsilon 3 --runs 2');
    expect(stdout).toContain('Trained on 8000 digits, judged on 2000 others (test), delta 0.00001');
    expect(stdout).toContain('one example added or removed');
    expect(stdout).toMatch(/^3 +2 +1\.5000 +32 +91\.0 \/ 91\.5 \/ 92\.0 % in 2 runs$/m);
    expect((await train('--epsilon 3')).stdout).toContain('91.0 % in 1 run\n');
  });

  it('writes the curves as SVG and as JSON where it is told to', async () => {
    const [plot, json] = [join(folder, 'curve.svg'), join(folder, 'curve.json')];
    const { exitCode, stdout } = await train(`--epsilon 3 --plot ${plot} --json ${json}`);
    expect([exitCode, stdout]).toEqual([0, '']);
    expect(await readFile(plot, 'utf8')).toContain('epsilon 3: 91.0 %');
    expect(resultSchema.parse(JSON.parse(await readFile(json, 'utf8'))).trained).toBe(8000);
  });

  it('keeps the budgets that were finished where the training of another ends early', async () => {
    const [plot, json] = [join(folder, 'curve.svg'), join(folder, 'curve.json')];
    const finished = runOf(1, 1, 0);
    trained.mockReset().mockResolvedValueOnce(finished).mockRejectedValueOnce(new InterruptedError('interrupted'));
    const { exitCode, stdout } = await train(`--epsilon 1,8 --plot ${plot} --json ${json}`);
    expect([exitCode, stdout]).toEqual([130, '']);
    const { budgets } = resultSchema.parse(JSON.parse(await readFile(json, 'utf8')));
    expect(budgets).toMatchObject([{ epsilon: 1, runs: [finished] }]);
    expect(await readFile(plot, 'utf8')).toContain('epsilon 1: 90.0 %');
  });

  it('leaves no empty file behind where the training fails', async () => {
    trained.mockReset().mockRejectedValue(new Error('no memory'));
    const [plot, json] = [join(folder, 'curve.svg'), join(folder, 'curve.json')];
    expect((await train(`--plot ${plot} --json ${json}`)).exitCode).toBe(1);
    expect(await readdir(folder)).toEqual(['curve.json']);
    expect(JSON.parse(await readFile(json, 'utf8'))).toMatchObject({ error: { code: 'fault', message: 'no memory' } });
  });

  it('refuses before any training what cannot be trained or written', async () => {
    const refusals = [
      ['--epsilon 3,0', '--epsilon does not fit'],
      ['--epsilon 3,', '--epsilon does not fit'],
      ['--momentum 1', '--momentum does not fit'],
      ['--batch 9000', 'at most 8000, which is all'],
      ['--batch 8000 --validate', 'at most 7000, which is all'],
      ['--epsilon 3,0.001 --delta 1e-12', 'no noise meets a budget'],
      ['--epsilon 3,3', 'epsilon 3 twice'],
      [`--plot ${folder}/both --json ${folder}/../${basename(folder)}/both`, 'another file than --json'],
      ['--plot /proc/none/curve.svg', 'the file that --plot names cannot be written'],
      ['--json /proc/none/curve.json', 'the file that --json names cannot be written'],
    ] as const;
    for (const [options, words] of refusals) {
      const { exitCode, stderr } = await train(options);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(words)]);
    }
    expect(trained).not.toHaveBeenCalled();
  });
});
