// A trainer that ends when the test says so: each training waits to be taken in hand, then finished or failed.

import type { Trainer, TrainingTask } from '../../client-sdk/training/trainer.ts';
import { seededRandomSource } from '../../shared/random-source.ts';
import { settlement } from '../../shared/settlement.ts';
import { Arrivals } from './arrivals.ts';

export interface TrainingInHand {
  readonly task: TrainingTask;
  /** Ends the training with an update of its own: no two are alike. */
  finish(): void;
  fail(fault: Error): void;
}

export class GatedTrainer implements Trainer {
  readonly trainings = new Arrivals<TrainingInHand>();
  readonly #random = seededRandomSource(1, 'gated-trainer');

  async train(task: TrainingTask): Promise<Float32Array> {
    const { promise, resolve, reject } = settlement<Float32Array>();
    const finish = (): void => resolve(task.baseModel.map(() => this.#random.uniform()));
    task.signal.addEventListener('abort', () => reject(task.signal.reason));
    this.trainings.push({ task, finish, fail: reject });
    return await promise;
  }

  /** Rounds in which training was begun, in order. */
  get asked(): readonly number[] {
    return this.trainings.all.map(({ task }) => task.round);
  }
}
