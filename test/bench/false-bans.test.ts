import { describe, expect, it } from 'vitest';
import { falseBanShare, worstFalseBanShare } from '../../bench/false-bans.ts';

const runs = { rounds: 100, replicates: 20, seed: 3 };
const roundsOf = (count: number, alarm: (round: number, client: number) => boolean) =>
  [...new Array<undefined>(count).keys()].map((round) => [0, 1, 2, 3].map((client) => alarm(round, client)));

describe('the share of false bans', () => {
  it('is 0 without an alarm, and 1 where all is alarm', () => {
    expect(
      falseBanShare(
        roundsOf(6, () => false),
        runs,
      ),
    ).toBe(0);
    expect(
      falseBanShare(
        roundsOf(6, () => true),
        runs,
      ),
    ).toBe(1);
  });

  it('keeps to each client what is its own', () => {
    expect(
      falseBanShare(
        roundsOf(6, (round, client) => round >= 0 && client === 2),
        runs,
      ),
    ).toBe(0.25);
  });

  it('draws rounds again: half of the rounds in alarm is a suspect sooner or later', () => {
    expect(
      falseBanShare(
        roundsOf(6, (round) => round % 2 === 0),
        runs,
      ),
    ).toBe(1);
  });

  it('stays below the rate that the test promises at the rate of alarms that it allows, and is the same again', () => {
    const long = { rounds: 200, replicates: 250, seed: 1 };
    const share = worstFalseBanShare(20, long);
    expect(share).toBeLessThanOrEqual(1e-3);
    expect(worstFalseBanShare(20, long)).toBe(share);
  });
});
