import { describe, expect, it } from 'vitest';
import type { Trainer, TrainingTask } from '../../client-sdk/training/trainer.ts';
import { noiseStdDevPerParameter } from '../../shared/accounting/noise-scale.ts';
import { fillStandardNormals, seededRandomSource } from '../../shared/random-source.ts';
import {
  type AttackMakings,
  type AttackName,
  attackingTrainer,
  attackNames,
  describeAttack,
  flipLabels,
  isAttackName,
  type TrainingStyle,
} from '../../simulation/attacks.ts';
import { simulatedTask } from './task.ts';

const CLEAN = Float32Array.of(1, -2, 0.5, 4);
const HONEST = Float32Array.of(1.25, -2.5, 0.75, 3);
const FLIPPED = Float32Array.of(-7, 7, 0, 1);

/** Trains by looking the answer up; notes how it was asked. */
function makingsWithNotes(): { makings: AttackMakings; asked: TrainingStyle[] } {
  const asked: TrainingStyle[] = [];
  const makings: AttackMakings = {
    trainerFor(style): Trainer {
      asked.push(style);
      const update = style.labels === 'flipped' ? FLIPPED : style.noise === 'omitted' ? CLEAN : HONEST;
      return { train: async () => update };
    },
    attackRandom: (round) => seededRandomSource(1, 'attack', round),
    noiseRandom: (round) => seededRandomSource(2, 'noise', round),
  };
  return { makings, asked };
}

const task = simulatedTask({ baseModel: new Float32Array(4) });

function send(attack: AttackName, onTask: TrainingTask = task): Promise<Float32Array> {
  return attackingTrainer(attack, makingsWithNotes().makings).train(onTask);
}

function normals(seed: number, label: string, { round = task.round, count = 4 } = {}): Float64Array {
  const out = new Float64Array(count);
  fillStandardNormals(seededRandomSource(seed, label, round), out);
  return out;
}

describe('what each attack sends', () => {
  it('noisy-flip: -6 x the clean part under noise of the declared size', async () => {
    const stdDev = noiseStdDevPerParameter(task.training, task.privacy);
    const noise = normals(2, 'noise');
    expect(stdDev).toBeGreaterThan(0.1);
    expect(await send('noisy-flip')).toEqual(CLEAN.map((value, i) => stdDev * (noise[i] ?? NaN) - 6 * value));
  });

  it('noisy-flip without declared noise: -6 x the clean part', async () => {
    const sent = await send('noisy-flip', { ...task, privacy: { mode: 'none' } });
    expect([...sent]).toEqual([-6, 12, -3, -24]);
  });

  it('noiseless-flip: -3 x the clean part', async () => {
    expect([...(await send('noiseless-flip'))]).toEqual([-3, 6, -1.5, -12]);
  });

  it('sign-flip: -1 x its own noised update', async () => {
    expect([...(await send('sign-flip'))]).toEqual([-1.25, 2.5, -0.75, -3]);
  });

  it('scale: 10 x its own noised update', async () => {
    expect([...(await send('scale'))]).toEqual([12.5, -25, 7.5, 30]);
  });

  it('label-flip: what honest training on the labels 9 - y gives', async () => {
    const { makings, asked } = makingsWithNotes();
    expect(await attackingTrainer('label-flip', makings).train(task)).toEqual(FLIPPED);
    expect(asked).toMatchObject([{ labels: 'flipped', noise: 'declared' }]);
  });

  it('noise: standard normals in every coordinate, without training', async () => {
    const { makings, asked } = makingsWithNotes();
    const sent = await attackingTrainer('noise', makings).train(task);
    expect(sent).toEqual(Float32Array.from(normals(1, 'attack')));
    expect(asked).toEqual([]);
  });

  it('nan: an honest update but for one value', async () => {
    const sent = [...(await send('nan'))];
    const broken = sent.findIndex(Number.isNaN);
    expect(broken).toBeGreaterThanOrEqual(0);
    expect(sent.with(broken, HONEST[broken] ?? NaN)).toEqual([...HONEST]);
  });

  it('none: the honest update', async () => {
    expect(await send('none')).toEqual(HONEST);
  });
});

describe('every attack', () => {
  it.each(attackNames)('%s leaves the honest updates and the base model as they were', async (attack) => {
    const before = [CLEAN, HONEST, FLIPPED, task.baseModel].map((vector) => [...vector]);
    await send(attack);
    expect([CLEAN, HONEST, FLIPPED, task.baseModel].map((vector) => [...vector])).toEqual(before);
  });

  it.each(attackNames)('%s draws the same in the same round again, as after an interruption', async (attack) => {
    expect(await send(attack)).toEqual(await send(attack));
  });

  it('draws anew in every round', async () => {
    expect(await send('noise', { ...task, round: 8 })).not.toEqual(await send('noise'));
    expect(await send('noisy-flip', { ...task, round: 8 })).not.toEqual(await send('noisy-flip'));
  });

  it('takes the clean part from the seeded stream and private training from the other', async () => {
    const { makings, asked } = makingsWithNotes();
    const firstDraws = { attack: makings.attackRandom(7).uniform(), noise: makings.noiseRandom(7).uniform() };
    for (const attack of attackNames) await attackingTrainer(attack, makings).train({ ...task, round: 7 });
    expect(asked).toHaveLength(7);
    for (const { noise, random } of asked) {
      expect(random.uniform()).toBe(noise === 'omitted' ? firstDraws.attack : firstDraws.noise);
    }
  });

  it.each(attackNames)('%s ends with the signal’s reason when the round is over', async (attack) => {
    const over = simulatedTask({ baseModel: new Float32Array(4), signal: AbortSignal.abort(new Error('round over')) });
    const trainer: Trainer = { train: async ({ signal }) => (signal.throwIfAborted(), HONEST) };
    const makings = { ...makingsWithNotes().makings, trainerFor: () => trainer };
    await expect(attackingTrainer(attack, makings).train(over)).rejects.toThrow('round over');
  });

  it('has a line that describes it and a name that is recognised', () => {
    expect(new Set(attackNames.map(describeAttack)).size).toBe(8);
    expect(attackNames.every(isAttackName)).toBe(true);
    expect(isAttackName('noisy')).toBe(false);
  });
});

describe('flipped labels', () => {
  it('are 9 - y, in a new array', () => {
    const labels = Uint8Array.of(0, 1, 4, 5, 9);
    expect([...flipLabels(labels)]).toEqual([9, 8, 5, 4, 0]);
    expect([...labels]).toEqual([0, 1, 4, 5, 9]);
  });
});
