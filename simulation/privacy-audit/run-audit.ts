// A private mechanism put to the proof: canaries trained by the very object that trains models, everything that it
// releases observed, and what an observer can tell compared with what the accountant says that it can tell. In go the
// claim and randomness; out come two figures. The one asks whether the log-likelihood ratios of the canaries in the run and out of
// it are distributed as the accountant's own privacy losses (isolated canaries make them exactly so, whoever claims less or
// more is found out); the other is an epsilon that the mechanism certainly does not keep below.
// The observer's figures, the prediction and epsilon all follow from the event that the mechanism itself counted.

import { type LossDistributions, lossDistributions } from '../../shared/accounting/pld/loss-distribution.ts';
import { PLD_ACCOUNTANT, pldEpsilon } from '../../shared/accounting/pld/pld.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { type Refused, isRefused, refuse } from '../../shared/protocol/refusals.ts';
import type { RandomSource } from '../../shared/random-source.ts';
import { SampledGaussian, type SampledGaussianOptions } from '../../client-sdk/privacy/sampled-gaussian.ts';
import { CLIPPING_NORM_L2, canaryGradients, takesPart } from './canaries.ts';
import { epsilonLowerBound, type LowerBound, type Observed } from './epsilon-lower-bound.ts';
import { type Fit, kolmogorovSmirnov } from './kolmogorov-smirnov.ts';
import { addLogLikelihoodRatios } from './observer.ts';

/** What is audited: what releases the sums and says what that cost. */
export type AuditedMechanism = Pick<SampledGaussian, 'step' | 'event'>;

export interface AuditOptions extends SampledGaussianEvent {
  readonly delta: number;
  /** In the run, and as many out of it. */
  readonly canariesPerSide: number;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
  readonly onStep?: (step: number) => void;
  /** Default: the one that trains. Tests put broken ones in its place. */
  readonly mechanism?: (options: SampledGaussianOptions) => AuditedMechanism;
}

export interface PrivacyAudit {
  /** As the mechanism counted it. */
  readonly event: SampledGaussianEvent;
  readonly delta: number;
  /** The accountant's, and how far at most it is above the truth. */
  readonly epsilon: number;
  readonly errorBound: number;
  readonly accountantVersion: string;
  readonly inside: Fit;
  readonly outside: Fit;
  /** Of both fits together. */
  readonly pValue: number;
  readonly lowerBound: LowerBound;
  /** In the lower bound. */
  readonly confidence: number;
  readonly failures: readonly AuditFailure[];
}

/** `distribution`: the losses are not those predicted. `bound`: more than the accountant's epsilon was shown. */
export type AuditFailure = 'distribution' | 'bound';

/** A sound mechanism fails once in a hundred audits. */
export const SIGNIFICANCE = 0.01;
const CONFIDENCE = 0.999;

/** Refused where the losses predicted are beyond any grid. Rejects with the signal's reason. */
export async function runPrivacyAudit(options: AuditOptions): Promise<PrivacyAudit | Refused> {
  const { noiseMultiplier, samplingRate, steps, delta } = options;
  const asked = { noiseMultiplier, samplingRate, steps };
  // Before the long part: what cannot be predicted need not be observed.
  const foreseen = predicted(asked);
  if (isRefused(foreseen)) return foreseen;
  const { event, observed } = await observe(options);
  const distributions = isSame(event, asked) ? foreseen : predicted(event);
  if (isRefused(distributions)) return distributions;
  const inside = kolmogorovSmirnov(observed.inside, distributions.remove.atMost);
  const outside = kolmogorovSmirnov(negated(observed.outside), distributions.add.atMost);
  const smaller = Math.min(inside.pValue, outside.pValue);
  // The two sides share no draw: one less the chance that neither p-value is as small, 1 - (1 - p)^2.
  const pValue = smaller * (2 - smaller);
  const lowerBound = epsilonLowerBound(observed, { error: 1 - CONFIDENCE, delta });
  const { epsilon, errorBound } = pldEpsilon([event], delta);
  const failures: readonly AuditFailure[] = [
    ...(pValue > SIGNIFICANCE ? [] : (['distribution'] as const)),
    ...(lowerBound.epsilon <= epsilon ? [] : (['bound'] as const)),
  ];
  const fits = { inside, outside, pValue };
  const cost = { epsilon, errorBound, accountantVersion: PLD_ACCOUNTANT };
  return { event, delta, ...cost, ...fits, lowerBound, confidence: CONFIDENCE, failures };
}

const isSame = (a: SampledGaussianEvent, b: SampledGaussianEvent): boolean =>
  a.noiseMultiplier === b.noiseMultiplier && a.samplingRate === b.samplingRate && a.steps === b.steps;

interface Observation {
  readonly event: SampledGaussianEvent;
  readonly observed: Observed;
}

async function observe({ canariesPerSide, random, signal, onStep, ...options }: AuditOptions): Promise<Observation> {
  const { noiseMultiplier, samplingRate, steps, mechanism: audited = sampledGaussian } = options;
  const sumClipped = await canaryGradients(canariesPerSide);
  const expectedBatchSize = samplingRate * canariesPerSide;
  const sampling = { exampleCount: canariesPerSide, samplingRate, expectedBatchSize };
  const mechanism = audited({ ...sampling, random, noiseMultiplier, clippingNormL2: CLIPPING_NORM_L2 });
  const claimed = mechanism.event;
  const ratios = new Float64Array(2 * canariesPerSide);
  for (let step = 1; step <= steps; step++) {
    signal.throwIfAborted();
    const sums = mechanism.step(sumClipped).map((value) => (value * expectedBatchSize) / CLIPPING_NORM_L2);
    addLogLikelihoodRatios(ratios, sums, claimed);
    onStep?.(step);
    await breathe();
  }
  const inside = ratios.filter((_, canary) => takesPart(canary));
  const outside = ratios.filter((_, canary) => !takesPart(canary));
  return { event: mechanism.event, observed: { inside, outside } };
}

const sampledGaussian = (options: SampledGaussianOptions): AuditedMechanism => new SampledGaussian(options);

function predicted(event: SampledGaussianEvent): LossDistributions | Refused {
  const distributions = lossDistributions([event]);
  if (distributions) return distributions;
  const { noiseMultiplier, samplingRate, steps } = event;
  return refuse('bad-option', {
    message: 'the privacy losses of these steps cannot be predicted as a distribution',
    found: `noise ${noiseMultiplier}, rate ${samplingRate}, steps ${steps}`,
    hint: 'take more noise, fewer steps, or a higher rate',
  });
}

const negated = (values: Float64Array): Float64Array => values.map((value) => -value);

/** Lets signals have their turn. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
