// The cohort of a round under central privacy -> the clipped sum over the planned clients under fresh noise. Rule it keeps:
// what leaves here holds its noise, and the noise is on the ledger and paid for before it does.

import type { Refused } from '../../shared/protocol/refusals.ts';
import type { CentralRelease } from '../../shared/protocol/round-record.ts';
import type { CentralPrivacyTerms } from '../../shared/protocol/terms.ts';
import type { RandomSource } from '../../shared/random-source.ts';
import type { Cohort } from '../aggregation/cohort.ts';
import type { RoundStore } from '../round/round-store.ts';
import { nextClippingNormOf, sumNoiseMultiplier } from './adaptive-clipping.ts';
import { budgetSpent } from './central-budget.ts';
import { drawCentralNoise, releasedAggregate } from './central-noise.ts';
import type { ReleaseLog } from './charge-store.ts';
import { clippedSum } from './clipped-sum.ts';

export interface CentralRooms {
  readonly terms: CentralPrivacyTerms;
  readonly releases: ReleaseLog;
  /** Of the noise: the system's secure generator. */
  readonly random: RandomSource;
}

export interface CentralRound {
  readonly round: number;
  /** d values, public; null: zero. What updates are clipped around. */
  readonly centre: Float32Array | null;
  /** Of the rounds before. */
  readonly rounds: Pick<RoundStore, 'record'>;
}

export interface CentralValues {
  /** d values, noise included. */
  readonly values: Float32Array;
  readonly release: Omit<CentralRelease, 'aggregate' | 'reference'>;
}

/** Refuses budget-exhausted, with nothing charged. */
export async function releaseCentral(
  cohort: Cohort,
  { round, centre, rounds }: CentralRound,
  { terms, releases, random }: CentralRooms,
): Promise<CentralValues | Refused> {
  const spent = budgetSpent(await releases.releases(), terms);
  if (spent) return spent;
  const clippingNormL2 = await clippingNormOf(round, { terms, rounds });
  const sum = await clippedSum(cohort, { clippingNormL2, centre });
  const noise = await drawCentralNoise(cohort.d, random);
  try {
    const { noiseMultiplier, plannedClients } = terms;
    const { commitment: noiseCommitment } = noise;
    await releases.charge({ round, noiseMultiplier, noiseCommitment });
    const scale = { centre, clippingNormL2, noiseMultiplier: sumNoiseMultiplier(terms), plannedClients };
    const values = releasedAggregate(sum.values, noise.normals, scale);
    const count = { n: cohort.n, within: sum.within, plannedClients, normal: noise.countNormal };
    const nextClippingNormL2 = nextClippingNormOf(clippingNormL2, count, terms);
    return {
      values,
      release: { noiseMultiplier, clippingNormL2, plannedClients, noiseCommitment, nextClippingNormL2 },
    };
  } finally {
    noise.forget();
  }
}

/** As the last release left it; the terms' own before the first. */
async function clippingNormOf(
  round: number,
  { terms, rounds }: Pick<CentralRooms, 'terms'> & Pick<CentralRound, 'rounds'>,
): Promise<number> {
  if (terms.adaptiveClipping === null) return terms.clippingNormL2;
  for (let earlier = round - 1; earlier > 0; earlier--) {
    const last = (await rounds.record(earlier))?.central;
    if (last) return last.nextClippingNormL2;
  }
  return terms.clippingNormL2;
}
