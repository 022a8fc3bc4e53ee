import { describe, expect, it } from 'vitest';
import {
  checkHistoryTest,
  HISTORY_TEST,
  type HistoryTest,
  isSuspect,
  MAX_SUSPICION,
  nextSuspicion,
} from '../../../../server/update/anomaly/client-history.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';
import { codeOf } from '../../../support/refusal-code.ts';
import { fc } from '../../../support/properties.ts';

const tests = fc
  .tuple(fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.double({ min: 0.05, max: 0.9, noNaN: true }))
  .map(([p0, share]): HistoryTest => ({
    alarmRateHonest: p0,
    alarmRateLiar: p0 + share * (0.99 - p0),
    falseBanRate: 0.05,
  }));

/** Every suspicion on the way through these rounds. */
function history(alarms: readonly boolean[], test: HistoryTest): number[] {
  let suspicion = 0;
  return alarms.map((alarm, i) => (suspicion = nextSuspicion(suspicion, { round: i + 1, alarm, test })));
}

/** Every course of so many rounds with its chance, where an alarm has chance q. */
function* courses(rounds: number, q: number): Generator<{ alarms: boolean[]; chance: number }> {
  for (let bits = 0; bits < 2 ** rounds; bits++) {
    const alarms = Array.from({ length: rounds }, (_, i) => (bits & (1 << i)) !== 0);
    yield { alarms, chance: alarms.reduce((product, alarm) => product * (alarm ? q : 1 - q), 1) };
  }
}

describe('the suspicion', () => {
  it('grows on average by the weight of the round alone where alarms come at the honest rate', () => {
    const round = fc.integer({ min: 1, max: 100_000 });
    const suspicions = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(tests, round, suspicions, (test, t, before) => {
        const p0 = test.alarmRateHonest;
        const after = (alarm: boolean): number => nextSuspicion(before, { round: t, alarm, test });
        const mean = p0 * after(true) + (1 - p0) * after(false);
        expect(mean / (before + 1 / t - 1 / (t + 1))).toBeCloseTo(1, 9);
      }),
      { seed: 1 },
    );
  });

  it('has mean 1 - 1/(t+1) over all courses of t rounds at the honest rate, and less below it', () => {
    fc.assert(
      fc.property(tests, fc.integer({ min: 1, max: 6 }), (test, rounds) => {
        const meanAt = (q: number): number =>
          [...courses(rounds, q)].reduce(
            (sum, { alarms, chance }) => sum + chance * (history(alarms, test).at(-1) ?? NaN),
            0,
          );
        expect(meanAt(test.alarmRateHonest)).toBeCloseTo(1 - 1 / (rounds + 1), 9);
        expect(meanAt(test.alarmRateHonest / 2)).toBeLessThan(1 - 1 / (rounds + 1));
      }),
      { seed: 2, numRuns: 50 },
    );
  });

  it('ever passes the bound with at most the false ban rate, over all courses of 12 rounds', () => {
    fc.assert(
      fc.property(tests, (test) => {
        let everSuspect = 0;
        for (const { alarms, chance } of courses(12, test.alarmRateHonest)) {
          if (history(alarms, test).some((suspicion) => isSuspect(suspicion, test))) everSuspect += chance;
        }
        expect(everSuspect).toBeLessThanOrEqual(test.falseBanRate);
      }),
      { seed: 3, numRuns: 10 },
    );
  });

  it('is the mixture, over every round of turning, of the likelihood ratios since', () => {
    const alarms = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(tests, alarms, (test, list) => {
        const { alarmRateHonest: p0, alarmRateLiar: p1 } = test;
        const logRatio = (alarm: boolean): number => (alarm ? Math.log(p1 / p0) : Math.log1p(-p1) - Math.log1p(-p0));
        const mixture = list.reduce((sum, _, turned) => {
          const since = list.slice(turned).reduce((total, alarm) => total + logRatio(alarm), 0);
          return sum + Math.exp(since) / (turned + 1) / (turned + 2);
        }, 0);
        fc.pre(mixture < MAX_SUSPICION);
        expect((history(list, test).at(-1) ?? NaN) / mixture).toBeCloseTo(1, 9);
      }),
      { seed: 4 },
    );
  });

  it('has these values by hand', () => {
    const test = { alarmRateHonest: 0.1, alarmRateLiar: 0.5, falseBanRate: 0.01 };
    // L = 5 on an alarm, 5/9 otherwise; weights 1/2, 1/6, 1/12.
    const [first, second, third] = history([true, false, true], test);
    expect(first).toBeCloseTo(5 / 2, 12);
    expect(second).toBeCloseTo((5 / 9) * (5 / 2 + 1 / 6), 12);
    expect(third).toBeCloseTo(5 * ((5 / 9) * (5 / 2 + 1 / 6) + 1 / 12), 12);
  });

  it('stays finite through 100,000 alarms, and a capped client can still be cleared', () => {
    const last = history(Array(100_000).fill(true), HISTORY_TEST).at(-1) ?? NaN;
    expect(last).toBe(MAX_SUSPICION);
    let suspicion = last;
    for (let round = 100_001; round <= 100_100; round++) {
      suspicion = nextSuspicion(suspicion, { round, alarm: false, test: HISTORY_TEST });
    }
    expect(isSuspect(suspicion, HISTORY_TEST)).toBe(false);
  });

  it.each([0, -1, 1.5, NaN, Infinity])('is not defined for judged round %d', (round) => {
    expect(() => nextSuspicion(0, { round, alarm: false, test: HISTORY_TEST })).toThrow('judged round');
  });

  it.each([-1, NaN])('does not follow a suspicion of %d', (suspicion) => {
    expect(() => nextSuspicion(suspicion, { round: 1, alarm: false, test: HISTORY_TEST })).toThrow('suspicion');
  });
});

describe('by default', () => {
  const clients = 20_000;
  const rounds = 1_000;

  it('at most 1 honest client in 1,000 is ever suspect over 1,000 rounds', { timeout: 60_000 }, () => {
    const random = seededRandomSource(7, 'honest-histories');
    let suspects = 0;
    for (let client = 0; client < clients; client++) {
      let suspicion = 0;
      for (let round = 1; round <= rounds && !isSuspect(suspicion, HISTORY_TEST); round++) {
        const alarm = random.uniform() < HISTORY_TEST.alarmRateHonest;
        suspicion = nextSuspicion(suspicion, { round, alarm, test: HISTORY_TEST });
      }
      if (isSuspect(suspicion, HISTORY_TEST)) suspects++;
    }
    // Binomial(20,000, 1e-3): mean 20, standard deviation 4.5. Not none either: the bound is not empty.
    expect(suspects).toBeLessThanOrEqual(20 + 3 * 4.5);
    expect(suspects).toBeGreaterThan(0);
  });

  it('a liar that turns at round 500 is found within 120 rounds, on average within 65', () => {
    const random = seededRandomSource(8, 'late-liars');
    const { alarmRateHonest, alarmRateLiar } = HISTORY_TEST;
    const delays = Array.from({ length: 300 }, () => {
      let suspicion = 0;
      let round = 0;
      while (round < 500 || !isSuspect(suspicion, HISTORY_TEST)) {
        round++;
        const alarm = random.uniform() < (round < 500 ? alarmRateHonest : alarmRateLiar);
        suspicion = nextSuspicion(suspicion, { round, alarm, test: HISTORY_TEST });
      }
      return round - 499;
    });
    // (ln 1,000 + ln(500 x 501)) / KL(0.3, 0.05) = 19.3 / 0.324 = 60.
    expect(delays.reduce((sum, delay) => sum + delay, 0) / delays.length).toBeLessThan(65);
    expect(delays.filter((delay) => delay <= 120).length / delays.length).toBeGreaterThan(0.95);
  });

  it.each([
    [1, 5],
    [500, 11],
  ])('a liar that alarms in every round from %d on is found in %d rounds', (turned, delay) => {
    const alarms = Array.from({ length: turned + 20 }, (_, i) => i + 1 >= turned);
    const found = history(alarms, HISTORY_TEST).findIndex((suspicion) => isSuspect(suspicion, HISTORY_TEST)) + 1;
    expect(found - turned + 1).toBe(delay);
  });

  it('a suspicion of exactly 1 / falseBanRate is suspect', () => {
    expect(isSuspect(1_000, HISTORY_TEST)).toBe(true);
    expect(isSuspect(999.999, HISTORY_TEST)).toBe(false);
  });

  it('the test is one that is accepted', () => {
    expect(checkHistoryTest(HISTORY_TEST)).toBeUndefined();
  });
});

describe('a history test', () => {
  it.each([
    { alarmRateHonest: 0 },
    { alarmRateHonest: -0.1 },
    { alarmRateHonest: NaN },
    { alarmRateHonest: 0.3 },
    { alarmRateHonest: 0.4 },
    { alarmRateLiar: 1 },
    { alarmRateLiar: NaN },
    { falseBanRate: 0 },
    { falseBanRate: 1e-10 },
    { falseBanRate: 1 },
    { falseBanRate: NaN },
  ])('is refused with %o', (change) => {
    expect(codeOf(checkHistoryTest({ ...HISTORY_TEST, ...change }) ?? { kind: 'accepted' })).toBe('bad-config');
  });

  it('can always be passed: its bound lies below the cap', () => {
    const test = { ...HISTORY_TEST, falseBanRate: 1e-9 };
    expect(checkHistoryTest(test)).toBeUndefined();
    expect(isSuspect(MAX_SUSPICION, test)).toBe(true);
  });
});
