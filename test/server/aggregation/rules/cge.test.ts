import { describe, expect, it } from 'vitest';
import { cgeDeclared } from '../../../../server/aggregation/rules/cge.ts';
import { aggregateOf, codeOf, type Rows, ruleOf } from '../../../support/rule-cases.ts';
import { P7, V } from '../../../support/published-cohorts.ts';

const cge = ruleOf(cgeDeclared);

async function cgeOf(rows: Rows, f: number) {
  const { selected, values } = await aggregateOf(cge, rows, f);
  return { selected, values: [...values] };
}

describe('comparative gradient elimination', () => {
  it('needs n >= 2f + 1', async () => {
    for (const f of [1, 2, 5]) {
      const rows = Array.from({ length: 2 * f + 1 }, (_, i) => [i]);
      expect(cge.minimumCohort(f)).toBe(2 * f + 1);
      expect((await aggregateOf(cge, rows, f)).selected).toHaveLength(f + 1);
      expect(await codeOf(aggregateOf(cge, rows.slice(1), f))).toBe('cohort-too-small');
    }
  });

  it('scores by the norm and gives ties to the lower row', async () => {
    const rows = [
      [3, 4],
      [-5, 0],
      [0, 0],
      [0, 5],
      [6, 8],
    ];
    const { selected, scores, m, neighbours } = await aggregateOf(cge, rows, 2);
    expect({ selected, scores: [...(scores ?? [])], m, neighbours }).toEqual({
      selected: [0, 1, 2],
      scores: [5, 5, 0, 5, 10],
      m: 3,
      neighbours: null,
    });
  });

  it('moves by at most 2/(n-f) of the norm bound when one update is replaced', async () => {
    const corner = (k: number) => (k % 4 < 2 ? [k % 2 === 0 ? 1 : -1, 0] : [0, k % 2 === 0 ? 0.5 : -0.5]);
    const inputs = Array.from({ length: 4 ** 5 }, (_, code) =>
      Array.from({ length: 5 }, (_row, i) => corner(Math.floor(code / 4 ** i))),
    );
    const outcomes = await Promise.all(inputs.map((rows) => cgeOf(rows, 2)));
    let largest = 0;
    for (let code = 0; code < inputs.length; code++) {
      const [a = NaN, b = NaN] = outcomes[code]?.values ?? [];
      for (let first = 0; first < 4; first++) {
        const [x = NaN, y = NaN] = outcomes[code - (code % 4) + first]?.values ?? [];
        largest = Math.max(largest, Math.hypot(a - x, b - y));
      }
    }
    expect(largest).toBeCloseTo(cge.assumes.sensitivityL2(5, 2) ?? NaN, 6);
  });
});

describe('vectors of the field', () => {
  it('of P7 takes 4, 5, 6, 0 and 3', async () => {
    expect(await cgeOf(P7, 2)).toEqual({ selected: [0, 3, 4, 5, 6], values: [2.4, 2.2].map(Math.fround) });
  });

  it('of V takes the two shortest', async () => {
    expect(await cgeOf(V, 1)).toEqual({ selected: [0, 1], values: [2.5, 3.5, 4.5] });
  });
});
