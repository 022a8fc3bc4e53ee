// How small an honest update can be under declared local DP. With d parameters and noise of standard deviation s per
// parameter its squared norm is about d s^2; below the bound given here the declared noise is not in it. This stops
// liars who leave the noise out: their small, equal updates would sit in the middle of the honest noise cloud, where
// distance rules such as Krum pick them.
//
// The tail is Laurent & Massart 2000 (Ann. Statist. 28(5), Lemma 1): P(chi^2_d <= d - 2 sqrt(d x)) <= e^-x, with
// x = ln(checks / p), so that by the union bound the chance of any false alarm in a run stays below p.
//
// The size s of the noise is exact for plain SGD, momentum, a proximal term and any schedule, all of them linear
// (shared/accounting/noise-scale.ts); Adam is not, and is refused under local DP.
//
// Assumption. Exact for noise plus a part that does not depend on it: that part only moves mass upwards (noncentral
// chi-square). Over several steps the later gradients do depend on earlier noise and can pull some of it back: to first
// order training at learning rate r shrinks the noise of a step along a direction of curvature c by 1 - r c at every
// later step, hence the mean ratio by at most (steps - 1) r tr(H) / d, H the curvature of the clipped loss. Only a few
// of d directions are curved, which keeps this well inside the margin. Measured on the digits (softmax regression,
// d = 7850, 10 steps at rate 2, noise multiplier 1.03, 900 honest updates in numpy): the pull takes 0.006 of the ratio on
// average, 0.020 at most; the least ratio was 0.937, the bound is 0.896. Momentum 0.9 at rates 0.2 and 0.5 and a proximal
// term of 0.1 (160 honest updates each, by the SDK): least ratios 0.975, 0.954 and 0.971. A model with sharp curvature in many directions
// has to be measured again before it relies on the witness.

export interface WitnessOptions {
  /** Number of values in the model, d. */
  readonly parameters: number;
  /** Number of updates that are checked over the whole run: clients times rounds. */
  readonly checks: number;
  /** Chance that one or more honest updates of the run are refused, below 1. Default 1e-6. */
  readonly falseAlarmProbability?: number | undefined;
}

export const FALSE_ALARM_PROBABILITY = 1e-6;

/**
 * Least squared norm of an honest update, in units of d s^2. Between 0 and 1; grows with d. It is 0, and the witness
 * vacuous (it refuses nobody), where d <= 4 ln(checks / p): so few parameters cannot tell noise from none this surely.
 */
export function noiseWitnessBound(options: WitnessOptions): number {
  return Math.max(0, 1 - 2 * Math.sqrt(tailExponent(options) / options.parameters));
}

/** x in the two tail bounds: an event of probability at most e^-x stays below p over all checks. */
export function tailExponent({ checks, falseAlarmProbability = FALSE_ALARM_PROBABILITY }: WitnessOptions): number {
  return Math.log(checks / falseAlarmProbability);
}
