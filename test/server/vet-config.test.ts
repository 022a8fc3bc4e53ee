import { describe, expect, it } from 'vitest';
import { parseFederation } from '../../server/config.ts';
import type { AnomalyBounds } from '../../server/update/anomaly/anomaly-bounds.ts';
import { vetConfig } from '../../server/vet-config.ts';
import { accepted, isRefused } from '../../shared/protocol/refusals.ts';

const training = { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 };
const file = {
  federation: 'digits',
  rounds: 15,
  model: { tensors: [{ name: 'kernel', shape: [784, 10] }] },
  training,
  privacy: { mode: 'local', epsilonBudget: 8, delta: 1e-4 },
};

const vetted = async (changes: object, rounds = 15) =>
  await vetConfig(accepted(parseFederation({ ...file, rounds, training: { ...training, ...changes } })));
async function boundsOf(changes: object): Promise<(round: number) => AnomalyBounds> {
  const { boundsOf: of } = accepted(await vetted(changes));
  return (round) => {
    const bounds = of(round);
    if (bounds === null) throw new Error('expected bounds');
    return bounds;
  };
}

async function complaint(changes: object, rounds?: number): Promise<string> {
  const outcome = await vetted(changes, rounds);
  return isRefused(outcome) ? JSON.stringify(outcome.refusal) : 'accepted';
}

describe('the bounds of a federation', () => {
  it('expect the noise that the optimiser of the terms leaves in an update', async () => {
    const plain = (await boundsOf({}))(1);
    const momentum = (await boundsOf({ optimiser: { name: 'momentum' } }))(1);
    const weights = Array.from({ length: 10 }, (_, k) => (1 - 0.9 ** (k + 1)) / 0.1);
    const factor = Math.hypot(...weights) / Math.sqrt(10);
    expect((momentum.noise?.stdDev ?? NaN) / (plain.noise?.stdDev ?? NaN)).toBeCloseTo(factor, 9);
    expect(momentum.maxNormL2).toBeGreaterThan(plain.maxNormL2);
    expect((await boundsOf({ proximalTerm: 0.1 }))(1).noise?.stdDev).toBeLessThan(plain.noise?.stdDev ?? NaN);
  });

  it('follow a schedule from round to round, and are those of any round without one', async () => {
    const decaying = await boundsOf({ learningRateSchedule: '1 / round' });
    const [first, third] = [decaying(1), decaying(3)];
    expect((first.noise?.stdDev ?? NaN) / (third.noise?.stdDev ?? NaN)).toBeCloseTo(3, 9);
    expect(first.maxNormL2 / third.maxNormL2).toBeCloseTo(3, 9);
    expect(decaying(1)).toEqual(first);
    const constant = await boundsOf({});
    expect(constant(9)).toEqual(constant(1));
    expect(first).toEqual(constant(1));
  });
});

describe('a learning-rate schedule', () => {
  it.each([
    ['stpe / 2', 'did you mean'],
    ['step', '0 at step 0 of round 1'],
    ['5 - round', '0 at step 0 of round 5'],
    ['100 * round', 'bounds.maxAbsoluteValue'],
  ])('is refused before anybody trains: %s', async (learningRateSchedule, expected) => {
    const refused = await complaint({ learningRateSchedule });
    expect(refused).toContain('bad-config');
    expect(refused).toContain(expected);
  });

  it('is refused where it would have to be evaluated for minutes', async () => {
    expect(await complaint({ learningRateSchedule: '1 / round' }, 100_000)).toContain('at most 200000 steps');
    expect(await complaint({ learningRateSchedule: '0.9 ^ step', learningRate: 0.01 }, 100_000)).toBe('accepted');
  });
});

it('refuses Adam under local privacy by name, with what to take instead, and takes it without privacy', async () => {
  const adam = { ...file, training: { ...training, optimiser: { name: 'adam' } } };
  expect(parseFederation(adam)).toMatchObject({
    refusal: { code: 'bad-config', found: 'adam', hint: expect.stringContaining('momentum') },
  });
  const open = accepted(parseFederation({ ...adam, privacy: { mode: 'none' } }));
  expect(isRefused(await vetConfig(open))).toBe(false);
});
