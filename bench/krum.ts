// Krum over n updates of d values: our kernel on one thread and on two, plain JavaScript, numpy and torch, all in one run;
// and what is left to do when the last update arrives. Above the memory budget the updates lie in files and are streamed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainSquaredDistances } from './plain-distances.ts';
import { pythonSeconds, secondsOf } from './python-seconds.ts';
import { randomRows, writeRandomRows } from './random-rows.ts';
import type { Cohort } from '../server/aggregation/cohort.ts';
import type { Kernel, RowSource } from '../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../server/aggregation/kernels/open-kernel.ts';
import { krumDeclared } from '../server/aggregation/rules/krum.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import { median } from '../shared/vector/vector.ts';
import type { Context, FigureId, Print } from './figure.ts';

export interface KrumBench {
  readonly clients: number;
  readonly params: number;
  readonly runs: number;
  /** In MB; updates that take more lie in files. */
  readonly memoryBudget: number;
}

const LIAR_SHARE = 0.2;
const BYTES_PER_MB = 1e6;
const MS_PER_S = 1000;

type Measured = readonly number[] | string;

export async function benchKrum(bench: KrumBench, print: Print): Promise<void> {
  const { clients, params, memoryBudget } = bench;
  const f = Math.ceil(LIAR_SHARE * clients);
  const inFiles = 4 * clients * params > memoryBudget * BYTES_PER_MB;
  await using folder = await temporaryFolder();
  const rows = inFiles ? await writeRandomRows(folder.path, clients, params) : randomRows(clients, params);
  const size = { clients, params, f, rows: inFiles ? 'in files' : 'in memory' };
  const [one, two] = [
    await kernelSeconds(rows, f, { ...bench, threads: 1 }),
    await kernelSeconds(rows, f, { ...bench, threads: 2 }),
  ];
  const context = { ...size, kernel: two.kernel };
  const memoryRows = rows.filter((row) => row instanceof Float32Array);
  const large = `not above the memory budget of ${memoryBudget} MB`;
  const show = (figure: FigureId, measured: Measured, unit: 's' | 'ms' = 's'): void =>
    printMedian({ figure, measured, context, print }, unit);
  show('krum-kernel-one-thread', one.seconds);
  show('krum-kernel-two-threads', two.seconds);
  print({ figure: 'krum-peak-memory', value: process.resourceUsage().maxRSS / 1024, unit: 'MB', context });
  show('krum-close-latency', inFiles ? large : await closeLatency(memoryRows, f, bench), 'ms');
  show('krum-plain-javascript', inFiles ? large : plainSeconds(memoryRows, clients * clients * params));
  const python = inFiles ? large : await pythonSeconds('krum.py', [clients, params, f, bench.runs]);
  for (const name of ['pairs', 'cdist', 'gram'] as const) {
    const theirs = secondsOf(python, name);
    show(`krum-${name}`, theirs);
    printRatio({ figure: `krum-${name}-over-kernel`, measured: theirs, over: two.seconds, context, print });
  }
}

interface KernelRun {
  readonly runs: number;
  readonly threads: number;
}

async function kernelSeconds(
  rows: readonly RowSource[],
  f: number,
  { runs, threads, params }: KernelRun & Pick<KrumBench, 'params'>,
): Promise<{ readonly seconds: readonly number[]; readonly kernel: string }> {
  const kernel = await openKernel({ threads });
  const seconds: number[] = [];
  // The first run starts the threads.
  for (let run = 0; run <= runs; run++) seconds.push(await krumSeconds(kernel.cohort(rows, params), f));
  await kernel.close();
  return { seconds: seconds.slice(1), kernel: kernel.name };
}

async function krumSeconds(cohort: Cohort, f: number): Promise<number> {
  const { made: krum } = accepted(krumDeclared.make({}));
  const started = performance.now();
  accepted(await krum.aggregate({ cohort, f, seed: null, reference: null }));
  return (performance.now() - started) / MS_PER_S;
}

/** Milliseconds from the arrival of the last update until Krum has decided. */
async function closeLatency(
  rows: readonly Float32Array[],
  f: number,
  { runs, params }: Pick<KrumBench, 'runs' | 'params'>,
): Promise<readonly number[]> {
  const kernel: Kernel = await openKernel({ threads: 2 });
  const latencies: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const growing = kernel.growing(params);
    const names = rows.map((_, index) => `${index}`);
    for (const [index, row] of rows.slice(0, -1).entries()) await growing.add(`${index}`, row);
    const started = performance.now();
    await growing.add(`${rows.length - 1}`, rows.at(-1) ?? new Float32Array());
    await krumSeconds(await growing.cohort(names), f);
    latencies.push(performance.now() - started);
  }
  await kernel.close();
  return latencies.slice(1);
}

const MOST_PLAIN_WORK = 2e10;

function plainSeconds(rows: readonly Float32Array[], work: number): Measured {
  if (work > MOST_PLAIN_WORK) return 'would take minutes';
  const started = performance.now();
  plainSquaredDistances(rows);
  return [(performance.now() - started) / MS_PER_S];
}

interface Shown {
  readonly figure: FigureId;
  readonly measured: Measured;
  readonly context: Context;
  readonly print: Print;
}

function printMedian({ figure, measured, context, print }: Shown, unit: 's' | 'ms'): void {
  if (typeof measured === 'string') print({ figure, value: null, unit, context: { ...context, skipped: measured } });
  else print({ figure, value: median(measured), unit, context: { ...context, runs: measured } });
}

function printRatio({ figure, measured, over, context, print }: Shown & { readonly over: readonly number[] }): void {
  if (typeof measured === 'string')
    print({ figure, value: null, unit: 'ratio', context: { ...context, skipped: measured } });
  else print({ figure, value: median(measured) / median(over), unit: 'ratio', context });
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
