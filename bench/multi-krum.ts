// One aggregation by multi-Krum, beside the same in numpy (multi-krum.py: direct differences, float64, one thread).

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { CohortUpdate } from '../server/aggregation/rule.ts';
import { multiKrum } from '../server/aggregation/multi-krum.ts';
import { asClientId } from '../shared/ids.ts';
import { seededRandomSource, standardNormals } from '../shared/random-source.ts';
import { median } from '../shared/vector/vector.ts';
import type { Print } from './figure.ts';

export interface MultiKrumBench {
  readonly clients: number;
  readonly parameters: number;
  readonly runs: number;
}

const LIAR_SHARE = 0.2;

export async function benchMultiKrum(size: MultiKrumBench, print: Print): Promise<void> {
  const f = Math.ceil(LIAR_SHARE * size.clients);
  const context = { ...size, f };
  const ours = median(timeOurs(size, f));
  print({ figure: 'multi-krum-ms', value: ours, unit: 'ms', context });
  const numpy = await timeNumpy(size, f);
  if (typeof numpy === 'string') {
    const skipped = { ...context, skipped: numpy };
    print({ figure: 'multi-krum-numpy-ms', value: null, unit: 'ms', context: skipped });
    print({ figure: 'multi-krum-over-numpy', value: null, unit: 'ratio', context: skipped });
    return;
  }
  print({ figure: 'multi-krum-numpy-ms', value: median(numpy), unit: 'ms', context });
  print({ figure: 'multi-krum-over-numpy', value: ours / median(numpy), unit: 'ratio', context });
}

function timeOurs({ clients, parameters, runs }: MultiKrumBench, f: number): readonly number[] {
  const updates = Array.from({ length: clients }, (_, i) => randomUpdate(i, parameters));
  const rule = multiKrum();
  // The first run compiles.
  const times = Array.from({ length: runs + 1 }, () => {
    const started = performance.now();
    rule.aggregate(updates, f);
    return performance.now() - started;
  });
  return times.slice(1);
}

function randomUpdate(index: number, parameters: number): CohortUpdate {
  const normals = standardNormals(seededRandomSource(1, 'bench', index), parameters);
  return { client: asClientId(index.toString(16).padStart(64, '0')), values: Float32Array.from(normals) };
}

/** The times in milliseconds, or why there are none. */
async function timeNumpy(
  { clients, parameters, runs }: MultiKrumBench,
  f: number,
): Promise<readonly number[] | string> {
  const script = fileURLToPath(new URL('multi-krum.py', import.meta.url));
  const args = [script, ...[clients, parameters, f, runs].map(String)];
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
  try {
    const { stdout } = await promisify(execFile)(process.env['MUSTER_PYTHON'] ?? 'python3', args, { env });
    return z.array(z.number()).parse(JSON.parse(stdout));
  } catch {
    return 'python3 with numpy is not installed';
  }
}
