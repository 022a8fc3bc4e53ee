// Whether our aggregation rules are what they are called: the vectors of the field, and laws on seeded cohorts, counted
// by rule over the kernel that a coordinator computes with.

import { openKernel } from '../server/aggregation/kernels/open-kernel.ts';
import { ruleNames, ruleOf } from '../server/aggregation/rules.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import { laws, observedKappa } from './aggregation-laws.ts';
import { type Trial, trialsFor } from './aggregation-trials.ts';
import { type AggregationVector, type CohortOf, complaintsOf, readVectors } from './aggregation-vectors.ts';
import type { Figure, Print } from './figure.ts';

const TRIALS_OF_A_KIND = 4;

export async function benchAggregationConformance(print: Print): Promise<void> {
  const kernel = await openKernel();
  try {
    const cohortOf: CohortOf = (rows) => kernel.cohort(rows, rows[0]?.length ?? 0);
    const figures = await conformance(readVectors(), cohortOf, TRIALS_OF_A_KIND);
    for (const figure of figures) {
      const { rule, failed, missed } = figure.context;
      if (failed !== 0) process.stderr.write(`${String(rule)} falls short: ${String(missed)}\n`);
      print({ ...figure, context: { ...figure.context, kernel: kernel.name } });
    }
    if (figures.some(({ context }) => context['failed'] !== 0)) process.exitCode = 1;
  } finally {
    await kernel.close();
  }
}

/** One figure for each rule, then for each pre-aggregator that has vectors. `trials`: of each kind of cohort. */
export async function conformance(
  vectors: readonly AggregationVector[],
  cohortOf: CohortOf,
  trials: number,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const name of new Set([...ruleNames, ...vectors.map(({ rule }) => rule)])) {
    const own = vectors.filter(({ rule }) => rule === name);
    const missed = await missedVectors(own, cohortOf);
    const lawful = ruleNames.includes(name) ? await triedLaws(name, cohortOf, trials) : { tried: 0, missed: [] };
    const all = [...missed, ...lawful.missed];
    const counts = { rule: name, vectors: own.length, laws: lawful.tried, failed: all.length };
    const context = {
      ...counts,
      ...('kappa' in lawful ? { observedKappa: lawful.kappa } : {}),
      missed: all.join('; '),
    };
    const value = own.length + lawful.tried - all.length;
    figures.push({ figure: 'aggregation-conformance', value, unit: 'count', context });
  }
  return figures;
}

async function missedVectors(vectors: readonly AggregationVector[], cohortOf: CohortOf): Promise<readonly string[]> {
  const missed: string[] = [];
  for (const vector of vectors) {
    const complaints = await complaintsOf(vector, cohortOf);
    if (complaints.length > 0) missed.push(`${vector.source}: ${complaints.join(', ')}`);
  }
  return missed;
}

interface TriedLaws {
  readonly tried: number;
  readonly missed: readonly string[];
  /** The largest of all trials. */
  readonly kappa: number;
}

/** With default options. */
async function triedLaws(name: string, cohortOf: CohortOf, count: number): Promise<TriedLaws> {
  const { made } = accepted(ruleOf({ name }));
  const trials = trialsFor(made, cohortOf, count);
  const own = laws.filter(({ concerns }) => concerns(made));
  const missed: string[] = [];
  for (const { name: law, holds } of own) {
    const broken = (await inTurn(trials, holds)).filter((isKept) => !isKept).length;
    if (broken > 0) missed.push(`${law}: in ${broken} of ${trials.length} cohorts`);
  }
  return { tried: own.length, missed, kappa: Math.max(...(await inTurn(trials, observedKappa))) };
}

async function inTurn<T>(trials: readonly Trial[], act: (trial: Trial) => Promise<T>): Promise<readonly T[]> {
  const outcomes: T[] = [];
  for (const trial of trials) outcomes.push(await act(trial));
  return outcomes;
}
