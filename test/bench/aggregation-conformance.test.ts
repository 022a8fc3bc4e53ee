import { describe, expect, it } from 'vitest';
import { conformance } from '../../bench/aggregation-conformance.ts';
import { laws } from '../../bench/aggregation-laws.ts';
import { trialsFor } from '../../bench/aggregation-trials.ts';
import { type AggregationVector, readVectors } from '../../bench/aggregation-vectors.ts';
import type { AggregationRule } from '../../server/aggregation/rule.ts';
import { ruleNames, ruleOf } from '../../server/aggregation/rules.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { plainCohort } from '../support/plain-cohort.ts';

const mean = accepted(ruleOf({ name: 'mean' })).made;

/** The mean under another name, with its aggregate put through `change`. */
function spoilt(change: (values: Float32Array, rows: readonly Float32Array[]) => Float32Array): AggregationRule {
  return {
    ...mean,
    name: 'spoilt',
    assumes: { ...mean.assumes, robustness: { kappa: () => 0.01, source: 'nowhere' } },
    async aggregate(input) {
      const outcome = await mean.aggregate(input);
      const rows = await input.cohort.gather(Uint32Array.from({ length: input.cohort.d }, (_, k) => k));
      return outcome.kind === 'refused' ? outcome : { ...outcome, values: change(outcome.values, rows) };
    },
  };
}

async function brokenLaws(rule: AggregationRule): Promise<readonly string[]> {
  const broken = laws.map(async ({ name, holds }) => {
    const kept = await Promise.all(trialsFor(rule, plainCohort, 1).map(holds));
    return kept.every(Boolean) ? [] : [name];
  });
  return (await Promise.all(broken)).flat();
}

describe('the laws', () => {
  it.each(ruleNames)('that concern %s hold for it', async (name) => {
    const vectors = readVectors().filter(({ rule }) => rule === name);
    const figures = await conformance(vectors, plainCohort, 1);
    const own = figures.find(({ context }) => context['rule'] === name);
    expect(own?.context['laws']).toBeGreaterThanOrEqual(4);
    expect(String(own?.context['missed'])).not.toMatch(/in \d+ of \d+ cohorts/);
  });

  it.each([
    [
      'takes whichever update came first',
      (_: Float32Array, [first]: readonly Float32Array[]) => first,
      ['permutation'],
    ],
    ['goes by an origin', (values: Float32Array) => values.map((value) => value / 2), ['translation']],
    ['goes by a unit', (values: Float32Array) => values.map((value) => value + 1), ['scale']],
    ['lets outliers in', (values: Float32Array) => values, ['far outliers']],
    ['claims a robustness that it has not', (values: Float32Array) => values, ['robustness']],
  ])('are broken by a rule that %s', async (_what, change, names) => {
    const rule = spoilt((values, rows) => change(values, rows) ?? values);
    expect(await brokenLaws(rule)).toEqual(expect.arrayContaining(names));
  });
});

describe('the figures', () => {
  it('count what is passed by rule, and name what is not', async () => {
    const [vector] = readVectors().filter(({ rule }) => rule === 'krum');
    if (!vector) throw new Error('no vector of krum');
    const wrong = { ...vector, source: 'nobody', expect: { aggregate: [7, 7] } };
    const krum = (await conformance([vector, wrong], plainCohort, 1)).find(({ context }) => context['rule'] === 'krum');
    const { laws: tried } = krum?.context ?? {};
    expect(krum).toMatchObject({ value: 1 + Number(tried), context: { vectors: 2, failed: 1 } });
    expect(krum?.context['missed']).toMatch(/^nobody: /);
  });

  it('count a wrong selection, score, refusal or row too', async () => {
    const vectors = readVectors();
    const spoil = vectors.flatMap((vector): AggregationVector[] => {
      const { expect: given } = vector;
      if ('refused' in given) return [{ ...vector, expect: { refused: 'bad-shape' } }];
      if ('rows' in given)
        return [{ ...vector, expect: { rows: given.rows.map((row) => row.map((value) => value + 0.01)) } }];
      const { selected, scores } = given;
      return [
        ...(selected ? [{ ...vector, expect: { ...given, selected: selected.map((row) => row + 1) } }] : []),
        ...(scores ? [{ ...vector, expect: { ...given, scores: scores.toReversed() } }] : []),
      ];
    });
    const figures = await conformance(spoil, plainCohort, 0);
    const failed = figures.reduce((sum, { context }) => sum + Number(context['failed']), 0);
    expect(spoil.length).toBeGreaterThan(20);
    expect(failed).toBe(spoil.length);
  });
});
