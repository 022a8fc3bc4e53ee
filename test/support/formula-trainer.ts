// Training without a runtime: a small step in one direction plus exactly the noise that the terms declare, seeded by
// client and round. Counts what it was asked for, so that a test can say that nobody trained twice.

import type { Trainer, TrainingTask } from '../../client-sdk/training/trainer.ts';
import { noiseStdDevPerParameter } from '../../shared/accounting/noise-scale.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import { fillStandardNormals, seededRandomSource } from '../../shared/random-source.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';

type FormulaTerms = Pick<FederationTerms, 'training' | 'privacy' | 'tensors'>;

const STEP = 0.02;
/** Where no noise is declared clients still differ. */
const SPREAD = 0.01;

export function formulaUpdate(terms: FormulaTerms, client: number, round: number): Float32Array {
  const noise = new Float64Array(parameterCount(terms.tensors));
  fillStandardNormals(seededRandomSource(client, 'update', round), noise);
  const stdDev = Math.max(SPREAD, noiseStdDevPerParameter(terms.training, terms.privacy));
  return Float32Array.from(noise, (value) => STEP + stdDev * value);
}

export class FormulaTrainer implements Trainer {
  /** Rounds in which training was begun, in order. */
  readonly asked: number[] = [];
  readonly #client: number;
  readonly #gate: Promise<void>;

  constructor(client: number, gate: Promise<void> = Promise.resolve()) {
    this.#client = client;
    this.#gate = gate;
  }

  async train({ round, schema, training, privacy, signal }: TrainingTask): Promise<Float32Array> {
    this.asked.push(round);
    signal.throwIfAborted();
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
    await Promise.race([this.#gate, aborted]);
    const terms = { training, privacy, tensors: schema };
    return formulaUpdate(terms, this.#client, round);
  }
}
