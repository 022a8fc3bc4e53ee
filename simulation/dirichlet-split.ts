// The digits of `splitDigits`, dealt so that clients differ in their classes: Hsu, Qi and Brown 2019 (arXiv 1909.06335,
// section 3). Each client draws class shares q ~ Dirichlet(alpha K p), with K classes and p their shares of the pool (so
// alpha is the concentration per class), then its digits one by one without replacement from q, renormalised where a
// class is used up. What is held out, which digits are dealt and how many to each client is as in the IID split of the
// same seed; whoever comes late takes what is left.

import { InvariantError } from '../shared/invariant-error.ts';
import { refuse, RefusedError } from '../shared/protocol/refusals.ts';
import { type RandomSource, seededRandomSource } from '../shared/random-source.ts';
import { type Digits, type DigitsSplit, splitDigits } from './digits.ts';
import { logDirichletDraw } from './dirichlet.ts';

const LEAST_ALPHA = 1e-3;
const LARGEST_ALPHA = 1e9;

export interface DirichletSplit {
  readonly clients: number;
  readonly seed: number;
  /** 0.001 to 1e9: at 0.1 a client holds few classes, at 1,000 nearly the pool's mixture. */
  readonly alpha: number;
}

/** @throws RefusedError where `splitDigits` does, and for an alpha out of range. */
export function splitDigitsByDirichlet(
  digits: Pick<Digits, 'count' | 'labels'>,
  { clients, seed, alpha }: DirichletSplit,
): DigitsSplit {
  if (!(alpha >= LEAST_ALPHA && alpha <= LARGEST_ALPHA)) {
    const expected = `an alpha from ${LEAST_ALPHA} to ${LARGEST_ALPHA}`;
    throw new RefusedError(refuse('bad-option', { expected, found: `${alpha}` }).refusal);
  }
  const { heldOut, shards } = splitDigits(digits, { clients, seed });
  const pool = byClass(shards.flat(), digits.labels);
  const concentrations = concentrationsOf(pool, alpha);
  const deal = (shard: readonly number[], client: number): readonly number[] => {
    const random = seededRandomSource(seed, 'dirichlet-split', client);
    const logShares = logDirichletDraw(random, concentrations);
    return shard.map(() => takeOne(random, pool, logShares));
  };
  return { heldOut, shards: shards.map(deal) };
}

/** The digits not dealt yet, one list per class that there is, in shuffled order. */
function byClass(indices: readonly number[], labels: Uint8Array): readonly number[][] {
  const classes = new Map<number, number[]>();
  for (const index of indices) {
    const label = labels[index] ?? NaN;
    const alike = classes.get(label);
    if (alike) alike.push(index);
    else classes.set(label, [index]);
  }
  return [...classes].sort(([a], [b]) => a - b).map(([, alike]) => alike);
}

function concentrationsOf(pool: readonly number[][], alpha: number): readonly number[] {
  const count = pool.reduce((sum, { length }) => sum + length, 0);
  return pool.map(({ length }) => (alpha * pool.length * length) / count);
}

/**
 * Takes one digit out of the pool, its class drawn from the shares of those that are left, by Gumbel's maximum (the
 * largest of ln q - ln(-ln U)): it needs no sum, which could be 0 or overrun by rounding.
 */
function takeOne(random: RandomSource, pool: readonly number[][], logShares: readonly number[]): number {
  let drawn: number[] | undefined;
  let largest = -Infinity;
  pool.forEach((left, at) => {
    const key = (logShares[at] ?? NaN) - Math.log(-Math.log(1 - random.uniform()));
    if (left.length === 0 || key <= largest) return;
    [drawn, largest] = [left, key];
  });
  const digit = drawn?.pop();
  if (digit === undefined) throw new InvariantError('expected a digit left for every place in a shard, found none');
  return digit;
}
