// How often something happened in so many independent trials in, a probability out that the true one is below only with
// the stated error, whatever it is: the exact limits of Clopper and Pearson (Biometrika 26, 1934). The lower limit is the p
// at which as many successes or more have the probability `error`; the upper one is the lower one of the failures.

export interface Tally {
  readonly successes: number;
  readonly trials: number;
}

/** Relative width at which the search stops, on the side that claims less. */
const WIDTH = 1e-12;

export function lowerLimit({ successes, trials }: Tally, error: number): number {
  if (successes === 0) return 0;
  const logWays = logBinomial(trials, successes);
  let [low, high] = [0, successes / trials];
  while (high - low > WIDTH * high) {
    const middle = (low + high) / 2;
    if (chanceOfMore({ successes, trials, logWays }, middle) <= error) low = middle;
    else high = middle;
  }
  return low;
}

export function upperLimit({ successes, trials }: Tally, error: number): number {
  return 1 - lowerLimit({ successes: trials - successes, trials }, error);
}

/** Of that many successes or more, at a p of at most their share: from there on the terms only fall. */
function chanceOfMore({ successes, trials, logWays }: Tally & { readonly logWays: number }, p: number): number {
  let term = Math.exp(logWays + successes * Math.log(p) + (trials - successes) * Math.log1p(-p));
  let sum = 0;
  const odds = p / (1 - p);
  for (let k = successes; k <= trials && term > sum * 2 ** -60; k++) {
    sum += term;
    term *= ((trials - k) / (k + 1)) * odds;
  }
  return sum;
}

function logBinomial(n: number, k: number): number {
  const chosen = Math.min(k, n - k);
  let sum = 0;
  for (let i = 1; i <= chosen; i++) sum += Math.log((n - chosen + i) / i);
  return sum;
}
