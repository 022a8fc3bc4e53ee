import { describe, expect, it } from 'vitest';
import type { Trainer, TrainingTask } from '../../client-sdk/training/trainer.ts';
import { plainMeanTwin, type PlainMeanTwin } from '../../simulation/twin.ts';
import { simulatedTask } from './task.ts';

interface Scene {
  readonly twin: PlainMeanTwin;
  readonly tasks: TrainingTask[];
  readonly initialModel: Float32Array;
}

/** Client i answers with the i-th update, whatever it is asked, and notes the task. */
function twinOf(updates: readonly (readonly number[])[]): Scene {
  const tasks: TrainingTask[] = [];
  const trainerOf = (update: readonly number[]): Trainer => ({
    async train(task) {
      tasks.push(task);
      return Float32Array.from(update);
    },
  });
  const initialModel = Float32Array.of(10, 20, 30);
  const population = updates.map((update) => ({ trainer: trainerOf(update) }));
  const { schema, training, privacy, signal } = simulatedTask();
  return { twin: plainMeanTwin({ population, initialModel, schema, training, privacy, signal }), tasks, initialModel };
}

const UPDATES = [
  [1, 2, 3],
  [3, -2, 0],
  [-1000, 6, 0],
  [0, 0, 9],
];

describe('the plain-mean twin', () => {
  it('adds the mean of all updates to its model, a liar’s in full', async () => {
    const { twin, initialModel } = twinOf(UPDATES);
    expect([...(await twin.runRound(1))]).toEqual([10 - 249, 20 + 1.5, 30 + 3]);
    expect([...(await twin.runRound(2))]).toEqual([10 - 498, 20 + 3, 30 + 6]);
    expect([...initialModel]).toEqual([10, 20, 30]);
  });

  it('has every client train in every round, from the twin’s own model of that moment', async () => {
    const { twin, tasks } = twinOf(UPDATES);
    const first = await twin.runRound(1);
    await twin.runRound(2);
    expect(tasks.map(({ round }) => round)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect(tasks.slice(0, 4).every(({ baseModel }) => baseModel[0] === 10)).toBe(true);
    expect(tasks.slice(4).every(({ baseModel }) => baseModel === first)).toBe(true);
    expect(tasks[0]).toMatchObject({ training: simulatedTask().training, privacy: simulatedTask().privacy });
  });

  it('breaks for good by one NaN, and then trains no more', async () => {
    const { twin, tasks } = twinOf([...UPDATES, [0, NaN, 0]]);
    const broken = await twin.runRound(1);
    expect([...broken].map(Number.isNaN)).toEqual([false, true, false]);
    expect(await twin.runRound(2)).toEqual(broken);
    expect(tasks).toHaveLength(5);
  });
});
