// Embedding: whole numbers in, the rows of a table out. An example's gradient has one row per number it holds; where
// a number repeats, its rows are added before they are squared. An example with a value that is no row's number adds
// nothing.

import { fill } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type ChainLayer, sized } from './chain-layer.ts';
import type { ExampleGradients } from './example-gradients.ts';
import { floatsOf, tensorOf } from './floats.ts';
import { type LayerSource, ownWeightOffset, settingsOf } from './layer-source.ts';

const schema = z.object({
  inputDim: z.int().positive(),
  outputDim: z.int().positive(),
  maskZero: z.literal(false, 'expected no mask').nullish(),
});

interface Table {
  readonly rows: number;
  readonly width: number;
  readonly offset: number;
}

export function embeddingLayer(source: LayerSource): readonly ChainLayer[] {
  const { inputDim, outputDim } = settingsOf(source, schema);
  const table = { rows: inputDim, width: outputDim, offset: ownWeightOffset(source, 'embeddings') };
  const shapes = sized(source);
  return [
    {
      ...shapes,
      activation: null,
      trainable: true,
      valuesPerExample: 4 * shapes.outputLength,
      run: (inputs, weights) => {
        const numbers = floatsOf(inputs);
        const count = inputs.shape[0] ?? 0;
        return {
          outputs: tensorOf(rowsOf(numbers, weights, table), [count, ...source.outputShape]),
          back: (outputGradients) => ({
            own: rowGradients({ numbers, gradients: floatsOf(outputGradients), count }, table),
            // Numbers of rows have no gradient, and nothing with weights stands before them.
            atInputs: () => fill(inputs.shape, 0),
          }),
        };
      },
    },
  ];
}

const isRow = (number: number, rows: number): boolean => Number.isInteger(number) && number >= 0 && number < rows;

/** Zeros for a value that has no row. */
function rowsOf(numbers: Float32Array, weights: Float32Array, { rows, width, offset }: Table): Float32Array {
  const values = new Float32Array(numbers.length * width);
  numbers.forEach((row, i) => {
    if (!isRow(row, rows)) return;
    values.set(weights.subarray(offset + row * width, offset + (row + 1) * width), i * width);
  });
  return values;
}

interface Occurrences {
  readonly numbers: Float32Array;
  readonly gradients: Float32Array;
  readonly count: number;
}

function rowGradients(occurrences: Occurrences, table: Table): ExampleGradients {
  const { width, offset } = table;
  const examples = Array.from({ length: occurrences.count }, (_, example) => summedRows(occurrences, example, table));
  return {
    addSquaredNorms: (into) =>
      examples.forEach((rows, example) => {
        for (const row of rows.values()) for (const value of row) into[example] = (into[example] ?? 0) + value * value;
      }),
    addTo: (sum, factors) =>
      examples.forEach((rows, example) => {
        const factor = factors[example] ?? 0;
        if (factor === 0) return;
        for (const [number, row] of rows) {
          const start = offset + number * width;
          row.forEach((value, i) => (sum[start + i] = (sum[start + i] ?? 0) + factor * value));
        }
      }),
  };
}

/** By the number of the row. An example with a value that has none has no finite norm, and so adds nothing. */
function summedRows(
  { numbers, gradients, count }: Occurrences,
  example: number,
  { rows: tableRows, width }: Table,
): ReadonlyMap<number, Float64Array> {
  const length = numbers.length / count;
  const rows = new Map<number, Float64Array>();
  for (let i = example * length; i < (example + 1) * length; i++) {
    const number = numbers[i] ?? NaN;
    if (!isRow(number, tableRows)) return new Map([[0, Float64Array.of(NaN)]]);
    const row = rows.get(number) ?? new Float64Array(width);
    rows.set(number, row);
    for (let k = 0; k < width; k++) row[k] = (row[k] ?? 0) + (gradients[i * width + k] ?? 0);
  }
  return rows;
}
