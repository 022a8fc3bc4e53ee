// The same updates give the same bits of every rule: whatever the order in which they arrive, the number of threads,
// whether they lie in memory or on disk, the version of Node and the machine, for which the digests are pinned.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Cohort } from '../../../server/aggregation/cohort.ts';
import type { Kernel } from '../../../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../../../server/aggregation/kernels/open-kernel.ts';
import { preAggregatorOf } from '../../../server/aggregation/pre/pre-aggregators.ts';
import { withPre } from '../../../server/aggregation/pre/with-pre.ts';
import type { AggregationRule } from '../../../server/aggregation/rule.ts';
import { ruleNames, ruleOf } from '../../../server/aggregation/rules.ts';
import { sha256 } from '../../../shared/digest.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { seededRandomSource, shuffled } from '../../../shared/random-source.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { rowsInFiles, seededRows } from './kernels/kernel-world.ts';

const ORDERS = 20;
const THREADS = [1, 2, 4];

const kernels: Kernel[] = [];
beforeAll(async () => {
  for (const threads of THREADS) kernels.push(await openKernel({ threads, inlineBound: 0 }));
});
afterAll(() => Promise.all(kernels.map((kernel) => kernel.close())));

interface Size {
  readonly n: number;
  readonly d: number;
  readonly f: number;
}

/** So many orders of arrival, on the thread counts in turn, every second from files. */
async function digestsOver(rules: readonly AggregationRule[], { n, d, f }: Size): Promise<ReadonlySet<string>> {
  const rows = seededRows(n, d, 'one digest');
  const files = rowsInFiles(temporaryFolder(), rows, 8);
  const names = rows.map((_, row) => `client ${row}`);
  const digests = new Set<string>();
  for (let order = 0; order < ORDERS; order++) {
    const kernel = kernels[order % THREADS.length];
    if (!kernel) throw new Error('no kernel');
    const arriving = shuffled(seededRandomSource(order, 'arrival'), [...rows.entries()]);
    const grown = async (): Promise<Cohort> => {
      const growing = kernel.growing(d);
      await Promise.all(arriving.map(([row, values]) => growing.add(`client ${row}`, values)));
      return growing.cohort(names);
    };
    digests.add(await digestOf(rules, order % 2 === 0 ? await grown() : kernel.cohort(files, d), f));
  }
  return digests;
}

async function digestOf(rules: readonly AggregationRule[], cohort: Cohort, f: number): Promise<string> {
  const figures: ArrayBufferLike[] = [];
  for (const rule of rules) {
    const reference = Float32Array.from({ length: cohort.d }, (_, k) => (k % 5) / 5);
    const { values, scores, shares } = accepted(await rule.aggregate({ cohort, f, seed: 'seed', reference }));
    figures.push(values.buffer, shares.buffer, scores?.buffer ?? new ArrayBuffer());
  }
  return sha256(Uint8Array.from(Buffer.concat(figures.map((buffer) => new Uint8Array(buffer)))));
}

const named = (name: string): AggregationRule => accepted(ruleOf({ name })).made;
const behind = (name: string, options: object = {}): AggregationRule =>
  withPre([accepted(preAggregatorOf({ name, ...options })).made], named('median'));

it('is that of every rule, and of all that may stand in front of one', async () => {
  const stages = [
    behind('clip', { norm: 20 }),
    behind('clip-to-median'),
    behind('arc'),
    behind('nnm'),
    behind('bucketing'),
  ];
  const digests = await digestsOver([...ruleNames.map(named), ...stages], { n: 11, d: 3000, f: 2 });
  expect([...digests]).toEqual(['9d30d99aced4ab3b1121cd90130be7dad2451c7c21da7cb54c2c5439243df4d1']);
});

it('is that of Krum where distances come from float32 tiles', { timeout: 60_000 }, async () => {
  const digests = await digestsOver([named('krum'), named('multi-krum')], { n: 52, d: 100_000, f: 10 });
  expect([...digests]).toEqual(['35f28af4c7bc4c87154a8f45a804ba0c514e6b6a32be11576d471e380f81a6db']);
});
