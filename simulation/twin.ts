// What would have happened under the plain mean: a population of its own trains from a model of its own, and every
// update counts, whatever it holds. No coordinator, no check, no privacy ledger: its digits are public.

import type { TrainingTask } from '../client-sdk/training/trainer.ts';
import { firstNonFinite } from '../shared/vector/vector.ts';
import type { Member } from './population.ts';

export interface TwinOptions extends Pick<TrainingTask, 'schema' | 'training' | 'privacy' | 'signal'> {
  readonly population: readonly Pick<Member, 'trainer'>[];
  /** All tensors end to end in canonical order. Not written to. */
  readonly initialModel: Float32Array;
}

export interface PlainMeanTwin {
  /** Trains every client in turn and returns the new model. Once the model is not finite it stays as it is. */
  runRound(round: number): Promise<Float32Array>;
}

export function plainMeanTwin({ population, initialModel, ...terms }: TwinOptions): PlainMeanTwin {
  let model = initialModel;
  return {
    async runRound(round) {
      if (firstNonFinite(model) >= 0) return model;
      const sum = new Float64Array(model.length);
      for (const { trainer } of population) addTo(sum, await trainer.train({ round, baseModel: model, ...terms }));
      model = model.map((value, i) => value + (sum[i] ?? NaN) / population.length);
      return model;
    },
  };
}

function addTo(sum: Float64Array, update: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? NaN) + (update[i] ?? NaN);
}
