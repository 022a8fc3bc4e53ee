// The work of `muster aggregate`: rows in the order of their ids into the kernel, the rule over them, and what is to be
// told of it.

import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { explain } from '../../server/aggregation/explain/explain.ts';
import type { Kernel } from '../../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../../server/aggregation/kernels/open-kernel.ts';
import type { Aggregate } from '../../server/aggregation/rule.ts';
import type { Aggregated } from './report.ts';
import { rowOrder } from './rows.ts';
import type { AggregateSources } from './sources.ts';
import type { ComposedRule } from './wish.ts';
import { firstNonFinite } from '../../shared/vector/vector.ts';

export interface AggregateWork {
  readonly sources: Pick<AggregateSources, 'rows' | 'ids' | 'reference'>;
  readonly composed: ComposedRule;
  /** Undefined: as many as the kernel takes. */
  readonly threads: number | undefined;
  /** Ends the threads, and the work with its reason. */
  readonly signal: AbortSignal;
}

/** @throws RefusedError with what the rule refuses; bad-option where it needs a reference that is not there. */
export async function aggregated({ sources, composed, threads, signal }: AggregateWork): Promise<Aggregated> {
  requireFewerLiars(composed, sources.rows.length);
  if (composed.reference === 'root-update' && sources.reference === null) throw needsReference(composed.name);
  const kernel = await openKernel(threads === undefined ? {} : { threads });
  try {
    signal.throwIfAborted();
    return await unlessAborted(signal, compute(kernel, sources, composed));
  } finally {
    await kernel.close();
  }
}

async function compute(
  kernel: Kernel,
  { rows, ids, reference: given }: AggregateWork['sources'],
  { rule, name, f, seed, reference: taken }: ComposedRule,
): Promise<Aggregated> {
  const order = ids ? rowOrder(ids) : [...rows.keys()];
  const ordered = order.flatMap((position) => rows[position] ?? []);
  const cohort = kernel.cohort(ordered, ordered[0]?.length ?? 0);
  const reference = taken === 'none' ? null : given;
  const aggregate = accepted<Aggregate>(await rule.aggregate({ cohort, f, seed, reference }));
  requireFinite(aggregate.values);
  const explanation = await explain({ cohort, rule, aggregate, f });
  const isIgnored = given !== null && reference === null;
  const warnings = isIgnored ? [`the reference was not used: ${name} takes none`] : [];
  return { name, rule, f, aggregate, explanation, order, ids, warnings };
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const outcome = await Promise.race([work, aborted]);
  signal.throwIfAborted();
  return outcome;
}

/** Values of FLTrust are as long as its reference, and may then be more than a float32 holds. */
function requireFinite(values: Float32Array): void {
  const at = firstNonFinite(values);
  if (at < 0) return;
  const facts = { expected: 'an aggregate whose values are finite as float32', found: `${values[at]} at ${at}` };
  throw new RefusedError(refuse('not-finite', { message: 'the aggregate is not finite', ...facts }).refusal);
}

/** A rule may ignore f, but no more than all can lie. */
function requireFewerLiars({ name, f, rule }: ComposedRule, n: number): void {
  if (f <= n) return;
  const minimum = rule.minimumCohort(f);
  // Where no number is enough the rule says so itself.
  if (!Number.isFinite(minimum)) return;
  const facts = { expected: `at least ${Math.max(minimum, f)} updates for ${name} with f = ${f}`, found: `${n}` };
  throw new RefusedError(refuse('cohort-too-small', facts).refusal);
}

function needsReference(name: string): RefusedError {
  const expected = `the root update that ${name} trusts`;
  const hint = 'give it as --reference FILE.safetensors, or as "reference" of the JSON file';
  return new RefusedError(
    refuse('bad-option', { message: `${name} needs a reference`, expected, found: 'none', hint }).refusal,
  );
}
