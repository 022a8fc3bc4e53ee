// One explanation for all rules: what became of every update, how far liars can have moved the model, and whether what
// the rule assumes is what was seen. For the round record and for `muster aggregate`, where what is not finite is null.

export interface Explanation {
  /** One per row. */
  readonly clients: readonly ClientExplanation[];
  readonly certificate: Certificate;
  /** Null where the rule has no condition of its own. */
  readonly condition: Condition | null;
  /** What the updates themselves say about the number of liars; null where they say nothing. */
  readonly liars: LiarEstimate | null;
  /** Plain sentences: of the rule, of the condition, of the estimate. Attackers influence what they rest on. */
  readonly warnings: readonly string[];
}

export interface ClientExplanation {
  readonly score: number | null;
  /** 1 for the lowest score, ties by row; null without scores. */
  readonly rank: number | null;
  /** L2, from the update as it reached the rule's first step. */
  readonly distanceToAggregate: number;
  /** `Aggregate.shares`. */
  readonly share: number;
}

/** At most f of the updates lying, the mean of the honest is at most `bound` (L2) away from the aggregate. */
export interface Certificate {
  /** Infinity where f >= n: all may lie. */
  readonly bound: number;
  /** True: over all subsets of n - f, up to rounding; false: proven, and possibly larger than necessary. */
  readonly exact: boolean;
}

/** The rule's own, `Assumptions.largestSpread`. */
export interface Condition {
  /** Standard deviation of the updates over the norm of their mean; Infinity where that mean is lost in rounding. */
  readonly observed: number;
  readonly limit: number;
  readonly satisfied: boolean;
  readonly source: string;
}

export interface LiarEstimate {
  /** How many updates stand apart from the rest. */
  readonly suspected: number;
  /** How far apart: the ratio of the first figure beyond the gap to the last before it. */
  readonly gap: number;
}
