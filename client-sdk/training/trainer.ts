// The port behind which any training runtime can stand: a base model in, the difference to it out.

import type { Digest } from '../../shared/ids.ts';
import type { PrivacyTerms, TrainingTerms } from '../../shared/protocol/terms.ts';
import type { TensorSchema } from '../../shared/update-format/tensor-schema.ts';

export interface TrainingTask {
  readonly round: number;
  /** The base model, all tensors end to end in canonical order. Not to be written to. */
  readonly baseModel: Float32Array;
  readonly schema: TensorSchema;
  readonly training: TrainingTerms;
  readonly privacy: PrivacyTerms;
  /** Aborted when the round closes without us or the client leaves; a trainer then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface Trainer {
  /** The update: trained weights minus base model, in canonical order, as long as `baseModel`. */
  train(task: TrainingTask): Promise<Float32Array>;
  /** SHA-256 of the examples it trains on: the privacy ledger finds the same ones under another name by it. */
  examplesDigest?(): Promise<Digest>;
}
