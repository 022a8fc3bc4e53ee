// Where a budget is just met along one figure (noise, steps) on which the cost depends monotonically. A bracket of one
// figure that fails and one that meets is closed by regula falsi on logarithms, with a bisection whenever three trials did
// not halve it. The end that meets is returned, so that no budget is overshot, however rough the cost function is.

export interface Trial {
  /** The figure, > 0. */
  readonly at: number;
  /** log(cost / budget): above 0 the budget is passed. */
  readonly excess: number;
}

export interface Bracket {
  readonly fails: Trial;
  readonly meets: Trial;
}

export interface BoundarySearch {
  readonly excessAt: (figure: number) => number;
  /** A figure that may be tried, near the one given. */
  readonly snap: (figure: number, bracket: Bracket) => number;
  readonly isClosed: (bracket: Bracket) => boolean;
}

export interface BracketSearch {
  readonly trialAt: (figure: number) => Trial;
  readonly from: number;
  /** The first step outward is by this factor, the next by its square, and so on. */
  readonly ratio: number;
  /** The figure that costs less by that factor; itself where there is none. */
  readonly cheaper: (figure: number, factor: number) => number;
  /** The other way. */
  readonly dearer: (figure: number, factor: number) => number;
}

/** Outward from a guess until one end fails and one meets; a single trial where the last figure there is was passed. */
export function findBracket({ trialAt, from, ratio, cheaper, dearer }: BracketSearch): Bracket | Trial {
  let last = trialAt(from);
  const startFails = last.excess > 0;
  for (let factor = ratio; ; factor **= 2) {
    const at = startFails ? cheaper(last.at, factor) : dearer(last.at, factor);
    if (at === last.at) return last;
    const next = trialAt(at);
    if (startFails && next.excess <= 0) return { fails: last, meets: next };
    if (!startFails && next.excess > 0) return { fails: next, meets: last };
    last = next;
  }
}

const TRIALS_PER_HALVING = 3;

/** Inward. @returns the figure that meets the budget. */
export function closeBracket(bracket: Bracket, { excessAt, snap, isClosed }: BoundarySearch): number {
  let current = bracket;
  let [halfWidth, trials] = [widthOf(bracket) / 2, 0];
  while (!isClosed(current)) {
    const bisects = trials === TRIALS_PER_HALVING;
    const at = snap(bisects ? middleOf(current) : crossingOf(current), current);
    const trial = { at, excess: excessAt(at) };
    current = trial.excess <= 0 ? { ...current, meets: trial } : { ...current, fails: trial };
    trials = bisects ? 0 : trials + 1;
    if (widthOf(current) <= halfWidth) [halfWidth, trials] = [widthOf(current) / 2, 0];
  }
  return current.meets.at;
}

const widthOf = ({ fails, meets }: Bracket): number => Math.abs(Math.log(fails.at / meets.at));

const middleOf = ({ fails, meets }: Bracket): number => Math.sqrt(fails.at) * Math.sqrt(meets.at);

/** Where a straight line through both ends, on logarithms, meets the budget. */
function crossingOf(bracket: Bracket): number {
  const { fails, meets } = bracket;
  const share = fails.excess / (fails.excess - meets.excess);
  return share >= 0 && share <= 1 ? fails.at * Math.exp(share * Math.log(meets.at / fails.at)) : middleOf(bracket);
}
