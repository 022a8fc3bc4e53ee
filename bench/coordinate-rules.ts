// Rules that sort or weigh instead of choosing whole updates, on two threads, at three shapes, beside numpy's forms.
// `nnm+median` is nearest-neighbour mixing with every mixed row computed: the median asks for all of them.

import type { Kernel } from '../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../server/aggregation/kernels/open-kernel.ts';
import { preAggregatorOf } from '../server/aggregation/pre/pre-aggregators.ts';
import { withPre } from '../server/aggregation/pre/with-pre.ts';
import type { AggregationRule } from '../server/aggregation/rule.ts';
import { ruleOf } from '../server/aggregation/rules.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import { median } from '../shared/vector/vector.ts';
import type { Print } from './figure.ts';
import { pythonSeconds, secondsOf } from './python-seconds.ts';
import { randomRows } from './random-rows.ts';

interface Shape {
  readonly clients: number;
  readonly params: number;
}

const shapes: readonly Shape[] = [
  { clients: 20, params: 100_000 },
  { clients: 64, params: 65_536 },
  { clients: 50, params: 1_000_000 },
];
const names = ['median', 'trimmed-mean', 'meamed', 'bulyan', 'geometric-median', 'nnm+median'] as const;
const LIAR_SHARE = 0.2;
const THREADS = 2;
const MS_PER_S = 1000;

export async function benchCoordinateRules({ runs }: { readonly runs: number }, print: Print): Promise<void> {
  const kernel = await openKernel({ threads: THREADS });
  for (const shape of shapes) await benchShape({ ...shape, runs }, { kernel, print });
  await kernel.close();
}

async function benchShape(
  { clients, params, runs }: Shape & { readonly runs: number },
  { kernel, print }: { readonly kernel: Kernel; readonly print: Print },
): Promise<void> {
  const f = Math.min(Math.floor(LIAR_SHARE * clients), Math.floor((clients - 3) / 4));
  const rows = randomRows(clients, params);
  const python = await pythonSeconds('coordinate-rules.py', [clients, params, f, runs]);
  for (const name of names) {
    const rule = ruleNamed(name);
    const seconds: number[] = [];
    for (let run = 0; run <= runs; run++) seconds.push(await secondsFor(rule, { rows, kernel, f }));
    const ours = seconds.slice(1);
    const context = { rule: name, clients, params, f, threads: THREADS, kernel: kernel.name };
    print({ figure: 'coordinate-rule', value: median(ours), unit: 's', context: { ...context, runs: ours } });
    const theirs = secondsOf(python, name);
    if (typeof theirs === 'string') {
      const skipped = { ...context, skipped: theirs };
      print({ figure: 'coordinate-rule-numpy', value: null, unit: 's', context: skipped });
      print({ figure: 'coordinate-rule-numpy-over-ours', value: null, unit: 'ratio', context: skipped });
      continue;
    }
    print({ figure: 'coordinate-rule-numpy', value: median(theirs), unit: 's', context: { ...context, runs: theirs } });
    const ratio = median(theirs) / median(ours);
    print({ figure: 'coordinate-rule-numpy-over-ours', value: ratio, unit: 'ratio', context });
  }
}

function ruleNamed(name: (typeof names)[number]): AggregationRule {
  if (name !== 'nnm+median') return accepted(ruleOf({ name })).made;
  return withPre([accepted(preAggregatorOf({ name: 'nnm' })).made], accepted(ruleOf({ name: 'median' })).made);
}

interface Setting {
  readonly rows: readonly Float32Array[];
  readonly kernel: Kernel;
  readonly f: number;
}

async function secondsFor(rule: AggregationRule, { rows, kernel, f }: Setting): Promise<number> {
  const cohort = kernel.cohort(rows, rows[0]?.length ?? 0);
  const started = performance.now();
  accepted(await rule.aggregate({ cohort, f, seed: null, reference: null }));
  return (performance.now() - started) / MS_PER_S;
}
