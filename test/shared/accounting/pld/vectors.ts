// Figures for the numerical accountant's tests: what others publish, and the pinned results of test/oracles/pld.py.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { SampledGaussianEvent } from '../../../../shared/accounting/privacy-event.ts';

/** Noise multiplier, sampling rate, steps, delta, epsilon. */
export type Vector = readonly [number, number, number, number, number];

/** opacus prv_accountant.py, computed with microsoft/prv_accountant: upper bounds that include its own error of 0.01. */
export const PRV: readonly Vector[] = [
  [0.8, 0.001, 100, 1e-6, 0.270403364],
  [1.5, 0.001, 100, 1e-6, 0.039369419],
  [3, 0.001, 100, 1e-6, 0.021520093],
  [0.8, 0.05, 100, 1e-6, 6.741051939],
  [1.5, 0.05, 100, 1e-6, 1.953853136],
  [2, 0.2, 100, 1e-6, 5.672055609],
  [0.8, 0.2, 100, 1e-6, 24.333664178],
  [0.8, 0.001, 1000, 1e-6, 0.477771266],
  [2, 0.05, 1000, 1e-6, 4.172799867],
  [0.8, 0.05, 1000, 1e-6, 19.525842805],
  [0.8, 0.001, 20_000, 1e-6, 1.296009258],
  [3, 0.05, 20_000, 1e-6, 13.961114699],
  [1.5, 0.05, 20_000, 1e-6, 38.306617914],
  [0.8, 0.001, 50_000, 1e-6, 2.034514808],
  [3, 0.05, 50_000, 1e-6, 24.942005643],
];

/** dp_accounting's PLD: compute_dp_sgd_privacy_test.py, pld/accountant_test.py, and runs of its code. */
export const DP_ACCOUNTING: readonly Vector[] = [
  [1.5, 0.04, 2249, 1e-5, 6.767051],
  [0.7, 1, 2, 1e-5, 10.1224946],
  [0.35, 1, 2, 1e-5, 24.7160779],
  [0.7, 0.01, 120, 1e-5, 2.4612381],
  [0.35, 0.01, 120, 1e-5, 18.6977407],
  [1, 0.0064, 782, 1e-6, 1.199],
  [1, 1, 5, 1e-6, 12.595],
  [0.8, 0.001, 100, 1e-6, 0.260339],
  [0.8, 0.05, 100, 1e-6, 6.730629],
  [0.67379294682, 0.01, 1, 1e-5, 1],
  [3.20956502598 / 6, 0.001, 25, 1e-5, 1],
];

export const eventOf = ([noiseMultiplier, samplingRate, steps]: Vector): SampledGaussianEvent => ({
  noiseMultiplier,
  samplingRate,
  steps,
});

const pinned = z
  .strictObject({
    deltas: z.array(
      z.strictObject({
        mechanisms: z.array(z.tuple([z.number(), z.number()])),
        epsilon: z.number(),
        remove: z.number(),
        add: z.number(),
      }),
    ),
    epsilons: z.array(
      z.strictObject({
        noiseMultiplier: z.number(),
        samplingRate: z.number(),
        steps: z.number(),
        delta: z.number(),
        epsilon: z.number(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../../oracles/pld.json', import.meta.url), 'utf8')));

/** Exact epsilons of one step at any rate and of many at rate 1. */
export const EXACT_EPSILONS = pinned.epsilons;

/** Exact deltas of one to three steps. */
export const EXACT_DELTAS = pinned.deltas.map((row) => ({
  ...row,
  events: row.mechanisms.map(([noiseMultiplier, samplingRate]) => ({ noiseMultiplier, samplingRate, steps: 1 })),
}));
