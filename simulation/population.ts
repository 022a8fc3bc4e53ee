// The clients of a simulated run: who lies (a seeded draw), what each one's examples are, how each one trains. The real
// run and the twin make one each from the same split and seed: same liars and shards, trainers and randomness of their
// own. A seeded stream is named by all it may depend on, so that no client's draws depend on another's.

import { simulatedTrainer } from '../client-sdk/training/local-trainer.ts';
import type { Trainer } from '../client-sdk/training/trainer.ts';
import { secureRandomSource, seededRandomSource, shuffled } from '../shared/random-source.ts';
import { type AttackMakings, type AttackName, attackingTrainer, flipLabels, type RoundRandom } from './attacks.ts';
import { type Digits, takeDigits } from './digits.ts';
import { softmaxRegressionModel } from './softmax-regression.ts';

export interface Member {
  /** Place in the population, 0 to clients - 1: the client's shard has the same place in the split. */
  readonly index: number;
  readonly byzantine: boolean;
  /** As the client holds them: an attacker's true labels too. */
  readonly examples: Digits;
  readonly trainer: Trainer;
}

export interface PopulationOptions {
  readonly digits: Digits;
  /** One list of indices per client (`splitDigits`). */
  readonly shards: readonly (readonly number[])[];
  /** Number of clients that lie, at most as many as there are shards; under attack `none` nobody does. */
  readonly byzantine: number;
  readonly attack: AttackName;
  /** Fixes who lies and what the attack draws; under `reproducible` the private training's randomness too. */
  readonly seed: number;
  /** True makes the noise reproducible and so voids the privacy of everybody in it. */
  readonly reproducible: boolean;
  /** Which of the two runs this population is for. */
  readonly run: 'federation' | 'twin';
}

export function makePopulation(options: PopulationOptions): readonly Member[] {
  const { digits, shards, attack, seed } = options;
  const byzantine = attack === 'none' ? 0 : options.byzantine;
  const liars = new Set(byzantineIndices({ clients: shards.length, byzantine, seed }));
  return shards.map((shard, index) => {
    const examples = takeDigits(digits, shard);
    const lies = liars.has(index);
    const trainer = attackingTrainer(lies ? attack : 'none', makingsOf(options, index, examples));
    return { index, byzantine: lies, examples, trainer };
  });
}

/** Which clients lie, ascending. */
export function byzantineIndices(draw: { clients: number; byzantine: number; seed: number }): readonly number[] {
  const everybody = Array.from({ length: draw.clients }, (_, index) => index);
  return shuffled(seededRandomSource(draw.seed, 'byzantine'), everybody)
    .slice(0, draw.byzantine)
    .sort((a, b) => a - b);
}

/** A trainer is made per round, as its streams are: that takes milliseconds and nothing is kept between rounds. */
function makingsOf({ seed, reproducible, run }: PopulationOptions, client: number, examples: Digits): AttackMakings {
  const seeded =
    (purpose: string): RoundRandom =>
    (round) =>
      seededRandomSource(seed, run, purpose, client, round);
  const secure = secureRandomSource();
  return {
    trainerFor({ labels, ...style }) {
      const seen = labels === 'true' ? examples.labels : flipLabels(examples.labels);
      return simulatedTrainer({
        model: softmaxRegressionModel,
        examples: { inputs: examples.images, labels: seen },
        ...style,
      });
    },
    attackRandom: seeded('attack'),
    noiseRandom: reproducible ? seeded('noise') : () => secure,
  };
}
