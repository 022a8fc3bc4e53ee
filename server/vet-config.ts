// A configuration that fits its schema -> one that can be run: its rule carries f at every size of cohort, its bounds
// let honest updates through. Asked before anything is founded or started.

import { isRefused, type Refused, refuse } from '../shared/protocol/refusals.ts';
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
  /** Null under central privacy: no update is measured. */
  readonly bounds: AnomalyBounds | null;
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
  const { rule } = chosen;
  const { training, privacy, tensors, rounds } = termsOf(config);
  if (privacy.mode === 'central') return { kind: 'vetted', adminRules, rule, optimiser: optimiser.made, bounds: null };
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
  const complaint = checkBounds(options);
  if (complaint) return complaint;
  return { kind: 'vetted', adminRules, rule, optimiser: optimiser.made, bounds: anomalyBounds(options) };
}

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
