// One private training of the convolutional network on digits that lie in one place, without a federation: what a budget
// costs where nobody needs to be kept apart. By the SDK's PrivateTrainer, noise from the system's secure generator; the
// seed fixes the first weights alone. Judged after every epoch on digits that are never trained on, so that the curve
// costs no privacy.

import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type FitOptions, type PrivateFit, PrivateTrainer } from '../../client-sdk/index.ts';
import { writeWeights } from '../../client-sdk/training/model-layout.ts';
import { loadBackend } from '../../client-sdk/training/load-backend.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { convolutionalNetwork, networkAccuracy } from '../convolutional-network.ts';
import type { Digits } from '../digits.ts';

export interface CentralTask {
  /** Budget of the whole training, at delta. */
  readonly epsilon: number;
  readonly delta: number;
  readonly epochs: number;
  readonly expectedBatchSize: number;
  readonly clippingNormL2: number;
  readonly learningRate: number;
  /** beta of the momentum optimiser, 0 for plain SGD. */
  readonly momentum: number;
}

export interface CurvePoint {
  /** Epochs done: steps times sampling rate. */
  readonly epoch: number;
  readonly step: number;
  /** Spent so far. */
  readonly epsilon: number;
  /** 0-1 */
  readonly accuracy: number;
}

export interface CentralRun {
  readonly seed: number;
  readonly noiseMultiplier: number;
  readonly samplingRate: number;
  readonly steps: number;
  readonly epsilon: number;
  /** Of training and judging. */
  readonly seconds: number;
  /** Of the last model. */
  readonly accuracy: number;
  /** A point for the first weights and for each epoch. */
  readonly curve: readonly CurvePoint[];
}

export interface CentralDigits {
  readonly trained: Digits;
  readonly judged: Digits;
}

export interface Progress {
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onEpoch?: (epoch: number, accuracy: number) => void;
}

/** Rejects with the signal's reason, and as PrivateTrainer.fit does. */
export async function trainCentrally(
  { trained, judged }: CentralDigits,
  task: CentralTask,
  { seed, signal, onEpoch }: Progress,
): Promise<CentralRun> {
  await loadBackend();
  const began = performance.now();
  const model = (): LayersModel => convolutionalNetwork({ activation: 'tanh', seed });
  const shown = model();
  const samplingRate = task.expectedBatchSize / trained.count;
  const judgements: Judgement[] = [{ step: 0, accuracy: networkAccuracy(shown, judged) }];
  try {
    const fit = await new PrivateTrainer({ model, loss: 'softmax-cross-entropy' }).fit({
      ...fitOptions(task, trained),
      signal,
      onStep: ({ step, steps, weights }) => {
        if (step < steps && epochsIn(step, samplingRate) === epochsIn(step - 1, samplingRate)) return;
        writeWeights(shown, weights);
        const accuracy = networkAccuracy(shown, judged);
        judgements.push({ step, accuracy });
        onEpoch?.(step * samplingRate, accuracy);
      },
    });
    const seconds = (performance.now() - began) / 1000;
    return { seed, seconds, ...runOf(fit, judgements) };
  } finally {
    shown.dispose();
  }
}

interface Judgement {
  readonly step: number;
  readonly accuracy: number;
}

function fitOptions({ epsilon, delta, momentum, ...training }: CentralTask, { images, labels }: Digits): FitOptions {
  return {
    ...training,
    dataset: { inputs: images, labels },
    targetEpsilon: epsilon,
    targetDelta: delta,
    ...(momentum > 0 && { optimiser: { name: 'momentum', beta: momentum } as const }),
  };
}

function runOf(fit: PrivateFit, judgements: readonly Judgement[]): Omit<CentralRun, 'seed' | 'seconds'> {
  const { noiseMultiplier, samplingRate, steps, delta } = fit;
  const curve = judgements.map(({ step, accuracy }) => ({
    epoch: step * samplingRate,
    step,
    epsilon: step === 0 ? 0 : epsilonOf([{ noiseMultiplier, samplingRate, steps: step }], delta),
    accuracy,
  }));
  const { epsilon, accuracy } = curve.at(-1) ?? { epsilon: NaN, accuracy: NaN };
  return { noiseMultiplier, samplingRate, steps, epsilon, accuracy, curve };
}

/** Whole ones; a step that ends one by a rounding error ends it. */
const epochsIn = (steps: number, samplingRate: number): number => Math.floor(steps * samplingRate + 1e-9);
