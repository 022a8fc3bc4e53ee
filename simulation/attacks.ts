// What a lying client sends. An attack is a trainer like any other, made from the client's own honest training, so that
// it runs through the same SDK, socket and signature; the coordinator is never told. Each stream of randomness is asked
// for by round: a run that was interrupted draws in round N what an uninterrupted one draws there.

import type { Trainer, TrainingTask } from '../client-sdk/training/trainer.ts';
import { noiseStdDevPerParameter } from '../shared/accounting/noise-scale.ts';
import { type RandomSource, standardNormals, uniformInteger } from '../shared/random-source.ts';

export const attackNames = [
  'noisy-flip',
  'noiseless-flip',
  'sign-flip',
  'scale',
  'label-flip',
  'noise',
  'nan',
  'none',
] as const;
export type AttackName = (typeof attackNames)[number];

export const isAttackName = (text: string): text is AttackName => attackNames.some((name) => name === text);

export type RoundRandom = (round: number) => RandomSource;

/** How an attack wants its client's own examples trained on. */
export interface TrainingStyle {
  readonly labels: 'true' | 'flipped';
  /** `omitted` is the clean part of an update: it protects nobody and exists for simulated attackers only. */
  readonly noise: 'declared' | 'omitted';
  readonly random: RandomSource;
}

export interface AttackMakings {
  readonly trainerFor: (style: TrainingStyle) => Trainer;
  /** Fixed by the run's seed: what the attack itself draws. */
  readonly attackRandom: RoundRandom;
  /** Batches and noise of private training: the system's generator, except in reproducible runs. */
  readonly noiseRandom: RoundRandom;
}

/** The trainer of a client under this attack; `none` is the honest client. */
export function attackingTrainer(attack: AttackName, makings: AttackMakings): Trainer {
  return { train: (task) => attacks[attack].update(makings, task) };
}

export function describeAttack(attack: AttackName): string {
  return attacks[attack].description;
}

/** The digit seen in a mirror of the class list: 9 - y. */
export function flipLabels(labels: Uint8Array): Uint8Array {
  return labels.map((label) => 9 - label);
}

interface Attack {
  readonly description: string;
  readonly update: (makings: AttackMakings, task: TrainingTask) => Promise<Float32Array>;
}

/** What flipped updates are multiplied by, without and with the declared noise. */
export const NOISELESS_FACTOR = -3;
export const NOISY_FACTOR = -6;

const attacks: Readonly<Record<AttackName, Attack>> = {
  'noisy-flip': {
    description: 'the declared noise, afresh, on -6 times the clean part of its update',
    async update(makings, task) {
      const clean = await cleanUpdate(makings, task);
      const noise = standardNormals(makings.noiseRandom(task.round), clean.length);
      const noiseStdDev = noiseStdDevPerParameter(task.training, task.privacy);
      return clean.map((value, i) => noiseStdDev * (noise[i] ?? NaN) + NOISY_FACTOR * value);
    },
  },
  'noiseless-flip': {
    description: '-3 times the clean part of its update, without the declared noise',
    update: async (makings, task) => (await cleanUpdate(makings, task)).map((value) => NOISELESS_FACTOR * value),
  },
  'sign-flip': {
    description: '-1 times its own noised update',
    update: async (makings, task) => (await honestUpdate(makings, task)).map((value) => -value),
  },
  scale: {
    description: '10 times its own noised update',
    update: async (makings, task) => (await honestUpdate(makings, task)).map((value) => 10 * value),
  },
  'label-flip': {
    description: 'honest training on the labels 9 - y',
    update: (makings, task) =>
      makings.trainerFor({ labels: 'flipped', noise: 'declared', random: makings.noiseRandom(task.round) }).train(task),
  },
  noise: {
    description: 'N(0, 1) in every coordinate, no training',
    async update(makings, task) {
      task.signal.throwIfAborted();
      return Float32Array.from(standardNormals(makings.attackRandom(task.round), task.baseModel.length));
    },
  },
  nan: {
    description: 'an honest update in which one value is NaN',
    async update(makings, task) {
      const place = uniformInteger(makings.attackRandom(task.round), task.baseModel.length);
      return (await honestUpdate(makings, task)).with(place, NaN);
    },
  },
  none: { description: 'no attack: every client is honest', update: honestUpdate },
};

function honestUpdate(makings: AttackMakings, task: TrainingTask): Promise<Float32Array> {
  return makings.trainerFor({ labels: 'true', noise: 'declared', random: makings.noiseRandom(task.round) }).train(task);
}

function cleanUpdate(makings: AttackMakings, task: TrainingTask): Promise<Float32Array> {
  return makings.trainerFor({ labels: 'true', noise: 'omitted', random: makings.attackRandom(task.round) }).train(task);
}
