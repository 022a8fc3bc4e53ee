// How often an honest client would be suspect at some time of a long run: alarms that really happened, drawn again by
// whole rounds so that what goes together in a round or in a client stays together; and, as the worst that the history
// test allows for, alarms by independent draws at exactly the rate that it takes for an honest client's.

import { HISTORY_TEST, isSuspect, nextSuspicion } from '../server/update/anomaly/client-history.ts';
import { type RandomSource, seededRandomSource, uniformInteger } from '../shared/random-source.ts';

export interface LongRuns {
  readonly rounds: number;
  readonly replicates: number;
  readonly seed: number;
}

/** `alarms`: one list per observed round, one entry per client in the same order. Share of clients, over all replicates. */
export function falseBanShare(alarms: readonly (readonly boolean[])[], { rounds, replicates, seed }: LongRuns): number {
  const clients = alarms[0]?.map((_, client) => client) ?? [];
  let suspects = 0;
  for (let replicate = 0; replicate < replicates; replicate++) {
    const random = seededRandomSource(seed, 'false-bans', replicate);
    const drawn = Array.from({ length: rounds }, () => alarms[uniformInteger(random, alarms.length)]);
    suspects += clients.filter((client) =>
      isEverSuspect(rounds, (round) => drawn[round - 1]?.[client] ?? false),
    ).length;
  }
  return suspects / (replicates * clients.length);
}

/** The same for `clients` a replicate that alarm at the rate `alarmRateHonest`. */
export function worstFalseBanShare(clients: number, { rounds, replicates, seed }: LongRuns): number {
  const random: RandomSource = seededRandomSource(seed, 'worst-false-bans');
  const alarm = (): boolean => random.uniform() < HISTORY_TEST.alarmRateHonest;
  const runs = Array.from({ length: replicates * clients }, () => isEverSuspect(rounds, alarm));
  return runs.filter(Boolean).length / runs.length;
}

function isEverSuspect(rounds: number, alarmIn: (round: number) => boolean): boolean {
  let suspicion = 0;
  for (let round = 1; round <= rounds; round++) {
    suspicion = nextSuspicion(suspicion, { round, alarm: alarmIn(round), test: HISTORY_TEST });
    if (isSuspect(suspicion, HISTORY_TEST)) return true;
  }
  return false;
}
