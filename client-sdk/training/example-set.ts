// A client's private examples in, any batch of them out as two flat arrays. Flat typed arrays and a copy per batch:
// no tensor holds the data set, and what the caller handed over is only ever read.

import { sha256 } from '../../shared/digest.ts';
import type { Digest } from '../../shared/ids.ts';
import { datasetNameSchema } from '../participation/client-store.ts';
import type { DataSetIdentity } from '../privacy/same-examples.ts';

/** The client's examples end to end. Their number is private: it appears in no denominator and in no message. */
export interface Examples {
  /** Inputs, each as many values as the model's input shape holds. */
  readonly inputs: Float32Array;
  /**
   * Per example either one whole class number (softmax cross-entropy only) or as many values as the model has outputs.
   */
  readonly labels: ArrayLike<number>;
}

/** Examples that are counted together. */
export interface NamedExamples extends Examples {
  /**
   * The data set's name, as its owner calls it, the same as `dataset` of `joinFederation`: data sets of different names
   * are counted apart, unless they hold the same examples value for value. Default: none, and everything in the privacy
   * ledger counts together.
   */
  readonly name?: string;
}

export interface Batch {
  readonly count: number;
  /** count x inputLength, row by row. */
  readonly inputs: Float32Array;
  /** count x outputLength, row by row; class numbers have become one-hot rows. */
  readonly targets: Float32Array;
}

export interface ExampleSet {
  readonly count: number;
  readonly batch: (indices: Uint32Array) => Batch;
}

export interface ExampleForm {
  readonly inputLength: number;
  readonly outputLength: number;
  /** Whether labels may be class numbers. */
  readonly classes: boolean;
}

/** @throws Error that names what was expected, when the arrays do not fit the model or a class number is out of range. */
export function exampleSet({ inputs, labels }: Examples, form: ExampleForm): ExampleSet {
  const { inputLength, outputLength } = form;
  const count = inputs.length / inputLength;
  if (!Number.isInteger(count)) {
    throw new Error(`expected inputs of ${inputLength} values per example, found ${inputs.length} values in all`);
  }
  const oneHot = form.classes && labels.length === count && outputLength > 1;
  if (!oneHot && labels.length !== count * outputLength) {
    const perExample = form.classes ? `1 class number or ${outputLength}` : `${outputLength}`;
    throw new Error(`expected ${perExample} label values for each of ${count} examples, found ${labels.length} in all`);
  }
  if (oneHot) checkClasses(labels, outputLength);
  return {
    count,
    batch: (indices) => {
      const rows = new Float32Array(indices.length * inputLength);
      const targets = new Float32Array(indices.length * outputLength);
      indices.forEach((example, row) => {
        rows.set(inputs.subarray(example * inputLength, (example + 1) * inputLength), row * inputLength);
        if (oneHot) targets[row * outputLength + (labels[example] ?? 0)] = 1;
        else
          for (let k = 0; k < outputLength; k++)
            targets[row * outputLength + k] = labels[example * outputLength + k] ?? 0;
      });
      return { count: indices.length, inputs: rows, targets };
    },
  };
}

/**
 * SHA-256 over inputs and labels as they are given, the labels as float64. The same examples in another order or with
 * labels in another form have another one: it is a check on the owner's word, not a proof. It stays on this machine:
 * whoever knows it can tell whether a guess at all of the examples is right.
 */
export async function examplesDigest({ inputs, labels }: Examples): Promise<Digest> {
  const bytes = new Uint8Array(inputs.byteLength + labels.length * Float64Array.BYTES_PER_ELEMENT);
  bytes.set(new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength));
  bytes.set(new Uint8Array(Float64Array.from(labels).buffer), inputs.byteLength);
  return await sha256(bytes);
}

/** What the privacy ledger tells data sets apart by. @throws Error for a name that is none. */
export async function identityOf({ name, ...examples }: NamedExamples): Promise<DataSetIdentity> {
  const dataset = datasetNameSchema.optional().safeParse(name);
  if (!dataset.success) throw new Error(`expected a dataset.name of 1 to 200 characters, found "${name}"`);
  return { dataset: dataset.data ?? null, examples: await examplesDigest(examples) };
}

function checkClasses(labels: ArrayLike<number>, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? -1;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new Error(`expected class numbers 0 to ${classes - 1}, found ${label} at example ${i}`);
    }
  }
}
