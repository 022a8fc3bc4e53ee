import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ruleFor, type RuleWish } from '../../../server/aggregation/rule-for.ts';
import { tolerated } from '../../../server/aggregation/tolerance.ts';
import { codeOf } from '../../support/refusal-code.ts';

const wish: RuleWish = { name: 'multi-krum', f: 2, cohort: { minimum: 7, size: 20 } };

describe('a federation’s rule', () => {
  it.each(['mean', 'krum', 'multi-krum'])('is %s when it is asked for by that name', (name) => {
    expect(ruleFor({ ...wish, name })).toMatchObject({ kind: 'chosen', rule: { name } });
  });

  it('is looked for under the name given, with what was probably meant', () => {
    expect(ruleFor({ ...wish, name: 'multikrum' })).toMatchObject({
      refusal: { code: 'unknown-rule', found: 'multikrum', hint: 'did you mean "multi-krum"?' },
    });
    for (const name of ['', 'toString', '__proto__', 'Krum'])
      expect(codeOf(ruleFor({ ...wish, name }))).toBe('unknown-rule');
  });

  it.each<[string, Partial<RuleWish>]>([
    ['f between 1 and 2', { f: 1.5 }],
    ['a negative f', { f: -1 }],
    ['f that is no number', { f: NaN }],
    ['m with another rule than multi-krum', { name: 'krum', m: 3 }],
    ['a minimum above the size', { cohort: { minimum: 21, size: 20 } }],
  ])('is refused with %s', (_, changes) => {
    expect(codeOf(ruleFor({ ...wish, ...changes }))).toBe('bad-config');
  });

  it('carries f liars exactly from 2f + 3 clients on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 90 }), (f, minimum) => {
        const outcome = ruleFor({ name: 'krum', f, cohort: { minimum, size: 100 } });
        expect(codeOf(outcome)).toBe(minimum >= 2 * f + 3 ? 'chosen' : 'f-too-large');
      }),
    );
  });

  it('carries a share of liars at every size that a cohort can have, not only at its least and largest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }).map((percent) => percent / 100),
        fc.nat({ max: 20 }),
        fc.nat({ max: 30 }),
        (f, low, span) => {
          const cohort = { minimum: low + 1, size: low + 1 + span };
          const sizes = Array.from({ length: span + 1 }, (_, i) => cohort.minimum + i);
          const carries = sizes.every((size) => size >= 2 * tolerated(f, size) + 3);
          expect(codeOf(ruleFor({ name: 'krum', f, cohort }))).toBe(carries ? 'chosen' : 'f-too-large');
        },
      ),
      { seed: 5, numRuns: 400 },
    );
  });

  it('needs m + f + 2 clients where m is given', () => {
    expect(codeOf(ruleFor({ ...wish, m: 3 }))).toBe('chosen');
    expect(codeOf(ruleFor({ ...wish, m: 4 }))).toBe('f-too-large');
  });

  it('is told what would fit', () => {
    const { refusal } = Object.assign({ refusal: { found: '', hint: '' } }, ruleFor({ ...wish, f: 3 }));
    expect(refusal).toMatchObject({ found: '7', hint: 'the largest f that fits is 2' });
  });
});
