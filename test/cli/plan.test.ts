import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { runHere } from '../support/captured-command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const training = { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 };
const basis = {
  federation: 'digits',
  rounds: 4,
  model: { tensors: [{ name: 'bias', shape: [3] }] },
  training,
  privacy: { mode: 'none' },
};

const chanceSchema = z.strictObject({ perRound: z.number(), overall: z.number() });
const planSchema = z.strictObject({
  rule: z.string(),
  rounds: z.number(),
  population: z.number(),
  liars: z.number(),
  maxPerOrganisation: z.number().nullable(),
  dishonestOrganisations: z.number().nullable(),
  cohorts: z.array(
    z.strictObject({
      n: z.number(),
      f: z.number(),
      neededUpdates: z.number(),
      dropOuts: z.number(),
      chance: chanceSchema.nullable(),
    }),
  ),
});

function fileWith(changes: object): string {
  const file = join(temporaryFolder(), 'federation.yaml');
  writeFileSync(file, stringify({ ...basis, ...changes }));
  return file;
}

async function planned(changes: object, ...args: string[]): Promise<z.infer<typeof planSchema>> {
  const { exitCode, stdout } = await runHere('plan', '--config', fileWith(changes), ...args, '--json');
  expect(exitCode).toBe(0);
  return planSchema.parse(JSON.parse(stdout));
}

/** All ways to choose k of n, counted. */
function ways(n: number, k: number): number {
  return k === 0 ? 1 : (ways(n - 1, k - 1) * n) / k;
}

describe('muster plan', () => {
  it('says for the largest and the least cohort how many liars and drop-outs it carries, and how likely there are more', async () => {
    const plan = await planned(
      {
        cohort: { minimum: 7, size: 10 },
        rule: { name: 'multi-krum', f: 0.2 },
      },
      '--population',
      '20',
      '--liars',
      '0.25',
    );
    expect(plan).toMatchObject({ rule: 'multi-krum', rounds: 4, population: 20, liars: 5 });
    expect(plan.cohorts).toMatchObject([
      { n: 10, f: 2, neededUpdates: 7, dropOuts: 3 },
      { n: 7, f: 2, neededUpdates: 7, dropOuts: 0 },
    ]);
    for (const { n, f, chance } of plan.cohorts) {
      let more = 0;
      for (let k = f + 1; k <= 5; k++) more += ways(5, k) * ways(15, n - k);
      const perRound = more / ways(20, n);
      expect(chance?.perRound).toBeCloseTo(perRound, 12);
      expect(chance?.overall).toBeCloseTo(1 - (1 - perRound) ** 4, 12);
    }
  });

  it('takes five times the largest cohort for the population and one liar in ten, unless it is told', async () => {
    expect(await planned({ cohort: { minimum: 20, size: 20 } })).toMatchObject({
      population: 100,
      liars: 10,
      cohorts: [{ n: 20, f: 4 }],
    });
  });

  it('counts no drop-out that the quorum does not allow', async () => {
    const cohort = { minimum: 10, size: 10, quorum: 9 };
    expect((await planned({ cohort, rule: { f: 1 } })).cohorts).toMatchObject([{ neededUpdates: 9, dropOuts: 1 }]);
  });

  it('gives no chance where f follows from the organisations in the cohort', async () => {
    const plan = await planned({
      cohort: { minimum: 12, size: 12, maxPerOrganisation: 2 },
      rule: { f: 0, dishonestOrganisations: 2 },
    });
    expect(plan).toMatchObject({ dishonestOrganisations: 2, cohorts: [{ f: 4, neededUpdates: 11, chance: null }] });
  });

  it('is a table for a person, and says when a cap makes the draw not uniform', async () => {
    const cohort = { minimum: 7, size: 10, maxPerOrganisation: 2 };
    const capped = await runHere('plan', '--config', fileWith({ cohort }));
    expect(capped.stdout).toMatch(/^multi-krum, 4 rounds; cohorts drawn from 50 clients, 5 of them lying\n/);
    expect(capped.stdout).toMatch(/^10 +2 +7 +3 +- +-$/m);
    expect(capped.stdout).toContain('the draw is not uniform');
    expect(capped.stdout).toContain('10 or 7 needs clients of 5 or 4 organisations');
    const open = await runHere('plan', '--config', fileWith({ cohort: { minimum: 7, size: 10 } }));
    expect(open.stdout).toMatch(/^10 +2 +7 +3 +0\.0/m);
    expect(open.stdout).not.toContain('uniform');
    const rule = { f: 0, dishonestOrganisations: 1 };
    const byOrganisation = await runHere('plan', '--config', fileWith({ cohort, rule }));
    expect(byOrganisation.stdout).toContain('f covers every client of 1 dishonest organisation');
  });

  it.each([
    ['a population smaller than a cohort', { cohort: { minimum: 7, size: 10 } }, ['--population', '9'], 'bad-option'],
    ['an f that the rule cannot carry', { cohort: { minimum: 7, size: 10 }, rule: { f: 3 } }, [], 'f-too-large'],
    ['a file that does not fit', { rounds: 0 }, [], 'bad-config'],
  ])('refuses %s', async (_, changes, args, code) => {
    const refused = await runHere('plan', '--config', fileWith(changes), ...args);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(`(${code})`) });
  });
});
