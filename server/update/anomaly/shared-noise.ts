// The half of the noise witness that needs two updates. Independent noise cannot cancel: with d parameters and noise of
// standard deviation s per parameter the squared distance of two honest updates is about 2 d s^2 (that of their noises,
// 2 s^2 chi^2_d) and more with their signals in it. Two updates below the bound share noise, wholly or in part: colluders
// who paid for one noise between them, or a copy with something changed. Bound and assumption are those of
// noise-witness.ts, its checks being all pairs of all rounds.
// Measured on the digits (terms there, 20 clients, 45 rounds in numpy): least ratio 0.937, the bound is 0.89.
//
// Both of a pair are refused, since nothing tells the copy from the original. Who could be framed: a client whose update
// somebody else knows before the round closes and sends on, slightly changed or not. Updates leave a client over its
// own connection to the coordinator alone, so that this takes the coordinator, a broken connection or the client's machine.

import type { ClientId } from '../../../shared/ids.ts';
import type { CohortFigures } from './cohort-figures.ts';
import { noiseWitnessBound, type WitnessOptions } from './noise-witness.ts';

export interface SharedNoiseOptions extends Omit<WitnessOptions, 'checks'> {
  /** Pairs of updates in a round: n (n - 1) / 2 for n clients. */
  readonly pairs: number;
  /** Rounds of the whole run. */
  readonly rounds: number;
}

/** Least squared distance of two honest updates in units of 2 d s^2, 0 to 1; 0, and vacuous, where d is too small. */
export function sharedNoiseBound({ pairs, rounds, ...options }: SharedNoiseOptions): number {
  return noiseWitnessBound({ ...options, checks: pairs * rounds });
}

/** Every client in a pair below the bound. Empty without declared noise, and always where the bound is 0. */
export function sharedNoise(
  figures: ReadonlyMap<ClientId, Pick<CohortFigures, 'pairRatio'>>,
  bound: number,
): ReadonlySet<ClientId> {
  const sharing = [...figures].filter(([, { pairRatio }]) => pairRatio !== null && !(pairRatio >= bound));
  return new Set(sharing.map(([client]) => client));
}
