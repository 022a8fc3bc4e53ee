import { describe, expect, it } from 'vitest';
import { learningRates } from '../../shared/learning-rates.ts';
import { accepted, isRefused } from '../../shared/protocol/refusals.ts';

const training = { learningRate: 2, stepsPerRound: 4 };
const scheduled = (learningRateSchedule: string) => learningRates({ ...training, learningRateSchedule });

async function ratesOf(schedule: string, round = 1): Promise<number[]> {
  return [...accepted(accepted(await scheduled(schedule)).of(round))];
}

async function complaintAbout(schedule: string): Promise<string> {
  const rates = await scheduled(schedule);
  const outcome = isRefused(rates) ? rates : rates.of(3);
  return isRefused(outcome) ? `${outcome.refusal.code} ${JSON.stringify(outcome.refusal)}` : 'accepted';
}

describe('learningRates', () => {
  it('are the learning rate at every step where there is no schedule', async () => {
    expect(accepted(await learningRates(training)).of(9)).toEqual(Float64Array.of(2, 2, 2, 2));
  });

  it.each([
    ['0.5 ^ step', [2, 1, 0.5, 0.25]],
    ['1 - step / steps', [2, 1.5, 1, 0.5]],
    ['round > 2 ? 0.1 : 1', [0.2, 0.2, 0.2, 0.2]],
    ['min(1, (step + 1) / 2) / sqrt(round + 1)', [0.5, 1, 1, 1]],
  ])('are multiplied by %s in round 3', async (schedule, expected) => {
    (await ratesOf(schedule, 3)).forEach((rate, step) => expect(rate).toBeCloseTo(expected[step] ?? NaN, 14));
  });

  it.each([
    ['step > 1', 'a number'],
    ['stpe', 'did you mean \\"step\\"?'],
    ['0.9 ^', 'an expression'],
    ['step = 1', 'finite numbers'],
    ['sqrt(step', '0.9 ^ step'],
    ['import("fs")', 'one of abs, sqrt'],
    ['1 - step', '0 at step 1 of round 3'],
    ['2 - round', '-2 at step 0 of round 3'],
    ['0 / step', 'NaN at step 0'],
    ['1 / step', 'Infinity at step 0'],
  ])('are refused for the schedule %s', async (schedule, complaint) => {
    const refused = await complaintAbout(schedule);
    expect(refused).toMatch(/^bad-config /);
    expect(refused).toContain(complaint);
  });
});
