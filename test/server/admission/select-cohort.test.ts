import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectCohort } from '../../../server/admission/select-cohort.ts';
import { asClientId, type ClientId } from '../../../shared/ids.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';

const clientAt = (index: number): ClientId => asClientId(index.toString(16).padStart(64, '0'));
const presents = fc
  .uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 30 })
  .map((found) => found.map(clientAt));

describe('a cohort', () => {
  it('is everyone present where they fit and else exactly as many as fit, each once, in the order of ids', () => {
    fc.assert(
      fc.property(presents, fc.integer({ min: 1, max: 30 }), fc.nat(), (present, size, seed) => {
        const given = [...present];
        const cohort = selectCohort(present, size, seededRandomSource(seed));
        expect(cohort).toHaveLength(Math.min(size, present.length));
        expect(new Set(cohort).size).toBe(cohort.length);
        expect(cohort.every((client) => present.includes(client))).toBe(true);
        expect([...cohort].sort()).toEqual(cohort);
        expect(present).toEqual(given);
      }),
    );
  });

  it('draws every client equally often, wherever it stands in the list', () => {
    const present = Array.from({ length: 12 }, (_, i) => clientAt(i));
    const random = seededRandomSource(20260301, 'cohorts');
    const [draws, size] = [6_000, 5];
    const times = new Map(present.map((client) => [client, 0]));
    for (let draw = 0; draw < draws; draw++) {
      for (const client of selectCohort(present, size, random)) times.set(client, (times.get(client) ?? 0) + 1);
    }
    const expected = (draws * size) / present.length;
    const deviations = [...times.values()].map((count) => Math.abs(count - expected));
    // Five standard deviations of a binomial.
    expect(Math.max(...deviations)).toBeLessThan(5 * Math.sqrt(expected * (1 - size / present.length)));
  });

  it('draws the same again from the same seed and another from another', () => {
    const present = Array.from({ length: 40 }, (_, i) => clientAt(i));
    const drawn = (seed: number) => selectCohort(present, 10, seededRandomSource(seed));
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });
});
