// What an attacker could tell of two kinds of canaries, in the run and out of it, in; an epsilon out that no mechanism which
// shows so much can be below, but for the stated error. Whatever the test of an attacker, (epsilon, delta) privacy says
// P(hit) <= e^epsilon P(false alarm) + delta (Kairouz, Oh and Viswanath, arXiv 1311.0776), so that
//   epsilon >= log((least P(hit) - delta) / largest P(false alarm)),
// each by Clopper and Pearson at half the error (Jagielski, Ullman and Oprea, arXiv 2006.07709). Test and threshold are
// chosen on one half of the canaries and judged on the other: chosen on the same, the bound would hold for nothing.
// Canaries have to be independent of each other, as isolated ones with noise of their own are.

import { lowerLimit, type Tally, upperLimit } from './clopper-pearson.ts';

export interface Observed {
  /** Of the canaries in the run: what the observer takes for them being there, the more the surer. */
  readonly inside: Float64Array;
  readonly outside: Float64Array;
}

/** With which probability a bound may be wrong, and the delta it is for. */
export interface Claim {
  readonly error: number;
  readonly delta: number;
}

export interface LowerBound {
  readonly epsilon: number;
  /** Of as many held-out canaries, had the attacker made no mistake: more cannot be shown with so few. */
  readonly largestCertifiable: number;
  /** Which kind the attacker names, where its figure (the other's sign turned for `outside`) is above the threshold. */
  readonly names: keyof Observed;
  readonly threshold: number;
  /** On the held-out half. */
  readonly hits: Tally;
  readonly falseAlarms: Tally;
}

export function epsilonLowerBound(observed: Observed, claim: Claim): LowerBound {
  const [chosenOn, heldOut] = [half(observed, 0), half(observed, 1)];
  const tests = (['inside', 'outside'] as const).map((names) => ({
    names,
    ...bestThreshold(facing(chosenOn, names), claim),
  }));
  const [naming, other] = tests;
  const { names, threshold } = naming && other && other.epsilon > naming.epsilon ? other : (naming ?? NO_TEST);
  const { named, others } = facing(heldOut, names);
  const hits = { successes: countAbove(named.sort(), threshold), trials: named.length };
  const falseAlarms = { successes: countAbove(others.sort(), threshold), trials: others.length };
  const epsilon = certified(hits, falseAlarms, claim);
  return { epsilon, largestCertifiable: largestCertifiable(named.length, claim), names, threshold, hits, falseAlarms };
}

const NO_TEST = { names: 'inside', threshold: Infinity } as const;

function half({ inside, outside }: Observed, which: 0 | 1): Observed {
  const of = (values: Float64Array): Float64Array => values.filter((_, i) => i % 2 === which);
  return { inside: of(inside), outside: of(outside) };
}

/** The figures of both kinds, turned so that those of the kind named are the large ones. */
interface Facing {
  readonly named: Float64Array;
  readonly others: Float64Array;
}

function facing({ inside, outside }: Observed, names: keyof Observed): Facing {
  if (names === 'inside') return { named: Float64Array.from(inside), others: Float64Array.from(outside) };
  return { named: outside.map((value) => -value), others: inside.map((value) => -value) };
}

/** Every number of false alarms up to here is tried, then every twentieth part more. */
const EACH_UP_TO = 20;
const GROWTH = 1.05;

function bestThreshold(
  { named, others }: Facing,
  claim: Claim,
): { readonly threshold: number; readonly epsilon: number } {
  const [rising, falling] = [named.sort(), others.sort().reverse()];
  let best = { threshold: Infinity, epsilon: 0 };
  for (let alarms = 0; alarms < falling.length; alarms = Math.max(alarms + 1, Math.floor(alarms * growthAt(alarms)))) {
    const threshold = falling[alarms] ?? NaN;
    const hits = { successes: countAbove(rising, threshold), trials: rising.length };
    const epsilon = certified(hits, { successes: alarms, trials: falling.length }, claim);
    if (epsilon > best.epsilon) best = { threshold, epsilon };
  }
  return best;
}

const growthAt = (alarms: number): number => (alarms < EACH_UP_TO ? 1 : GROWTH);

function certified(hits: Tally, falseAlarms: Tally, { error, delta }: Claim): number {
  const surplus = lowerLimit(hits, error / 2) - delta;
  return surplus > 0 ? Math.max(0, Math.log(surplus / upperLimit(falseAlarms, error / 2))) : 0;
}

/** By an attacker who names every one of so many canaries a side rightly. */
export function largestCertifiable(trials: number, claim: Claim): number {
  return certified({ successes: trials, trials }, { successes: 0, trials }, claim);
}

function countAbove(rising: Float64Array, threshold: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((rising[middle] ?? NaN) > threshold) high = middle;
    else low = middle + 1;
  }
  return rising.length - low;
}
