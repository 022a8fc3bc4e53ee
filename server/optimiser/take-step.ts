// From the rule's aggregate to the step that the model takes, with what the optimiser remembers from the model that the
// round began with. Nothing is written here: a step that the gate refuses leaves no trace.

import type { Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { OfferedRound } from '../../shared/protocol/round-record.ts';
import { firstNonFinite } from '../../shared/vector/vector.ts';
import type { ModelStore } from '../model/model-store.ts';
import type { ServerOptimiser } from './optimiser.ts';
import { type OptimiserPlace, readState } from './optimiser-state.ts';

export interface TakenStep {
  readonly kind: 'step';
  /** d values: what the model moves by. */
  readonly values: Float32Array;
  /** What is to be remembered from here on. */
  readonly state: readonly Float32Array[];
}

/**
 * The blob of what the optimiser remembers when the round begins; null where that is nothing.
 * @throws InvariantError where a model that rounds have made has no state and its optimiser should remember one.
 */
export async function stateBefore(
  { baseModel, number }: Pick<OfferedRound, 'baseModel' | 'number'>,
  { optimiser, models }: Pick<OptimiserPlace, 'optimiser'> & { readonly models: ModelStore },
): Promise<Digest | null> {
  const base = await models.byDigest(baseModel, number);
  const state = base?.optimiserState ?? null;
  if (state === null && optimiser.remembers.length > 0 && base?.round !== 0)
    throw new InvariantError(`the model ${baseModel} has no state of the optimiser ${optimiser.name}`);
  return state;
}

/** Refuses gate-failed where the state would not be finite. @throws InvariantError as `readState`. */
export async function takeStep(
  aggregate: Float32Array,
  before: Digest | null,
  place: OptimiserPlace,
): Promise<TakenStep | Refused> {
  return stepFrom(await readState(before, place), aggregate, place.optimiser);
}

/** Refuses as `takeStep`. `vectors`: what is remembered so far. */
export function stepFrom(
  vectors: readonly Float32Array[],
  aggregate: Float32Array,
  optimiser: ServerOptimiser,
): TakenStep | Refused {
  const { step: values, state } = optimiser.step(aggregate, vectors);
  const overflown = optimiser.remembers.find((_, i) => firstNonFinite(state[i] ?? new Float32Array([NaN])) >= 0);
  if (overflown === undefined) return { kind: 'step', values, state };
  return refuse('gate-failed', {
    message: 'what the optimiser would remember is not finite',
    expected: 'finite values',
    found: `others in its ${overflown}`,
  });
}
