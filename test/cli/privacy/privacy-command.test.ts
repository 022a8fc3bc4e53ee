import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accountantNames } from '../../../shared/accounting/accountant.ts';
import { accountants } from '../../../shared/accounting/accountants.ts';
import { sampledGaussian } from '../../../shared/accounting/privacy-event.ts';
import { normBound } from '../../../server/update/anomaly/norm-bound.ts';
import { runHere } from '../../support/captured-command.ts';

const shownShape = {
  epsilon: z.number(),
  delta: z.number(),
  accountant: z.enum(accountantNames),
  accountantVersion: z.string(),
  adjacency: z.literal('add-remove'),
  unit: z.literal('example'),
  order: z.number().nullable(),
  errorBound: z.number().nullable(),
};
const epsilonSchema = z.strictObject(shownShape);
const noiseSchema = z.strictObject({ noiseMultiplier: z.number(), ...shownShape });
const stepsSchema = z.strictObject({ steps: z.number(), ...shownShape });
const attackSchema = z.strictObject({
  largestUpdateNorm: z.number(),
  shiftPerRound: z.number(),
  shiftInAll: z.number(),
  leastNoiseRatio: z.number(),
});
const candidateSchema = z.strictObject({
  batch: z.number(),
  samplingRate: z.number(),
  stepsPerRound: z.number(),
  steps: z.number(),
  noiseMultiplier: z.number(),
  epsilon: z.number(),
  order: z.number().nullable(),
  errorBound: z.number().nullable(),
  examplesPerRound: z.number(),
  noisePerSignal: z.number(),
  attack: attackSchema.nullable(),
  recommended: z.boolean(),
});
const planSchema = z.object({
  accountant: z.string(),
  accountantVersion: z.string(),
  clippingNorm: z.number(),
  learningRate: z.number(),
  parameters: z.number().nullable(),
  clients: z.number().nullable(),
  candidates: z.array(candidateSchema),
});

const words = (line: string): readonly string[] => line.split(' ');

async function printed<T>(schema: z.ZodType<T>, line: string): Promise<T> {
  const { exitCode, stdout, stderr } = await runHere('privacy', ...words(line), '--json');
  expect([exitCode, stderr]).toEqual([0, '']);
  return schema.parse(JSON.parse(stdout));
}

const release = '--noise 1.1 --rate 0.01 --steps 1000 --delta 1e-5';

describe('muster privacy epsilon', () => {
  it.each(['pld', 'rdp'] as const)('gives what the accountant %s says, and what that means', async (name) => {
    const bound = accountants[name].epsilon([sampledGaussian(1.1, 0.01, 1000)], 1e-5);
    const { epsilon, order, errorBound } = bound;
    const { version: accountantVersion } = accountants[name];
    const meaning = { delta: 1e-5, accountant: name, accountantVersion, adjacency: 'add-remove', unit: 'example' };
    const expected = { epsilon, ...meaning, order, errorBound };
    expect(await printed(epsilonSchema, `epsilon ${release} --accountant ${name}`)).toEqual(expected);
  });

  it('takes numerical composition unless it is told', async () => {
    expect(await printed(epsilonSchema, `epsilon ${release}`)).toMatchObject({ accountant: 'pld', order: null });
  });

  it('is exact at full participation, and refused elsewhere', async () => {
    const full = 'epsilon --noise 5 --rate 1 --steps 100 --delta 1e-5 --accountant exact';
    expect((await printed(epsilonSchema, full)).epsilon).toBeCloseTo(9.9972561464, 9);
    const refused = await runHere('privacy', ...words(`epsilon ${release} --accountant exact`));
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('(bad-option)') });
    expect(refused.stderr).toContain('found sampling rate 0.01');
  });

  it('tells a person delta, unit and accountant with it, and warns of an order at the end of the list', async () => {
    const shown = await runHere('privacy', ...words(`epsilon ${release} --accountant rdp`));
    expect(shown.stdout).toBe(
      'epsilon 1.7118 at delta 0.00001 (one example added or removed; rdp-signed-fractional/1, order 9.6)\n',
    );
    const line = 'epsilon --noise 1000 --rate 0.001 --steps 1 --delta 1e-12 --accountant rdp --json';
    const warned = await runHere('privacy', ...words(line));
    expect(warned.stderr).toContain('warning: the best order is 1024, the largest');
    expect(epsilonSchema.parse(JSON.parse(warned.stdout)).order).toBe(1024);
  });
});

describe('muster privacy noise', () => {
  it.each(accountantNames)(
    'rounds up to four decimals that %s does not find too dear, and the next less does',
    async (name) => {
      const rate = name === 'exact' ? 1 : 0.01;
      const line = `noise --epsilon 3 --rate ${rate} --steps 100 --delta 1e-5 --accountant ${name}`;
      const { noiseMultiplier, epsilon } = await printed(noiseSchema, line);
      const cost = (noise: number): number =>
        accountants[name].epsilon([sampledGaussian(noise, rate, 100)], 1e-5).epsilon;
      expect(Number(noiseMultiplier.toFixed(4))).toBe(noiseMultiplier);
      expect(epsilon).toBe(cost(noiseMultiplier));
      expect(epsilon).toBeLessThanOrEqual(3);
      expect(cost(noiseMultiplier - 1.01e-4)).toBeGreaterThan(3);
    },
  );

  it('says so where no noise meets the budget', async () => {
    const line = 'noise --epsilon 1e-6 --rate 0.1 --steps 150 --delta 1e-12 --accountant rdp --json';
    const { exitCode, stdout } = await runHere('privacy', ...words(line));
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'bad-option',
        message: expect.stringContaining('no noise meets the privacy budget: expected'),
      },
    });
  });
});

describe('muster privacy steps', () => {
  it.each(accountantNames)('gives the most that %s lets pass', async (name) => {
    const rate = name === 'exact' ? 1 : 0.1;
    const line = `steps --epsilon 2 --noise 3 --rate ${rate} --delta 1e-6 --accountant ${name}`;
    const { steps, epsilon } = await printed(stepsSchema, line);
    const cost = (count: number): number => accountants[name].epsilon([sampledGaussian(3, rate, count)], 1e-6).epsilon;
    expect(epsilon).toBe(cost(steps));
    expect(epsilon).toBeLessThanOrEqual(2);
    expect(cost(steps + 1)).toBeGreaterThan(2);
  });

  it('is 0 where a single step costs more', async () => {
    const line = 'steps --epsilon 0.01 --noise 0.5 --rate 0.5 --delta 1e-6 --accountant rdp';
    expect(await printed(stepsSchema, line)).toMatchObject({ steps: 0, epsilon: 0 });
  });
});

describe('muster privacy plan', () => {
  const digits = 'plan --examples 400 --rounds 15 --epsilon 8 --delta 1e-4';

  it('tries batches and steps, each with the noise that keeps the whole federation within the budget', async () => {
    const { candidates, ...plan } = await printed(planSchema, digits);
    expect(plan).toMatchObject({ accountant: 'rdp', parameters: null, clients: null, clippingNorm: 1 });
    expect(candidates.map(({ batch, stepsPerRound }) => [batch, stepsPerRound])).toEqual(
      [4, 20, 40, 120, 400].flatMap((batch) => [1, 10].map((steps) => [batch, steps])),
    );
    for (const { batch, samplingRate, steps, stepsPerRound, noiseMultiplier, epsilon, ...rest } of candidates) {
      expect([samplingRate, steps]).toEqual([batch / 400, 15 * stepsPerRound]);
      expect(epsilon).toBe(
        accountants.rdp.epsilon([sampledGaussian(noiseMultiplier, samplingRate, steps)], 1e-4).epsilon,
      );
      expect(epsilon).toBeLessThanOrEqual(8);
      expect(epsilon).toBeGreaterThan(7.9);
      expect(rest.noisePerSignal).toBeCloseTo(noiseMultiplier / (batch * Math.sqrt(stepsPerRound)), 12);
      expect(rest.attack).toBeNull();
    }
  });

  it('recommends the least work among those whose noise is nearly the least', async () => {
    const { candidates } = await printed(planSchema, digits);
    const [recommended, ...others] = candidates.filter((each) => each.recommended);
    expect(others).toEqual([]);
    const least = Math.min(...candidates.map(({ noisePerSignal }) => noisePerSignal));
    expect(recommended?.noisePerSignal).toBeLessThanOrEqual(1.25 * least);
    for (const each of candidates.filter(({ noisePerSignal }) => noisePerSignal <= 1.25 * least)) {
      expect(each.examplesPerRound).toBeGreaterThanOrEqual(recommended?.examplesPerRound ?? NaN);
    }
  });

  it('tries no batch twice where there are few examples', async () => {
    const { candidates } = await printed(planSchema, 'plan --examples 10 --rounds 5 --epsilon 8 --delta 1e-3');
    expect(candidates.map(({ batch }) => batch)).toEqual([1, 1, 3, 3, 10, 10]);
  });

  it('holds to a batch and to steps that are given', async () => {
    const { candidates } = await printed(planSchema, `${digits} --batch 40 --steps-per-round 10`);
    expect(candidates).toMatchObject([{ batch: 40, stepsPerRound: 10, noiseMultiplier: 1.0216, recommended: true }]);
  });

  it('shows how far one liar can shift the mean within the bounds that the coordinator keeps', async () => {
    const line = `${digits} --batch 40 --steps-per-round 10 --learning-rate 2 --parameters 7850 --clients 20`;
    const [candidate] = (await printed(planSchema, line)).candidates;
    const bound = normBound({
      training: { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 },
      privacy: {
        mode: 'local',
        noiseMultiplier: 1.0216,
        epsilonBudget: 8,
        delta: 1e-4,
        adjacency: 'add-remove',
        unit: 'example',
        void: false,
      },
      parameters: 7850,
      checks: 300,
      falseAlarmProbability: 1e-6 / 5,
    });
    expect(candidate?.attack?.largestUpdateNorm).toBeCloseTo(bound, 9);
    expect(candidate?.attack?.shiftPerRound).toBeCloseTo(bound / 20, 9);
    expect(candidate?.attack?.shiftInAll).toBeCloseTo((15 * bound) / 20, 9);
    expect(candidate?.attack?.leastNoiseRatio).toBeCloseTo(0.896, 3);
  });

  it('is a table for a person, with what an attacker can do where that can be said', async () => {
    const shown = await runHere('privacy', ...words(`${digits} --parameters 7850 --clients 20`));
    expect(shown.stdout).toMatch(/^15 rounds within epsilon 8 at delta 0.0001, 400 examples a client/);
    expect(shown.stdout).toMatch(/^\* +400 +1 +1 +2\.2531 /m);
    expect(shown.stdout).toContain('how far one liar among 20 clients can move a plain mean');
    expect(shown.stdout).toContain('0.89624 of the declared noise are refused');
    const small = await runHere('privacy', ...words(`${digits} --parameters 50 --clients 20`));
    expect(small.stdout).toContain('too small for a noise witness');
    const plain = await runHere('privacy', ...words(digits));
    expect(plain.stdout).not.toMatch(/liar|Federations enforce/);
    const composed = await runHere('privacy', ...words(`${digits} --batch 40 --steps-per-round 1 --accountant pld`));
    expect(composed.stdout).toContain('Federations enforce rdp');
  });
});

describe('muster privacy refuses', () => {
  it.each([
    ['noise that is none', 'epsilon --noise 0 --rate 0.01 --steps 10 --delta 1e-5', '--noise'],
    ['a rate above 1', 'epsilon --noise 1 --rate 1.01 --steps 10 --delta 1e-5', '--rate'],
    ['a rate of 0', 'epsilon --noise 1 --rate 0 --steps 10 --delta 1e-5', '--rate'],
    ['a delta of 1', 'epsilon --noise 1 --rate 0.1 --steps 10 --delta 1', '--delta'],
    ['a delta too small to be told from 0', 'epsilon --noise 1 --rate 0.1 --steps 10 --delta 1e-31', '1e-30'],
    ['a delta of 0', 'epsilon --noise 1 --rate 0.1 --steps 10 --delta 0', '--delta'],
    ['steps that are no whole number', 'epsilon --noise 1 --rate 0.1 --steps 1.5 --delta 1e-5', '--steps'],
    ['an unknown accountant', `epsilon ${release} --accountant plt`, 'did you mean pld?'],
    ['a missing delta', 'noise --epsilon 1 --rate 0.1 --steps 10', '--delta'],
    ['an epsilon of 0', 'steps --epsilon 0 --noise 1 --rate 0.1 --delta 1e-5', '--epsilon'],
    ['a batch above the examples', 'plan --examples 10 --rounds 1 --epsilon 1 --delta 1e-5 --batch 11', '--batch'],
    ['a plan by exact', 'plan --examples 10 --rounds 1 --epsilon 1 --delta 1e-5 --accountant exact', 'rdp, pld'],
    ['clients alone', 'plan --examples 10 --rounds 1 --epsilon 1 --delta 1e-5 --clients 3', '--parameters with it'],
    ['parameters alone', 'plan --examples 10 --rounds 1 --epsilon 1 --delta 1e-5 --parameters 3', '--clients with it'],
    ['a command that does not exist', 'epsilom --delta 1', 'did you mean epsilon?'],
  ])('%s', async (_, line, told) => {
    const { exitCode, stdout, stderr } = await runHere('privacy', ...words(line));
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(told);
  });

  it('nothing that it shows in its help', async () => {
    const { stdout } = await runHere('privacy', '--help');
    const examples = [...stdout.matchAll(/^ {2}muster privacy (.+)$/gm)].map(([, line]) => line ?? '');
    expect(examples).toHaveLength(4);
    for (const line of examples) {
      expect(await runHere('privacy', ...words(line))).toMatchObject({ exitCode: 0, stderr: '' });
    }
  });
});
