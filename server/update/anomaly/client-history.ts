// The third layer: a client against its own history. Each round in which its update was judged gives one bit, alarm or
// not (a flag, or a refusal for what the values are). Out of these bits comes its suspicion M, and a client that ever
// reaches 1 / falseBanRate is suspect. The chance that an honest client ever does is at most falseBanRate, over a run
// of any length, however often one looks.
//
// Why: let q be the chance of an alarm given the past, q <= p0 for an honest client (p0 alarmRateHonest, p1
// alarmRateLiar). L is p1/p0 on an alarm and (1-p1)/(1-p0) otherwise; its mean q p1/p0 + (1-q)(1-p1)/(1-p0) grows with q
// and is 1 at q = p0. A client may turn at any round t, which is tested with weight w_t = 1/(t(t+1)):
// M_t = L_t (M_{t-1} + w_t), M_0 = 0. The weights from t+1 on sum to 1/(t+1), so M_t + 1/(t+1) is nonnegative, starts
// at 1 and never grows on average: Ville's inequality (Ville 1939) gives P(ever M_t >= 1/a) <= a. Since the weights sum
// to 1 over an endless run, no number of rounds enters, and one that is changed later changes nothing.
// It is the Shiryaev-Roberts statistic with a prior; for such e-processes see Ramdas et al. 2023 (Statist. Sci. 38(4)).
//
// A liar that turns at round t is found after about (ln(1/a) + ln(t(t+1))) / KL rounds, KL = p1 ln(p1/p0) +
// (1-p1) ln((1-p1)/(1-p0)) where it alarms at rate p1. Below a rate between p0 and p1 (0.146 by default) it is not found.
//
// The assumption is that p0 bounds the alarm rate of every honest client given its past. Honest clients whose examples
// differ from the others' may break it, so that reaching the bound is a flag; banning is an admin's choice.

import { InvariantError } from '../../../shared/invariant-error.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';

export interface HistoryTest {
  /** p0: most of the judged updates of an honest client that raise an alarm, as a share. */
  readonly alarmRateHonest: number;
  /** p1: the alarm rate that is found fastest; above p0, below 1. */
  readonly alarmRateLiar: number;
  /** a: the chance that a given honest client is ever suspect. At least 1e-9, below 1. */
  readonly falseBanRate: number;
}

/**
 * p0 is 2.5 times what the other layers may flag of clean updates (2 %), for the clients that differ a little; p1 finds a
 * liar that alarms in every round after 5 rounds (from the start) or 11 (turned at round 500).
 */
export const HISTORY_TEST: HistoryTest = { alarmRateHonest: 0.05, alarmRateLiar: 0.3, falseBanRate: 1e-3 };

/** Keeps M finite. Above 1 / falseBanRate, and lowering M keeps the law. */
export const MAX_SUSPICION = 1e12;
const LEAST_FALSE_BAN_RATE = 1e-9;

export interface JudgedRound {
  /** Number of rounds in which the client was judged, this one included: 1, 2, ... */
  readonly round: number;
  readonly alarm: boolean;
  readonly test: HistoryTest;
}

/** Suspicion after the round, 0 to 1e12. `suspicion`: after the round before, 0 at first. @throws InvariantError */
export function nextSuspicion(suspicion: number, { round, alarm, test }: JudgedRound): number {
  if (!(suspicion >= 0)) throw new InvariantError(`a suspicion of ${suspicion}`);
  if (!Number.isInteger(round) || round < 1) throw new InvariantError(`judged round ${round}`);
  const { alarmRateHonest, alarmRateLiar } = test;
  const ratio = alarm ? alarmRateLiar / alarmRateHonest : (1 - alarmRateLiar) / (1 - alarmRateHonest);
  return Math.min(MAX_SUSPICION, ratio * (suspicion + 1 / (round * (round + 1))));
}

export const isSuspect = (suspicion: number, test: HistoryTest): boolean => suspicion >= 1 / test.falseBanRate;

/** Refuses bad-config. */
export function checkHistoryTest({ alarmRateHonest, alarmRateLiar, falseBanRate }: HistoryTest): Refused | undefined {
  if (!(alarmRateHonest > 0 && alarmRateHonest < alarmRateLiar && alarmRateLiar < 1)) {
    return refuse('bad-config', {
      message: 'the alarm rates of the history test do not fit each other',
      expected: '0 < alarmRateHonest < alarmRateLiar < 1',
      found: `alarmRateHonest ${alarmRateHonest}, alarmRateLiar ${alarmRateLiar}`,
      hint: `take ${HISTORY_TEST.alarmRateHonest} and ${HISTORY_TEST.alarmRateLiar}, or what clean rounds have shown`,
    });
  }
  if (falseBanRate >= LEAST_FALSE_BAN_RATE && falseBanRate < 1) return undefined;
  return refuse('bad-config', {
    message: 'the false ban rate of the history test is out of range',
    expected: `falseBanRate from ${LEAST_FALSE_BAN_RATE} to below 1`,
    found: `${falseBanRate}`,
    hint: `take ${HISTORY_TEST.falseBanRate}: one honest client in a thousand over the whole run`,
  });
}
