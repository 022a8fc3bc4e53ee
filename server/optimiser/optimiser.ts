// Port: what a server optimiser makes of the rule's aggregate. It is pure: whatever it remembers of earlier rounds goes
// in and comes out as vectors, which the coordinator keeps beside the model version that they belong to
// (optimiser-state.ts). Computed in float64 from stored values; every value that comes out is rounded to float32 once.

export interface ServerOptimiser {
  readonly name: string;
  /** With its options: for the record. */
  readonly variant: string;
  /** What each vector of the state is called, ascending by UTF-16 code unit; empty where nothing is remembered. */
  readonly remembers: readonly string[];
  /** Before the first step: d values for each of `remembers`. */
  initialState(d: number): readonly Float32Array[];
  /** `aggregate`: d values; `state`: as it came out of the step before. Neither is changed. */
  step(aggregate: Float32Array, state: readonly Float32Array[]): OptimiserStep;
}

export interface OptimiserStep {
  /** d values: what the model moves by. */
  readonly step: Float32Array;
  readonly state: readonly Float32Array[];
}
