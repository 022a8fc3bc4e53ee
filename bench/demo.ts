// Whole demos as a person runs them, one after another: the accuracy of both models, what stopped the attackers, whether
// an honest client was ever refused.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { roundRecordSchema } from '../shared/protocol/round-record.ts';
import { median } from '../shared/vector/vector.ts';
import type { Print } from './figure.ts';

export interface DemoBench {
  readonly runs: number;
  readonly attack: string;
}

const resultSchema = z.object({
  rounds: z.array(
    z.object({
      clients: z.array(
        z.object({ id: z.string(), byzantine: z.boolean(), verdict: z.string(), selected: z.boolean() }),
      ),
    }),
  ),
  summary: z.object({
    accuracy: z.number(),
    twinAccuracy: z.number(),
    epsilon: z.number(),
    delta: z.number(),
    seconds: z.number(),
  }),
});
type DemoResult = z.infer<typeof resultSchema>;
type Client = DemoResult['rounds'][number]['clients'][number];

/** The figures that the noise witness looks at, of those who had nothing to hide. */
interface Witness {
  readonly leastRatio: number;
  readonly largestDeficit: number;
}

interface Run {
  readonly result: DemoResult;
  readonly witness: Witness;
}

export async function benchDemo({ runs, attack }: DemoBench, print: Print): Promise<void> {
  const done: Run[] = [];
  for (let run = 1; run <= runs; run++) {
    process.stderr.write(`demo ${run} of ${runs} (${attack})\n`);
    done.push(await runDemo(attack));
  }
  const summaries = done.map(({ result }) => result.summary);
  const accuracies = summaries.map(({ accuracy }) => accuracy);
  const twins = summaries.map(({ twinAccuracy }) => twinAccuracy);
  const clients = done.flatMap(({ result }) => result.rounds.flatMap((round) => round.clients));
  const context = { attack, runs, accuracies, twins, delta: summaries[0]?.delta ?? NaN };
  print({ figure: 'demo-accuracy-min', value: Math.min(...accuracies), unit: 'share', context });
  print({ figure: 'demo-accuracy-median', value: median(accuracies), unit: 'share', context });
  print({ figure: 'demo-accuracy-max', value: Math.max(...accuracies), unit: 'share', context });
  print({ figure: 'demo-twin-accuracy-max', value: Math.max(...twins), unit: 'share', context });
  print({
    figure: 'demo-epsilon',
    value: Math.max(...summaries.map(({ epsilon }) => epsilon)),
    unit: 'epsilon',
    context,
  });
  print({ figure: 'demo-seconds-median', value: median(summaries.map(({ seconds }) => seconds)), unit: 's', context });
  const witness = {
    leastRatio: Math.min(...done.map((run) => run.witness.leastRatio)),
    largestDeficit: Math.max(...done.map((run) => run.witness.largestDeficit)),
  };
  printVerdicts(clients, witness, { context, print });
}

function printVerdicts(
  clients: readonly Client[],
  { leastRatio, largestDeficit }: Witness,
  { context, print }: { context: Readonly<Record<string, string | number | readonly number[]>>; print: Print },
): void {
  const attacks = clients.filter(({ byzantine }) => byzantine);
  const stopped = attacks.filter(({ selected }) => !selected).length;
  const share = attacks.length > 0 ? stopped / attacks.length : null;
  const why = attacks.length > 0 ? { attacks: attacks.length, stopped } : { skipped: 'nobody attacks' };
  print({ figure: 'demo-attacks-stopped', value: share, unit: 'share', context: { ...context, ...why } });
  const honest = clients.filter(({ byzantine }) => !byzantine);
  const refused = honest.filter(({ verdict }) => verdict === 'refused').length;
  const updates = { ...context, honestUpdates: honest.length };
  print({ figure: 'demo-honest-refused', value: refused, unit: 'count', context: updates });
  print({ figure: 'demo-honest-noise-ratio-min', value: leastRatio, unit: 'ratio', context: updates });
  print({ figure: 'demo-honest-noise-deficit-max', value: largestDeficit, unit: 'ratio', context: updates });
}

async function runDemo(attack: string): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    const [dir, json] = [join(folder, 'demo'), join(folder, 'result.json')];
    await muster(['demo', '--attack', attack, '--dir', dir, '--json', json]);
    const result = resultSchema.parse(JSON.parse(await readFile(json, 'utf8')));
    return { result, witness: await honestWitness(dir, result) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function honestWitness(dir: string, { rounds }: DemoResult): Promise<Witness> {
  const honest = new Set(
    rounds.flatMap((round) => round.clients.flatMap(({ id, byzantine }) => (byzantine ? [] : id))),
  );
  const history = z.object({ rounds: z.array(roundRecordSchema) });
  const records = history.parse(JSON.parse(await muster(['rounds', '--dir', dir, '--json']))).rounds;
  const verdicts = records.flatMap((record) => record.verdicts.filter(({ client }) => honest.has(client)));
  return {
    leastRatio: Math.min(...verdicts.flatMap(({ noiseRatio }) => noiseRatio ?? [])),
    largestDeficit: Math.max(...verdicts.flatMap(({ noiseDeficit }) => noiseDeficit ?? [])),
  };
}

async function muster(args: readonly string[]): Promise<string> {
  const command = [...process.execArgv, 'cli/main.ts', ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 28 });
  return stdout;
}
