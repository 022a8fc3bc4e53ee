// The convolutional network trained privately on all digits in one place, budget by budget, several times each: what no
// federation under the same budget can be expected to pass, and what other libraries are compared with.

import { calibrateNoiseMultiplier } from '../../shared/accounting/calibrate.ts';
import { ACCOUNTANT } from '../../shared/accounting/epsilon.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { median } from '../../shared/vector/vector.ts';
import { loadBackend } from '../../client-sdk/training/load-backend.ts';
import { type Digits, loadDigits, splitDigits, takeDigits } from '../digits.ts';
import { type CentralDigits, type CentralRun, type CentralTask, trainCentrally } from './train-centrally.ts';

export interface CentralWish {
  readonly epsilons: readonly number[];
  /** Default: by epsilon, as chosen on validation digits. */
  readonly learningRate?: number;
  /** What all budgets have in common. */
  readonly training: Omit<CentralTask, 'epsilon' | 'learningRate'>;
  /** Of each budget. */
  readonly runs: number;
  /** Fixes the split and, counted up from run to run, the first weights. */
  readonly seed: number;
  /** `validation`: judge on 1,000 of the training digits, which are then not trained on; the test digits stay unseen. */
  readonly judgedOn: 'test' | 'validation';
}

export interface Watch {
  readonly signal: AbortSignal;
  readonly onEpoch?: (budget: CentralTask, progress: { run: number; epoch: number; accuracy: number }) => void;
  /** After all runs of a budget: what there is by then. */
  readonly onBudget?: (result: CentralResult) => Promise<void>;
}

/** The object of --json. */
export interface CentralResult {
  readonly network: typeof NETWORK;
  readonly backend: string;
  readonly judgedOn: CentralWish['judgedOn'];
  readonly seed: number;
  readonly trained: number;
  /** Places in the data set, as in simulation/digits.ts; what is in neither list is trained on. */
  readonly judged: readonly number[];
  readonly unused: readonly number[];
  readonly delta: number;
  readonly accountant: string;
  readonly adjacency: 'add-remove';
  readonly unit: 'example';
  readonly budgets: readonly CentralBudget[];
}

export interface CentralBudget extends CentralTask {
  readonly accuracy: { readonly min: number; readonly median: number; readonly max: number };
  readonly runs: readonly CentralRun[];
}

const NETWORK = 'opacus-mnist-cnn-tanh';
/** Of the 8,000 that are trained on; the test digits are 2,000 others. */
const VALIDATION_COUNT = 1000;

/** Rejects with the signal's reason. @throws RefusedError where batches are too large, or no noise meets a budget. */
export async function trainOnDigits(wish: CentralWish, { signal, onEpoch, onBudget }: Watch): Promise<CentralResult> {
  const { training, runs, seed, judgedOn } = wish;
  const { places, digits } = divided(await loadDigits(), wish);
  requireTrainable(wish, digits.trained.count);
  const meaning = { accountant: ACCOUNTANT, adjacency: 'add-remove', unit: 'example' } as const;
  const settings = { judgedOn, seed, trained: digits.trained.count, ...places, delta: training.delta, ...meaning };
  let result: CentralResult = { network: NETWORK, backend: await loadBackend(), ...settings, budgets: [] };
  for (const epsilon of wish.epsilons) {
    const task = { ...training, epsilon, learningRate: wish.learningRate ?? learningRateFor(epsilon) };
    const made: CentralRun[] = [];
    for (let run = 0; run < runs; run++) {
      const told = (epoch: number, accuracy: number): void => onEpoch?.(task, { run, epoch, accuracy });
      made.push(await trainCentrally(digits, task, { seed: seed + run, signal, onEpoch: told }));
    }
    result = { ...result, budgets: [...result.budgets, budgetOf(task, made)] };
    await onBudget?.(result);
  }
  return result;
}

/**
 * Of 0.25, 0.5, 1, 2 and 4 what reached most on the validation digits of seed 1, over two runs, at batches of 512,
 * clipping norm 0.1 and momentum 0.9. Other seeds hold some of these digits out as test digits.
 */
const learningRateFor = (epsilon: number): number => (epsilon < 2 ? 1 : 2);

interface Divided {
  readonly places: Pick<CentralResult, 'judged' | 'unused'>;
  readonly digits: CentralDigits;
}

function divided(all: Digits, { seed, judgedOn }: Pick<CentralWish, 'seed' | 'judgedOn'>): Divided {
  const { heldOut, shards } = splitDigits(all, { clients: 1, seed });
  const others = shards.flat();
  const isTest = judgedOn === 'test';
  const judged = isTest ? heldOut : others.slice(0, VALIDATION_COUNT).sort((a, b) => a - b);
  const trained = isTest ? others : others.slice(VALIDATION_COUNT);
  return {
    places: { judged, unused: isTest ? [] : heldOut },
    digits: { trained: takeDigits(all, trained), judged: takeDigits(all, judged) },
  };
}

/** Before any training, so that no budget is found impossible after hours with another. @throws RefusedError */
function requireTrainable({ epsilons, training }: CentralWish, trained: number): void {
  const twice = epsilons.find((epsilon, place) => epsilons.indexOf(epsilon) < place);
  if (twice !== undefined) {
    const facts = {
      expected: 'budgets that differ',
      found: `epsilon ${twice} twice`,
      hint: 'several runs of each: --runs',
    };
    throw new RefusedError(refuse('bad-option', facts).refusal);
  }
  const { expectedBatchSize, epochs, delta } = training;
  const samplingRate = expectedBatchSize / trained;
  if (samplingRate > 1) {
    const facts = { expected: `at most ${trained}, which is all that is trained on`, found: `${expectedBatchSize}` };
    throw new RefusedError(refuse('bad-option', { message: 'the expected batch size does not fit', ...facts }).refusal);
  }
  try {
    const steps = Math.ceil(epochs / samplingRate);
    for (const epsilon of epsilons) calibrateNoiseMultiplier({ samplingRate, steps, epsilon, delta });
  } catch (fault) {
    if (!(fault instanceof InvariantError)) throw fault;
    throw new RefusedError(refuse('bad-option', { message: `no noise meets a budget: ${fault.message}` }).refusal);
  }
}

function budgetOf(task: CentralTask, runs: readonly CentralRun[]): CentralBudget {
  const accuracies = runs.map(({ accuracy }) => accuracy);
  const accuracy = { min: Math.min(...accuracies), median: median(accuracies), max: Math.max(...accuracies) };
  return { ...task, accuracy, runs };
}
