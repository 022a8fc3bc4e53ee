// A configuration that fits its schema -> one that can be run: its rule carries f at every size of cohort, its bounds
// let honest updates through. Asked before anything is founded or started.

import { learningRates } from '../shared/learning-rates.ts';
import { accepted, isRefused, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { parameterCount } from '../shared/update-format/tensor-schema.ts';
import { ruleFor } from './aggregation/rule-for.ts';
import type { AggregationRule } from './aggregation/rule.ts';
import { type FederationConfig, termsOf } from './config.ts';
import type { ServerOptimiser } from './optimiser/optimiser.ts';
import { optimiserFor } from './optimiser/optimisers.ts';
import { centralComplaint } from './privacy/vet-central.ts';
import { type AdminRules, parseAdminRules } from './update/anomaly/admin-rules.ts';
import { type AnomalyBounds, anomalyBounds, MAX_ABSOLUTE } from './update/anomaly/anomaly-bounds.ts';
import { checkHistoryTest } from './update/anomaly/client-history.ts';
import { checkBounds } from './update/anomaly/check-bounds.ts';

export interface VettedConfig {
  readonly kind: 'vetted';
  readonly adminRules: AdminRules;
  readonly rule: AggregationRule;
  readonly optimiser: ServerOptimiser;
  /** Of the updates of a round; null under central privacy: no update is measured. */
  readonly boundsOf: (round: number) => AnomalyBounds | null;
}

/** Refuses unknown-rule, f-too-large and bad-config. */
export async function vetConfig(config: FederationConfig): Promise<VettedConfig | Refused> {
  const chosen = ruleFor({ ...config.rule, cohort: config.cohort });
  if (isRefused(chosen)) return chosen;
  const optimiser = optimiserFor(config.optimiser);
  if (isRefused(optimiser)) return optimiser;
  const startComplaint = lastAggregateComplaint(chosen.rule, config);
  if (startComplaint) return startComplaint;
  const uncovered = uncoveredByProof(config, chosen.rule);
  if (uncovered) return uncovered;
  const adminRules = await parseAdminRules(config.anomaly.rules);
  if (isRefused(adminRules)) return adminRules;
  const historyComplaint = checkHistoryTest(config.anomaly.history);
  if (historyComplaint) return historyComplaint;
  const bounds = await vettedBounds(config);
  if (isRefused(bounds)) return bounds;
  return { kind: 'vetted', adminRules, rule: chosen.rule, optimiser: optimiser.made, boundsOf: bounds.of };
}

/** Evaluations of a schedule that are made before anybody trains, at some microseconds each. */
const MAX_SCHEDULED_STEPS = 200_000;

/** The same bounds in every round unless a schedule tells the rounds apart. */
async function vettedBounds(
  config: FederationConfig,
): Promise<{ readonly kind: 'bounds'; readonly of: VettedConfig['boundsOf'] } | Refused> {
  const { training, privacy, tensors, rounds } = termsOf(config);
  if (privacy.mode === 'central') return { kind: 'bounds', of: () => null };
  const rates = await learningRates(training);
  if (isRefused(rates)) return rates;
  const { size } = config.cohort;
  const options = {
    training,
    privacy,
    parameters: parameterCount(tensors),
    checks: size * rounds,
    pairs: (size * (size - 1)) / 2,
    rounds,
    maxAbsolute: config.bounds.maxAbsoluteValue,
    maxNormL2: config.bounds.maxNormL2 ?? undefined,
  };
  const told = rates.dependOnRound ? rounds : 1;
  if (training.learningRateSchedule !== undefined && told * training.stepsPerRound > MAX_SCHEDULED_STEPS)
    return tooManySteps(told * training.stepsPerRound);
  for (let round = 1; round <= told; round++) {
    const ofRound = rates.of(round);
    const complaint = isRefused(ofRound) ? ofRound : checkBounds({ ...options, rates: ofRound });
    if (complaint) return complaint;
  }
  return { kind: 'bounds', of: remembered((round) => anomalyBounds({ ...options, rates: accepted(rates.of(round)) })) };
}

/** Of the round asked for last: all updates of a round ask for the same. */
function remembered(boundsOf: (round: number) => AnomalyBounds): (round: number) => AnomalyBounds {
  let last: { readonly round: number; readonly bounds: AnomalyBounds } | undefined;
  return (round) => {
    if (last?.round !== round) last = { round, bounds: boundsOf(round) };
    return last.bounds;
  };
}

const tooManySteps = (found: number): Refused =>
  refuse('bad-config', {
    message: 'the learning-rate schedule has to be evaluated too often',
    expected: `at most ${MAX_SCHEDULED_STEPS} steps, of all rounds where it depends on the round`,
    found: `${found}`,
    hint: 'write a schedule of step and steps alone, or fewer steps',
  });

/** Under central privacy; undefined under any other. */
function uncoveredByProof(config: FederationConfig, rule: AggregationRule): Refused | undefined {
  const { privacy, anomaly, bounds, cohort } = config;
  if (privacy.mode !== 'central') return undefined;
  const areBoundsDefault = bounds.maxAbsoluteValue === MAX_ABSOLUTE && bounds.maxNormL2 === null;
  const { options: ruleOptions = {} } = config.rule;
  return centralComplaint({ privacy, rule, ruleOptions, quorum: cohort.quorum ?? 1, anomaly, areBoundsDefault });
}

/** The last aggregate is known from the models alone: only where each step was the aggregate itself. */
function lastAggregateComplaint(
  { name, assumes }: AggregationRule,
  { optimiser }: FederationConfig,
): Refused | undefined {
  if (assumes.reference !== 'last-aggregate') return undefined;
  if (optimiser.name === 'plain' && optimiser.learningRate === 1) return undefined;
  return refuse('bad-config', {
    expected: `the plain optimiser at a learning rate of 1 behind ${name}, which begins at the last aggregate`,
    found: `${optimiser.name} at ${optimiser.learningRate}`,
  });
}
