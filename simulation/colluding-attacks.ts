// What liars send who know everything of a round: all honest updates as they were sent, and their own. It is what the
// detection of liars is measured against. Pure: the same view and randomness give the same updates, and nothing in the
// view is written to. Sums are in float64; what is sent is rounded to float32 once.

import { type RandomSource, standardNormals } from '../shared/random-source.ts';
import { alieUpdate } from './alie.ts';
import { NOISELESS_FACTOR, NOISY_FACTOR } from './attacks.ts';
import { minMaxUpdate } from './min-max.ts';

/** All vectors are of one length; `own` and `clean` have an entry per liar, in one order. */
export interface ColludersView {
  /** Every honest client's update, as sent: 2 or more. */
  readonly honest: readonly Float32Array[];
  /** What each liar would have sent honestly, the declared noise included. */
  readonly own: readonly Float32Array[];
  /** What training without the declared noise gave each liar; `own` where none is declared. */
  readonly clean: readonly Float32Array[];
  /** Standard deviation of the declared noise per parameter; 0 where none is declared. */
  readonly noiseStdDev: number;
}

/** One update per liar, in the order of `own`. */
export type ColludingAttack = (view: ColludersView, random: RandomSource) => readonly Float32Array[];

export const colludingAttackNames = [
  'sign-flip',
  'scale',
  'gaussian',
  'alie',
  'min-max',
  'identical',
  'noiseless-flip',
  'noisy-flip',
  'shared-noise',
] as const;
export type ColludingAttackName = (typeof colludingAttackNames)[number];

const SCALE = 3;
/** ByzFL's default, a norm of about sqrt(parameters). Zeno's is 200. */
const GAUSSIAN_STD_DEV = 1;

export const colludingAttacks: Readonly<Record<ColludingAttackName, ColludingAttack>> = {
  /** -1 x its own update. */
  'sign-flip': ({ own }) => own.map((update) => update.map((value) => -value)),
  /** 3 x its own update. */
  scale: ({ own }) => own.map((update) => update.map((value) => SCALE * value)),
  /** No training: N(0, 1) in every coordinate, and the declared noise. */
  gaussian({ own, noiseStdDev }, random) {
    const stdDev = Math.hypot(GAUSSIAN_STD_DEV, noiseStdDev);
    return own.map(({ length }) => Float32Array.from(standardNormals(random, length), (normal) => stdDev * normal));
  },
  /** All send `alieUpdate`. */
  alie: ({ honest, own }) => copies(alieUpdate(honest, own.length), own),
  /** All send `minMaxUpdate`. */
  'min-max': ({ honest, own }) => copies(minMaxUpdate(honest), own),
  /** All send the first one's own update. */
  identical: ({ own }) => copies(own[0], own),
  /** -3 x its own clean part, without the declared noise. */
  'noiseless-flip': ({ clean }) => clean.map((part) => part.map((value) => NOISELESS_FACTOR * value)),
  /** -6 x its own clean part, under a fresh draw of the declared noise. */
  'noisy-flip': ({ clean, noiseStdDev }, random) =>
    clean.map((part) => flippedUnder(standardNormals(random, part.length), { part, noiseStdDev })),
  /** -6 x its own clean part, all under the same draw of the declared noise. */
  'shared-noise'({ clean, noiseStdDev }, random) {
    const shared = standardNormals(random, clean[0]?.length ?? 0);
    return clean.map((part) => flippedUnder(shared, { part, noiseStdDev }));
  },
};

function flippedUnder(
  noise: Float64Array,
  { part, noiseStdDev }: { readonly part: Float32Array; readonly noiseStdDev: number },
): Float32Array {
  return part.map((value, i) => noiseStdDev * (noise[i] ?? NaN) + NOISY_FACTOR * value);
}

/** A copy of its own for each of `own`. */
function copies(update: Float32Array | undefined, own: readonly Float32Array[]): readonly Float32Array[] {
  return own.map(() => Float32Array.from(update ?? []));
}
