import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runHere } from '../../support/captured-command.ts';
import type { Ended } from '../../support/muster-process.ts';

const fit = z.strictObject({ distance: z.number(), pValue: z.number() });
const tally = z.strictObject({ successes: z.number(), trials: z.number() });
const reportSchema = z.strictObject({
  passed: z.boolean(),
  failures: z.array(z.string()),
  noiseMultiplier: z.number(),
  samplingRate: z.number(),
  steps: z.number(),
  canaries: z.number(),
  randomness: z.enum(['secure', 'seeded']),
  seed: z.number().nullable(),
  epsilon: z.number(),
  delta: z.number(),
  accountant: z.literal('pld'),
  accountantVersion: z.string(),
  adjacency: z.literal('add-remove'),
  unit: z.literal('example'),
  errorBound: z.number(),
  kolmogorovSmirnov: z.strictObject({ pValue: z.number(), significance: z.literal(0.01), inside: fit, outside: fit }),
  lowerBound: z.strictObject({
    confidence: z.literal(0.999),
    epsilon: z.number(),
    largestCertifiable: z.number(),
    names: z.enum(['inside', 'outside']),
    threshold: z.number().nullable(),
    hits: tally,
    falseAlarms: tally,
  }),
});

const audit = async (options: string): Promise<Ended> => await runHere('privacy', 'audit', ...options.split(' '));

/** As many as it takes: a few steps of few canaries. */
const quick = '--noise 1 --rate 0.2 --steps 4 --canaries 200';

describe('muster privacy audit', () => {
  it('reports what was audited, what was found, and how far that goes', async () => {
    const { exitCode, stdout, stderr } = await audit(`${quick} --seed 3 --delta 1e-4 --json`);
    expect([exitCode, stderr]).toEqual([0, '']);
    const report = reportSchema.parse(JSON.parse(stdout));
    expect(report).toMatchObject({ passed: true, failures: [], noiseMultiplier: 1, samplingRate: 0.2, steps: 4 });
    expect(report).toMatchObject({ canaries: 200, randomness: 'seeded', seed: 3, delta: 1e-4 });
    expect(report.lowerBound.hits.trials).toBe(100);
    expect(report.lowerBound.epsilon).toBeLessThanOrEqual(report.epsilon);
  });

  it('gives the same from the same seed', async () => {
    const [first, again] = [await audit(`${quick} --seed 3 --json`), await audit(`${quick} --seed 3 --json`)];
    expect(again.stdout).toBe(first.stdout);
  });

  it('says with a seed what was simulated, and without one that nothing was', async () => {
    const seeded = await audit(`${quick} --seed 3`);
    expect(seeded.stdout).toContain('Seed 3 made batches and noise');
    expect(seeded.stdout).toContain('it proves no privacy');
    expect(seeded.stdout).toContain('The audit passed: 4 steps of noise 1 and rate 0.2, 200 canaries');
    const secure = await audit(`${quick} --json`);
    // One secure run in a hundred fails by chance.
    expect([0, 3]).toContain(secure.exitCode);
    expect(reportSchema.parse(JSON.parse(secure.stdout))).toMatchObject({ randomness: 'secure', seed: null });
  });

  it('ends with 3 where the audit failed, its figures printed all the same', async () => {
    // The one sound run in a hundred that chance sets too far off.
    const failed = await audit(`${quick} --seed 73 --json`);
    expect([failed.exitCode, failed.stderr]).toEqual([3, '']);
    expect(reportSchema.parse(JSON.parse(failed.stdout))).toMatchObject({ passed: false, failures: ['distribution'] });
    const text = await audit(`${quick} --seed 73`);
    expect(text.stdout).toContain('The audit FAILED');
    expect(text.stdout).toContain('repeat a failed one, with fresh randomness');
    expect(text.stdout).toContain('no test told them apart');
    expect(text.stdout).not.toContain('An audit that passed');
  });

  it('tells how far it has come where that takes a while', async () => {
    const { stderr } = await audit('--rate 0.01 --steps 30 --canaries 20000 --seed 1 --json');
    expect(stderr.trim().split('\n')).toHaveLength(10);
    expect(stderr).toContain('step 15 of 30');
  });

  it.each([
    ['--rate 0', '--rate'],
    ['--noise 0', '--noise'],
    ['--noise 0.02', 'cannot be predicted'],
    ['--steps 0', '--steps'],
    ['--steps 100001', 'from 1 to 100000'],
    ['--delta 1', '--delta'],
    ['--canaries 99', 'from 100 to 20000'],
    ['--canaries 20001', 'from 100 to 20000'],
    ['--seed -1', '--seed'],
  ])('refuses %s', async (options, told) => {
    const { exitCode, stdout, stderr } = await audit(options);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(told);
    expect(stderr).toContain('(bad-option)');
  });

  it('refuses a file that cannot be written before the work, not after it', async () => {
    const long = '--rate 0.01 --steps 30 --canaries 20000 --seed 1';
    const { exitCode, stderr } = await audit(`${long} --json /no/such/folder/file`);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('(bad-option)');
    expect(stderr).not.toContain('step 3 of 30');
  });
});
