// A configuration that fits its schema -> one that can be run: its rule carries f at every size of cohort, its bounds
// let honest updates through. Asked before anything is founded or started.

import { isRefused, type Refused } from '../shared/protocol/refusals.ts';
import { parameterCount } from '../shared/update-format/tensor-schema.ts';
import { ruleFor } from './aggregation/rule-for.ts';
import type { AggregationRule } from './aggregation/rule.ts';
import { type FederationConfig, termsOf } from './config.ts';
import { type AnomalyBounds, anomalyBounds } from './update/anomaly/anomaly-bounds.ts';
import { checkBounds } from './update/anomaly/check-bounds.ts';

export interface VettedConfig {
  readonly kind: 'vetted';
  readonly rule: AggregationRule;
  readonly bounds: AnomalyBounds;
}

/** Refuses unknown-rule, f-too-large and bad-config. */
export function vetConfig(config: FederationConfig): VettedConfig | Refused {
  const chosen = ruleFor({ ...config.rule, cohort: config.cohort });
  if (isRefused(chosen)) return chosen;
  const { training, privacy, tensors, rounds } = termsOf(config);
  const options = {
    training,
    privacy,
    parameters: parameterCount(tensors),
    checks: config.cohort.size * rounds,
    maxAbsolute: config.bounds.maxAbsoluteValue,
    maxNormL2: config.bounds.maxNormL2 ?? undefined,
  };
  return checkBounds(options) ?? { kind: 'vetted', rule: chosen.rule, bounds: anomalyBounds(options) };
}
