// What a federation could run to meet a privacy budget: candidates of batch, steps and the noise they take, with how much
// noise that leaves in an update and, where model and cohort are known, how far one liar can move the model within the
// bounds that the coordinator keeps (server/update/anomaly).

import type { Accountant } from '../../shared/accounting/accountant.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { PrivacyTerms, TrainingTerms } from '../../shared/protocol/terms.ts';
import { refuse, type Refused } from '../../shared/protocol/refusals.ts';
import { type AnomalyBounds, anomalyBounds } from '../../server/update/anomaly/anomaly-bounds.ts';
import { pricedNoise } from './price.ts';

export interface PrivacyPlanWish {
  /** Of one client. */
  readonly examples: number;
  readonly rounds: number;
  readonly epsilon: number;
  readonly delta: number;
  readonly batch?: number | undefined;
  readonly stepsPerRound?: number | undefined;
  readonly clippingNorm: number;
  readonly learningRate: number;
  /** Values of the model; with `clients`, or neither. */
  readonly parameters?: number | undefined;
  /** Of a cohort. */
  readonly clients?: number | undefined;
}

export interface PlannedAttack {
  /** L2 norm above which an update is refused: room for honest noise is room for a liar. */
  readonly largestUpdateNorm: number;
  /** What one liar can move the mean of the cohort by, and over all rounds: largest norm / clients, times rounds. */
  readonly shiftPerRound: number;
  readonly shiftInAll: number;
  /** Least squared norm of an update over that of its declared noise; 0: the model is too small for a noise witness. */
  readonly leastNoiseRatio: number;
}

export interface PlannedTraining {
  /** Expected size. */
  readonly batch: number;
  readonly samplingRate: number;
  readonly stepsPerRound: number;
  /** Over all rounds. */
  readonly steps: number;
  readonly noiseMultiplier: number;
  /** What that costs over all rounds, with how it was found. */
  readonly epsilon: number;
  readonly order: number | null;
  readonly errorBound: number | null;
  /** Examples that a client works through in a round. */
  readonly examplesPerRound: number;
  /** Noise of a round's update, per parameter, over the largest norm its signal can have: noise / (batch sqrt(steps)). */
  readonly noisePerSignal: number;
  readonly attack: PlannedAttack | null;
  readonly recommended: boolean;
}

/** Batches tried, as shares of the examples, and steps of a round. */
const BATCH_SHARES = [0.01, 0.05, 0.1, 0.3, 1];
const STEPS_PER_ROUND = [1, 10];
/** The least work whose noise per signal is within this factor of the best is recommended. */
const NEARLY_BEST = 1.25;

/** Refuses bad-option where no noise meets the budget. */
export function privacyPlan(wish: PrivacyPlanWish, accountant: Accountant): readonly PlannedTraining[] | Refused {
  const { examples, batch, stepsPerRound } = wish;
  const batches = batch === undefined ? BATCH_SHARES.map((share) => Math.ceil(share * examples)) : [batch];
  const stepCounts = stepsPerRound === undefined ? STEPS_PER_ROUND : [stepsPerRound];
  try {
    const planned = [...new Set(batches)].flatMap((size) =>
      stepCounts.map((steps) => plannedTraining({ ...wish, batch: size, stepsPerRound: steps }, accountant)),
    );
    return withRecommendation(planned);
  } catch (fault) {
    return noNoiseMeets(fault);
  }
}

/** @throws whatever else it is */
export function noNoiseMeets(fault: unknown): Refused {
  // The options have been checked: what is left is a budget that no noise meets.
  if (!(fault instanceof InvariantError)) throw fault;
  return refuse('bad-option', { message: `no noise meets the privacy budget: ${fault.message}` });
}

type Chosen = PrivacyPlanWish & { readonly batch: number; readonly stepsPerRound: number };

function plannedTraining(chosen: Chosen, accountant: Accountant): PlannedTraining {
  const { examples, rounds, batch, stepsPerRound, epsilon, delta } = chosen;
  const samplingRate = batch / examples;
  const steps = rounds * stepsPerRound;
  const { noiseMultiplier, bound } = pricedNoise({ samplingRate, steps, epsilon, delta }, accountant);
  return {
    batch,
    samplingRate,
    stepsPerRound,
    steps,
    noiseMultiplier,
    epsilon: bound.epsilon,
    order: bound.order,
    errorBound: bound.errorBound,
    examplesPerRound: batch * stepsPerRound,
    noisePerSignal: noiseMultiplier / (batch * Math.sqrt(stepsPerRound)),
    attack: attackOn(chosen, noiseMultiplier),
    recommended: false,
  };
}

function attackOn(chosen: Chosen, noiseMultiplier: number): PlannedAttack | null {
  const { rounds, parameters, clients } = chosen;
  if (parameters === undefined || clients === undefined) return null;
  const { maxNormL2, noise } = boundsOf({ ...chosen, parameters, clients }, noiseMultiplier);
  return {
    largestUpdateNorm: maxNormL2,
    shiftPerRound: maxNormL2 / clients,
    shiftInAll: (rounds * maxNormL2) / clients,
    leastNoiseRatio: noise?.leastRatio ?? 0,
  };
}

function boundsOf(
  chosen: Chosen & { readonly parameters: number; readonly clients: number },
  noiseMultiplier: number,
): AnomalyBounds {
  const { examples, rounds, batch, stepsPerRound, clippingNorm, learningRate, parameters, clients } = chosen;
  const training: TrainingTerms = {
    learningRate,
    stepsPerRound,
    samplingRate: batch / examples,
    expectedBatchSize: batch,
    clippingNormL2: clippingNorm,
  };
  const privacy: PrivacyTerms = {
    mode: 'local',
    noiseMultiplier,
    epsilonBudget: chosen.epsilon,
    delta: chosen.delta,
    adjacency: 'add-remove',
    unit: 'example',
    void: false,
  };
  const [checks, pairs] = [clients * rounds, (clients * (clients - 1)) / 2];
  return anomalyBounds({ training, privacy, parameters, checks, pairs, rounds });
}

function withRecommendation(planned: readonly PlannedTraining[]): readonly PlannedTraining[] {
  const least = Math.min(...planned.map(({ noisePerSignal }) => noisePerSignal));
  const good = planned.filter(({ noisePerSignal }) => noisePerSignal <= NEARLY_BEST * least);
  const [cheapest] = good.toSorted((a, b) => a.examplesPerRound - b.examplesPerRound);
  return planned.map((each) => (each === cheapest ? { ...each, recommended: true } : each));
}
