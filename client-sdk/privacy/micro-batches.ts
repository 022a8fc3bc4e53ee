// A batch in, the same examples out in parts that fit into memory, without those that hold a value which is not finite.

import type { Batch } from '../training/example-set.ts';
import type { LayerChain } from './layer-chain.ts';
import { innerProduct } from './layers/example-gradients.ts';

/** 128 MB of float32. */
const VALUES_IN_MEMORY = 2 ** 25;

interface BatchOptions {
  readonly chain: LayerChain;
  readonly batch: Batch;
  readonly physicalBatchSize?: number | undefined;
}

export function* microBatches({ chain, batch, physicalBatchSize }: BatchOptions): Generator<Batch> {
  const size = physicalBatchSize ?? fittingSize(chain);
  if (!(size >= 1)) throw new RangeError(`expected a physical batch size of at least 1, found ${size}`);
  const rows = Array.from({ length: batch.count }, (_, row) => row).filter((row) => isFinite(batch, row));
  if (rows.length === batch.count && batch.count <= size && batch.count > 0) {
    yield batch;
    return;
  }
  const step = Math.floor(size);
  for (let start = 0; start < rows.length; start += step) yield part(batch, rows.slice(start, start + step));
}

function fittingSize(chain: LayerChain): number {
  const perExample = chain.reduce((total, { valuesPerExample }) => total + valuesPerExample, chain[0].inputLength);
  return Math.max(1, Math.floor(VALUES_IN_MEMORY / perExample));
}

const rowOf = (values: Float32Array, { count }: Batch, row: number): Float32Array =>
  values.subarray((row * values.length) / count, ((row + 1) * values.length) / count);

const isFinite = ({ inputs, targets, count }: Batch, row: number): boolean =>
  [inputs, targets].every((values) => {
    const length = values.length / count;
    // What is not finite makes every sum of squares that it is in not finite; float32 cannot overflow it in float64.
    return Number.isFinite(innerProduct(values, { a: row * length, b: row * length, length }));
  });

function part(batch: Batch, rows: readonly number[]): Batch {
  const taken = (values: Float32Array): Float32Array => {
    const length = values.length / batch.count;
    const picked = new Float32Array(rows.length * length);
    rows.forEach((row, i) => picked.set(rowOf(values, batch, row), i * length));
    return picked;
  };
  return { count: rows.length, inputs: taken(batch.inputs), targets: taken(batch.targets) };
}
