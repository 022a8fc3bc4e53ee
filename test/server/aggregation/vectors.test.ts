import { describe, expect, it } from 'vitest';
import { complaintsOf, readVectors } from '../../../bench/aggregation-vectors.ts';
import { ruleNames } from '../../../server/aggregation/rules.ts';
import { plainCohort } from '../../support/plain-cohort.ts';

const vectors = readVectors();

describe('the vectors of the field (test/oracles/aggregation_vectors.json)', () => {
  it.each(vectors.map((vector, i) => ({ i, vector })))('$i, $vector.rule of $vector.source', async ({ vector }) => {
    expect(await complaintsOf(vector, plainCohort)).toEqual([]);
  });

  it('hold one or more of every rule', () => {
    const tested = new Set(vectors.map(({ rule }) => rule));
    expect(ruleNames.filter((name) => !tested.has(name))).toEqual([]);
  });
});
