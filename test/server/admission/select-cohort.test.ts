import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type EligibleClient, largestDraw, selectCohort } from '../../../server/admission/select-cohort.ts';
import { sha256 } from '../../../shared/digest.ts';
import { asClientId, asDigest, asOrganisationId, type ClientId, type Digest } from '../../../shared/ids.ts';
import { fc } from '../../support/properties.ts';

const clientAt = (index: number): ClientId => asClientId(index.toString(16).padStart(64, '0'));
const seedAt = (index: number): Digest => asDigest(index.toString(16).padStart(64, 'f'));
const eligibleAt = (index: number, organisations: number): EligibleClient => ({
  id: clientAt(index),
  organisation: asOrganisationId(`org-${index % organisations}`),
});

const eligibles = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 30 }), fc.integer({ min: 1, max: 8 }))
  .map(([found, organisations]) => found.map((index) => eligibleAt(index, organisations)));
const draws = fc.record({
  size: fc.integer({ min: 1, max: 30 }),
  maxPerOrganisation: fc.option(fc.integer({ min: 1, max: 5 })),
  seed: fc.nat().map(seedAt),
});

const countOf = (eligible: readonly EligibleClient[], organisation: string): number =>
  eligible.filter((client) => client.organisation === organisation).length;

describe('a cohort', () => {
  it('is as many of the eligible as size and caps allow, each once, in the order of ids', () => {
    fc.assert(
      fc.property(eligibles, draws, (eligible, draw) => {
        const given = [...eligible];
        const cohort = selectCohort(eligible, draw);
        const members = eligible.filter(({ id }) => cohort.includes(id));
        const organisations = new Set(eligible.map(({ organisation }) => organisation));
        const cap = draw.maxPerOrganisation ?? Infinity;
        const places = [...organisations].map((organisation) => Math.min(cap, countOf(eligible, organisation)));
        expect(cohort).toHaveLength(
          Math.min(
            draw.size,
            places.reduce((sum, each) => sum + each, 0),
          ),
        );
        for (const organisation of organisations) expect(countOf(members, organisation)).toBeLessThanOrEqual(cap);
        expect(members).toHaveLength(cohort.length);
        expect(cohort).toEqual([...new Set(cohort)].sort());
        expect(eligible).toEqual(given);
      }),
    );
  });

  it('does not depend on the order of the eligible', () => {
    fc.assert(
      fc.property(eligibles, draws, fc.nat(), (eligible, draw, turn) => {
        const cut = eligible.length ? turn % eligible.length : 0;
        const turned = [...eligible.slice(cut), ...eligible.slice(0, cut)];
        expect(selectCohort(turned, draw)).toEqual(selectCohort(eligible, draw));
        expect(selectCohort([...eligible].reverse(), draw)).toEqual(selectCohort(eligible, draw));
      }),
    );
  });

  it('without caps gains no one but a newcomer from its arrival, and loses at most one', () => {
    fc.assert(
      fc.property(eligibles, draws, (eligible, draw) => {
        const uncapped = { ...draw, maxPerOrganisation: null };
        const [newcomer, before] = [eligibleAt(401, 3), selectCohort(eligible, uncapped)];
        const after = selectCohort([...eligible, newcomer], uncapped);
        expect([...before, newcomer.id]).toEqual(expect.arrayContaining([...after]));
        expect(before.filter((id) => !after.includes(id)).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('grows with its size: who is in a smaller one is in a larger one', () => {
    fc.assert(
      fc.property(eligibles, draws, fc.nat({ max: 10 }), (eligible, draw, more) => {
        const larger = selectCohort(eligible, { ...draw, size: draw.size + more });
        expect(larger).toEqual(expect.arrayContaining([...selectCohort(eligible, draw)]));
      }),
    );
  });

  it.each([
    ['without caps', null, 1],
    ['with caps, among organisations of one size', 2, 4],
  ])('draws every client equally often, %s', async (_, maxPerOrganisation, organisations) => {
    const eligible = Array.from({ length: 12 }, (_each, i) => eligibleAt(i, organisations));
    const [rounds, size] = [4_000, 5];
    const times = new Map(eligible.map(({ id }) => [id, 0]));
    for (let round = 0; round < rounds; round++) {
      const seed = await sha256(`uniform/${round}`);
      const cohort = selectCohort(eligible, { size, maxPerOrganisation, seed });
      for (const id of cohort) times.set(id, (times.get(id) ?? 0) + 1);
    }
    const expected = (rounds * size) / eligible.length;
    const scale = expected * (1 - size / eligible.length);
    const chiSquare = [...times.values()].reduce((sum, count) => sum + (count - expected) ** 2 / scale, 0);
    // The 99.9 % quantile of chi-square with 11 degrees of freedom; draws without replacement shrink it by 11/12.
    expect(chiSquare * (11 / 12)).toBeLessThan(31.26);
  });

  it('is another under another seed', () => {
    const eligible = Array.from({ length: 40 }, (_, i) => eligibleAt(i, 5));
    const drawn = (seed: number) => selectCohort(eligible, { size: 10, maxPerOrganisation: null, seed: seedAt(seed) });
    expect(drawn(1)).not.toEqual(drawn(2));
  });
});

const pinned = z
  .object({
    cohorts: z.array(
      z.object({
        eligible: z.array(
          z.object({ id: z.string().transform(asClientId), organisation: z.string().transform(asOrganisationId) }),
        ),
        size: z.number(),
        maxPerOrganisation: z.number().nullable(),
        seed: z.string().transform(asDigest),
        cohort: z.array(z.string()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../oracles/round_seed.json', import.meta.url), 'utf8')));

describe('the largest draw', () => {
  it('counts of each organisation no more than its cap', () => {
    const [a, b] = [asOrganisationId('a'), asOrganisationId('b')];
    expect(largestDraw([a, a, a, b], 2)).toBe(3);
    expect(largestDraw([], 2)).toBe(0);
  });

  it('is what a cohort without a size of its own would hold', () => {
    const eligible = Array.from({ length: 12 }, (_, index) => eligibleAt(index, 2));
    const drawn = selectCohort(eligible, { size: 100, maxPerOrganisation: 2, seed: seedAt(1) });
    expect(drawn.length).toBe(
      largestDraw(
        eligible.map(({ organisation }) => organisation),
        2,
      ),
    );
  });
});

describe('a draw in another language (test/oracles/round_seed.py)', () => {
  it.each(pinned.cohorts)(
    'takes the same cohort of $size, cap $maxPerOrganisation',
    ({ eligible, cohort, ...draw }) => {
      expect(selectCohort(eligible, draw)).toEqual(cohort);
    },
  );
});
