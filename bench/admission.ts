// Updates a second through the whole receive spine, and megabytes a second with large updates, beside the plainest
// durable receiving of the same bytes (admission-baseline.ts). Blocks of ours and of the baseline take turns, so that
// both meet the same machine; what is printed are medians over blocks, and the ratio is the median of pairs.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { softmaxRegressionSchema } from '../simulation/softmax-regression.ts';
import { noiseStdDevPerParameter } from '../shared/accounting/noise-scale.ts';
import { seededRandomSource, standardNormals } from '../shared/random-source.ts';
import { parameterCount, type TensorSpec } from '../shared/update-format/tensor-schema.ts';
import { median } from '../shared/vector/vector.ts';
import { receivePlainly } from './admission-baseline.ts';
import { openReceivingWorld, type ReceivingWorld, type Sending } from './admission-world.ts';
import type { Print } from './figure.ts';

export interface AdmissionBench {
  /** Of measuring, over all settings; preparing comes on top. */
  readonly seconds: number;
}

interface Size {
  readonly name: 'small' | 'large';
  readonly tensors: readonly TensorSpec[];
  /** Updates a block. */
  readonly block: number;
}

const sizes: readonly Size[] = [
  { name: 'small', tensors: softmaxRegressionSchema, block: 100 },
  { name: 'large', tensors: [{ name: 'dense/kernel', shape: [1000, 1000] }], block: 20 },
];
/** Clients whose updates are on their way at the same time. */
const CONCURRENCY = 20;
const LEAST_PAIRS = 5;

/** Seconds that a block of ours and one of the baseline took. */
interface Pair {
  readonly ours: number;
  readonly baseline: number;
}

export async function benchAdmission({ seconds }: AdmissionBench, print: Print): Promise<void> {
  const settings = sizes.flatMap((size) => [false, true].map((isPrivate) => ({ size, isPrivate })));
  for (const { size, isPrivate } of settings) {
    process.stderr.write(`${size.name} updates, ${isPrivate ? 'local privacy' : 'no privacy'}\n`);
    const pairs = await measure({ size, isPrivate, seconds: seconds / settings.length });
    printFigures(pairs, { size, isPrivate, print });
  }
}

interface Measurement {
  readonly size: Size;
  readonly isPrivate: boolean;
  readonly seconds: number;
}

async function measure({ size, isPrivate, seconds }: Measurement): Promise<readonly Pair[]> {
  const root = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const baselineFolder = join(root, 'baseline');
  await mkdir(baselineFolder);
  const world = await openReceivingWorld({ dir: join(root, 'ours'), tensors: size.tensors, isPrivate });
  try {
    const values = updateValues(world);
    const pairs: Pair[] = [];
    let spent = 0;
    // The first pair compiles.
    for (let pair = 0; pair <= LEAST_PAIRS || spent < seconds; pair++) {
      const sendings = await prepareBlock(world, values, size.block);
      const ours = await secondsOf(sendings, (sending) => world.receive(sending));
      const baseline = await secondsOf(sendings, (sending) => receivePlainly(sending, baselineFolder));
      if (pair > 0) pairs.push({ ours, baseline });
      spent += pair > 0 ? ours + baseline : 0;
    }
    return pairs;
  } finally {
    await world.close();
    await rm(root, { recursive: true, force: true });
  }
}

/** The declared noise, or as much of it as the bound on the norm allows where none is declared. */
function updateValues({ terms: { tensors, training, privacy } }: ReceivingWorld): Float32Array {
  const normals = standardNormals(seededRandomSource(1, 'admission'), parameterCount(tensors));
  const stdDev = noiseStdDevPerParameter(training, privacy) || 1 / Math.sqrt(normals.length);
  return Float32Array.from(normals, (normal) => stdDev * normal);
}

/** Each with bytes of its own, as the same bytes again would be written once. */
async function prepareBlock(world: ReceivingWorld, values: Float32Array, count: number): Promise<readonly Sending[]> {
  const sendings: Sending[] = [];
  for (let i = 0; i < count; i++) {
    values[0] = (values[0] ?? NaN) + 1e-6;
    sendings.push(await world.prepare(values));
  }
  return sendings;
}

async function secondsOf(sendings: readonly Sending[], act: (sending: Sending) => Promise<void>): Promise<number> {
  const waiting = sendings.values();
  const work = async (): Promise<void> => {
    for (const sending of waiting) await act(sending);
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return (performance.now() - started) / 1000;
}

function printFigures(
  pairs: readonly Pair[],
  { size, isPrivate, print }: { readonly size: Size; readonly isPrivate: boolean; readonly print: Print },
): void {
  const parameters = parameterCount(size.tensors);
  const megabytes = (4 * parameters * size.block) / 1e6;
  const [ours, baseline] = [median(pairs.map((pair) => pair.ours)), median(pairs.map((pair) => pair.baseline))];
  const ratio = median(pairs.map((pair) => pair.baseline / pair.ours));
  const setting = { privacy: isPrivate ? 'local' : 'off', parameters, concurrency: CONCURRENCY, block: size.block };
  const context = { ...setting, pairs: pairs.length };
  if (size.name === 'small') {
    const baselineUpdatesPerSecond = size.block / baseline;
    const rate = { figure: 'admission-updates-per-second', value: size.block / ours, unit: '1/s' } as const;
    print({ ...rate, context: { ...context, baselineUpdatesPerSecond, overBaseline: ratio } });
    return;
  }
  print({ figure: 'admission-mb-per-second', value: megabytes / ours, unit: 'MB/s', context });
  print({ figure: 'admission-baseline-mb-per-second', value: megabytes / baseline, unit: 'MB/s', context });
  print({ figure: 'admission-over-baseline', value: ratio, unit: 'ratio', context: { ...context, goal: 0.7 } });
}
