import { describe, expect, it } from 'vitest';
import { ruleFor, type RuleWish } from '../../../server/aggregation/rule-for.ts';
import { ruleNames } from '../../../server/aggregation/rules.ts';
import { tolerated } from '../../../server/aggregation/tolerance.ts';
import { isRefused, type Refusal } from '../../../shared/protocol/refusals.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { fc } from '../../support/properties.ts';

const wish: RuleWish = { name: 'multi-krum', f: 2, cohort: { minimum: 7, size: 20 } };

function refusalOf(changed: RuleWish): Refusal {
  const outcome = ruleFor(changed);
  if (!isRefused(outcome)) throw new Error('expected a refusal');
  return outcome.refusal;
}

describe('a federation’s rule', () => {
  it.each(ruleNames.filter((name) => name !== 'fltrust'))('is %s when it is asked for by that name', (name) => {
    const cohort = { minimum: 11, size: 20 };
    expect(ruleFor({ ...wish, name, cohort })).toMatchObject({ kind: 'chosen', rule: { name } });
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
    ['an option that the rule does not have', { options: { tau: 3 } }],
    ['an option that does not fit', { options: { m: 0 } }],
    ['an unknown stage’s option in front', { pre: [{ name: 'clip', norm: -1 }] }],
    ['a rule that needs a root update', { name: 'fltrust' }],
    ['a minimum above the size', { cohort: { minimum: 21, size: 20 } }],
    ['a quorum above the minimum', { cohort: { minimum: 7, size: 20, quorum: 8 } }],
    ['a negative share of drop-outs', { cohort: { minimum: 7, size: 20, dropOutShare: -0.1 } }],
    ['drop-outs of everybody', { cohort: { minimum: 7, size: 20, dropOutShare: 1 } }],
    ['drop-outs that are no number', { cohort: { minimum: 7, size: 20, dropOutShare: NaN } }],
    ['dishonest organisations without a cap', { f: 0, dishonestOrganisations: 1 }],
    [
      'dishonest organisations under a cap of null',
      { f: 0, dishonestOrganisations: 0, cohort: { ...wish.cohort, maxPerOrganisation: null } },
    ],
    [
      'dishonest organisations and f at once',
      { f: 1, dishonestOrganisations: 1, cohort: { ...wish.cohort, maxPerOrganisation: 1 } },
    ],
    ...[-1, 0.5, NaN].map((g): [string, Partial<RuleWish>] => [
      `${g} dishonest organisations`,
      { f: 0, dishonestOrganisations: g, cohort: { ...wish.cohort, maxPerOrganisation: 1 } },
    ]),
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

  it('needs m + f clients where m is given, and takes m among its options too', () => {
    expect(codeOf(ruleFor({ ...wish, m: 5 }))).toBe('chosen');
    expect(codeOf(ruleFor({ ...wish, m: 6 }))).toBe('f-too-large');
    expect(codeOf(ruleFor({ ...wish, options: { m: 6 } }))).toBe('f-too-large');
  });

  it('is checked as it stands behind what is in front of it', () => {
    const bucketing = { name: 'bucketing', size: 2 };
    const cohort = { minimum: 13, size: 13 };
    expect(codeOf(ruleFor({ ...wish, cohort, pre: [bucketing] }))).toBe('chosen');
    expect(codeOf(ruleFor({ ...wish, cohort: { minimum: 12, size: 13 }, pre: [bucketing] }))).toBe('f-too-large');
    expect(ruleFor({ ...wish, pre: [{ name: 'nmm' }] })).toMatchObject({ refusal: { code: 'unknown-rule' } });
  });

  it('that looks at all subsets is refused cohorts that would take it for ever', () => {
    expect(codeOf(ruleFor({ name: 'mda', f: 2, cohort: { minimum: 7, size: 20 } }))).toBe('chosen');
    const outcome = ruleFor({ name: 'mda', f: 40, cohort: { minimum: 100, size: 200 } });
    expect(outcome).toMatchObject({ refusal: { code: 'f-too-large' } });
  });

  it('is told what would fit', () => {
    const { refusal } = Object.assign({ refusal: { found: '', hint: '' } }, ruleFor({ ...wish, f: 3 }));
    expect(refusal).toMatchObject({ found: '7', hint: 'the largest f that fits is 2' });
  });
});

describe('dishonest organisations', () => {
  it('are carried exactly where as many liars as they can have in a cohort are', () => {
    const few = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(few, few, fc.integer({ min: 1, max: 60 }), (g, cap, minimum) => {
        const cohort = { minimum, size: 60, maxPerOrganisation: cap + 1 };
        const byOrganisation = ruleFor({ name: 'krum', f: 0, dishonestOrganisations: g, cohort });
        expect(codeOf(byOrganisation)).toBe(codeOf(ruleFor({ name: 'krum', f: g * (cap + 1), cohort })));
      }),
    );
  });

  it('that are too many are refused with where f comes from', () => {
    const cohort = { ...wish.cohort, maxPerOrganisation: 2 };
    expect(refusalOf({ ...wish, f: 0, dishonestOrganisations: 2, cohort })).toMatchObject({
      code: 'f-too-large',
      expected: expect.stringContaining('f = 4'),
      hint: 'the largest f that fits is 2; f is 2 dishonest organisations x at most 2 clients of each',
    });
  });

  it('leave f as it is given where there are none to count', () => {
    expect(refusalOf({ ...wish, f: 3 }).hint).toBe('the largest f that fits is 2');
  });
});

describe('expected drop-outs', () => {
  const whole = fc.integer({ min: 0, max: 10 });
  const share = fc.integer({ min: 0, max: 45 }).map((percent) => percent / 100);
  const wishes = fc.record({
    f: fc.oneof(whole, share),
    percent: fc.integer({ min: 0, max: 80 }),
    minimum: fc.integer({ min: 1, max: 50 }),
    span: fc.nat({ max: 20 }),
    quorum: fc.integer({ min: 1, max: 50 }),
  });

  it('leave at every size of cohort what the rule needs for its f, and the quorum, or are refused', () => {
    fc.assert(
      fc.property(wishes, ({ f, percent, minimum, span, quorum }) => {
        fc.pre(quorum <= minimum);
        const sizes = Array.from({ length: span + 1 }, (_, i) => minimum + i);
        const carries = sizes.every((size) => {
          const left = size - Math.ceil((percent * size) / 100);
          return left >= Math.max(quorum, 2 * tolerated(f, size) + 3);
        });
        const cohort = { minimum, size: minimum + span, quorum, dropOutShare: percent / 100 };
        expect(codeOf(ruleFor({ name: 'krum', f, cohort }))).toBe(carries ? 'chosen' : 'f-too-large');
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it('that leave too few are refused with the largest f and the least cohort, and each of them is taken', () => {
    const cohort = { minimum: 9, size: 20, dropOutShare: 0.3 };
    expect(refusalOf({ ...wish, cohort, f: 3 })).toEqual({
      code: 'f-too-large',
      message: 'the drop-outs that the federation expects leave too few updates for f and the quorum',
      expected: 'at least 9 updates for multi-krum with f = 3',
      found: '6 of 9 clients after 3 drop-outs',
      hint: 'the largest f that fits is 1; or offer rounds to at least 13 clients',
    });
    expect(codeOf(ruleFor({ ...wish, cohort, f: 1 }))).toBe('chosen');
    expect(codeOf(ruleFor({ ...wish, cohort, f: 2 }))).toBe('f-too-large');
    expect(codeOf(ruleFor({ ...wish, cohort: { ...cohort, minimum: 13 }, f: 3 }))).toBe('chosen');
    expect(codeOf(ruleFor({ ...wish, cohort: { ...cohort, minimum: 12 }, f: 3 }))).toBe('f-too-large');
  });

  it('are answered with a hint that holds, whatever is asked', () => {
    const hinted = /^(?:the largest f that fits is (\d+))?(?:; or )?(?:offer rounds to at least (\d+) clients)?$/;
    fc.assert(
      fc.property(wishes, ({ f, percent, minimum, span, quorum }) => {
        fc.pre(quorum <= minimum);
        const cohort = { minimum, size: minimum + span, quorum, dropOutShare: percent / 100 };
        const outcome = ruleFor({ name: 'krum', f, cohort });
        fc.pre(isRefused(outcome) && outcome.refusal.message.startsWith('the drop-outs'));
        const [, largest, least] = hinted.exec(isRefused(outcome) ? (outcome.refusal.hint ?? '') : '') ?? [];
        expect(largest ?? least).toBeDefined();
        if (largest !== undefined) {
          expect(codeOf(ruleFor({ name: 'krum', f: Number(largest), cohort }))).toBe('chosen');
          const next = ruleFor({ name: 'krum', f: Number(largest) + 1, cohort });
          if (f >= 1) expect(codeOf(next)).toBe('f-too-large');
        }
        if (least === undefined) return;
        const [offered, kept] = [Number(least), f < 1 ? 0 : f];
        const from = (size: number) => ({ ...cohort, minimum: size, size: size + span });
        expect(codeOf(ruleFor({ name: 'krum', f: kept, cohort: from(offered) }))).toBe('chosen');
        expect(codeOf(ruleFor({ name: 'krum', f: kept, cohort: from(offered - 1) }))).not.toBe('chosen');
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('count against the quorum of the mean too', () => {
    const cohort = { minimum: 10, size: 12, quorum: 8, dropOutShare: 0.3 };
    expect(refusalOf({ name: 'mean', f: 0, cohort })).toMatchObject({
      code: 'f-too-large',
      hint: 'offer rounds to at least 12 clients',
    });
    expect(codeOf(ruleFor({ name: 'mean', f: 0, cohort: { ...cohort, minimum: 12 } }))).toBe('chosen');
  });

  it('may be nearly everybody where cohorts are large, and are answered at once', () => {
    const cohort = { minimum: 7, size: 10_000, dropOutShare: 0.999_999_999_999 };
    expect(refusalOf({ ...wish, f: 2, cohort }).hint).toMatch(/^offer rounds to at least \d+ clients$/);
  });
});
