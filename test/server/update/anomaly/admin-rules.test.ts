import { describe, expect, it, vi } from 'vitest';
import {
  type AdminRule,
  type AdminRules,
  type FiredRule,
  parseAdminRules,
} from '../../../../server/update/anomaly/admin-rules.ts';
import { figureNames } from '../../../../server/update/anomaly/figure-names.ts';
import { accepted, isRefused, type Refusal } from '../../../../shared/protocol/refusals.ts';
import { fc } from '../../../support/properties.ts';

const loads = vi.hoisted(() => ({ of: 0 }));
vi.mock('mathjs/number', async (original) => {
  loads.of++;
  return await original();
});

const flagging = (when: string): AdminRule[] => [{ name: 'mine', when, action: 'flag' }];
const rulesOf = async (when: string): Promise<AdminRules> => accepted(await parseAdminRules(flagging(when)));

async function refusalOf(rules: readonly AdminRule[]): Promise<Refusal> {
  const outcome = await parseAdminRules(rules);
  if (!isRefused(outcome)) throw new Error('the rules were accepted');
  expect(outcome.refusal.code).toBe('bad-config');
  return outcome.refusal;
}

type Figures = Record<string, number | null>;

async function fired(when: string, figures: Figures): Promise<readonly FiredRule[]> {
  return (await rulesOf(when)).judge(figures);
}

/** 'fires', 'rests' or 'fails'. */
async function outcomeOf(when: string, figures: Figures): Promise<string> {
  const [first] = await fired(when, figures);
  if (!first) return 'rests';
  return first.failed === undefined ? 'fires' : 'fails';
}

describe('without rules', () => {
  it('nothing is loaded and nothing fires', async () => {
    const rules = accepted(await parseAdminRules([]));
    expect(rules.judge({ normZ: 100 })).toEqual([]);
    expect(loads.of).toBe(0);
  });
});

describe('a rule', () => {
  it('fires with its name and action, in the order of the list', async () => {
    const rules = accepted(
      await parseAdminRules([
        { name: 'far-2', when: 'normZ > 6 or cosineToMedian < -0.2', action: 'quarantine' },
        { name: 'never', when: 'false', action: 'quarantine' },
        { name: 'big', when: 'normL2 > 2 * maxAbsolute', action: 'flag' },
      ]),
    );
    expect(rules.judge({ normZ: 1, cosineToMedian: -0.3, normL2: 5, maxAbsolute: 1 })).toEqual([
      { name: 'far-2', action: 'quarantine' },
      { name: 'big', action: 'flag' },
    ]);
    expect(rules.judge({ normZ: 1, cosineToMedian: 0.3, normL2: 1, maxAbsolute: 1 })).toEqual([]);
  });

  it.each(Object.keys(figureNames))('may name %s', async (name) => {
    expect(await outcomeOf(`${name} == 3`, { [name]: 3 })).toBe('fires');
    expect(await outcomeOf(`${name} == 3`, { [name]: 4 })).toBe('rests');
  });

  it.each([
    ['n + 2 * 3 == 11', true],
    ['n - 1 - 1 == 3', true],
    ['-n ^ 2 == -25', true],
    ['n / 2 == 2.5', true],
    ['n < 5', false],
    ['n <= 5', true],
    ['n > 5', false],
    ['n >= 5', true],
    ['n != 5', false],
    ['true and false', false],
    ['true or false and false', true],
    ['not (n > 5)', true],
    ['abs(-n) == 5', true],
    ['sqrt(n + 4) == 3', true],
    ['log(exp(2)) == 2', true],
    ['min(n, 7, 6) == 5', true],
    ['max(n, 7, 6) == 7', true],
    ['(n > 4 ? 1 : 2) == 1', true],
    ['n > 5 ? true : n == 5', true],
    ['n > 5 ? true : (n > 4 ? false : true)', false],
    ['n == 5 # a comment', true],
    // Exact: mathjs itself takes these for equal.
    ['n == 5 + 1e-14', false],
    ['1 / 0 > n', true],
    ['log(0) < n', true],
  ])('%s, with n = 5, is %s', async (when, holds) => {
    expect(await outcomeOf(when, { n: 5 })).toBe(holds ? 'fires' : 'rests');
  });

  it('computes what JavaScript computes, over random expressions and figures', async () => {
    type Term = { readonly text: string; readonly value: number };
    const calculations: Record<string, (a: number, b: number) => number> = {
      '+': (a, b) => a + b,
      '-': (a, b) => a - b,
      '*': (a, b) => a * b,
      '/': (a, b) => a / b,
    };
    const figures = { normZ: -3.7, signZ: 0.31, n: 7 };
    const leaves = Object.entries({ ...figures, 2: 2, 0.5: 0.5 }).map(([text, value]): Term => ({ text, value }));
    const { number } = fc.letrec<{ number: Term }>((tie) => ({
      number: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        fc.constantFrom(...leaves),
        fc.tuple(tie('number'), fc.constantFrom('+', '-', '*', '/'), tie('number')).map(([a, operator, b]): Term => ({
          text: `(${a.text} ${operator} ${b.text})`,
          value: calculations[operator]?.(a.value, b.value) ?? NaN,
        })),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(number, number, async (a, b) => {
        fc.pre(a.text.length + b.text.length < 200 && !Number.isNaN(a.value) && !Number.isNaN(b.value));
        const outcome = async (operator: string): Promise<boolean> =>
          (await outcomeOf(`${a.text} ${operator} ${b.text}`, figures)) === 'fires';
        expect(await outcome('<')).toBe(a.value < b.value);
        expect(await outcome('==')).toBe(a.value === b.value);
        expect(await outcome('>=')).toBe(a.value >= b.value);
      }),
      { seed: 11, numRuns: 100 },
    );
  });
});

describe('a figure that was not measured', () => {
  it.each(['cosineToPrevious < 0', 'cosineToPrevious >= 0', 'not (cosineToPrevious >= 0)', 'cosineToPrevious != 0'])(
    'does not make "%s" fire',
    async (when) => {
      expect(await outcomeOf(when, { cosineToPrevious: null })).toBe('rests');
      expect(await outcomeOf(when, {})).toBe('rests');
    },
  );

  it.each([
    ['normZ > 6 or cosineToPrevious < 0', 'fires'],
    ['cosineToPrevious < 0 or normZ > 6', 'fires'],
    ['normZ > 6 and cosineToPrevious < 0', 'rests'],
    ['not (normZ < 6 and cosineToPrevious < 0)', 'fires'],
    ['not (normZ > 6 and cosineToPrevious < 0)', 'rests'],
    ['not (normZ > 6 or cosineToPrevious < 0)', 'rests'],
    ['cosineToPrevious > 0 ? false : true', 'rests'],
    ['cosineToPrevious > 0 ? true : true', 'rests'],
    ['normZ > 6 ? true : cosineToPrevious > 0', 'fires'],
    ['(cosineToPrevious > 0 ? 1 : 2) > 0', 'rests'],
    ['normZ + cosineToPrevious > 0', 'rests'],
    ['max(normZ, cosineToPrevious) > 6', 'rests'],
    ['measured(cosineToPrevious)', 'rests'],
    ['not measured(cosineToPrevious)', 'fires'],
    ['not measured(normZ)', 'rests'],
  ])('leaves a rule undecided only where it decides: %s %s', async (when, outcome) => {
    expect(await outcomeOf(when, { normZ: 7, cosineToPrevious: null })).toBe(outcome);
  });
});

describe('a rule that fails', () => {
  it('flags and says why, also where it was to quarantine', async () => {
    const rules = accepted(await parseAdminRules([{ name: 'root', when: 'sqrt(normZ) > 2', action: 'quarantine' }]));
    expect(rules.judge({ normZ: -1 })).toEqual([
      { name: 'root', action: 'flag', failed: expect.stringContaining('NaN') },
    ]);
    expect(rules.judge({ normZ: 9 })).toEqual([{ name: 'root', action: 'quarantine' }]);
  });

  it('does not hinder the others', async () => {
    const rules = accepted(
      await parseAdminRules(['0 / 0 > 1', 'true'].map((when, i) => ({ name: `r${i}`, when, action: 'flag' }))),
    );
    expect(rules.judge({}).map(({ name }) => name)).toEqual(['r0', 'r1']);
  });

  it.each([
    ['normZ > 6', NaN, 'fails'],
    ['normZ < 6', NaN, 'fails'],
    ['not (normZ > 6)', NaN, 'fails'],
    ['normZ > 6', Infinity, 'fires'],
    ['normZ - normZ == 0', Infinity, 'fails'],
    ['normZ > 0 and log(normZ) > 1', -1, 'rests'],
    ['log(normZ) > 1 and normZ > 0', -1, 'rests'],
    ['normZ < 0 or log(normZ) > 1', -1, 'fires'],
    ['normZ > 0 or log(normZ) > 1', -1, 'fails'],
    ['log(normZ) > 1 ? true : true', -1, 'fails'],
    ['log(normZ) > 1 and signZ > 1', -1, 'fails'],
  ])('%s with %d %s', async (when, normZ, outcome) => {
    expect(await outcomeOf(when, { normZ })).toBe(outcome);
  });

  it('flags where a figure cannot even be read', async () => {
    const broken: Figures = Object.defineProperty({}, 'normZ', {
      get() {
        throw new Error('unreadable');
      },
    });
    expect(await fired('normZ > 6', broken)).toEqual([{ name: 'mine', action: 'flag', failed: 'Error: unreadable' }]);
  });
});

describe('an expression is refused', () => {
  it.each([
    'constructor',
    '__proto__ > 1',
    'toString',
    'hasOwnProperty(1)',
    'constructor("return 1")() > 1',
    'cos.constructor("return 1")() > 1',
    'normZ.constructor > 1',
    'normZ.abs(1) > 0',
    'normZ["abs"](1) > 0',
    'normZ["constructor"] > 1',
    'normZ?.toFixed > 1',
    '"".constructor > 1',
    'import({}) > 1',
    'createUnit("foo") > 1',
    'evaluate("1") > 1',
    'parse("1") > 1',
    'simplify("1") > 1',
    'derivative("x", "x") > 1',
    'resolve("x") > 1',
    'choose(true, true, true)',
    'larger(normZ, 6)',
    'and(true, true)',
    'chain(3) > 1',
    'random() > 1',
    'x = normZ > 6',
    'normZ = 6',
    'f(x) = x > 6',
    'normZ > 6; true',
    'normZ > 6\ntrue',
    '[true]',
    '[normZ, 1] > 1',
    '[[1, 2], [3, 4]] > 1',
    '1:3 > 1',
    '{a: 1} == 1',
    '"a" == "a"',
    '3 cm > 2 cm',
    '2 normZ > 6',
    '2(normZ) > 6',
    '(normZ)(signZ) > 6',
    'normZ signZ > 6',
    '1 < normZ < 6',
    "normZ' > 6",
    'n! > 6',
    'n | 1 > 6',
    '~n > 6',
    'n << 2 > 6',
    'n % 2 == 1',
    'normL2 + 5% > 6',
    'normZ to n > 6',
    '(normZ ?? 1) > 6',
    'normZ .* 2 > 6',
    '+normZ > 6',
    'normZ > 6 xor signZ > 6',
    'normZ > 1e999',
    'normZ > Infinity',
    'normZ != NaN',
    'normZ == null',
    'normZ == undefined',
    'pi > normZ',
    'normZ > i',
    '',
    ' ',
    '(',
    'normZ >',
    '@',
    '# only a comment',
  ])('%j', async (when) => {
    const refusal = await refusalOf(flagging(when));
    expect(refusal.message).toContain('"mine"');
    expect(refusal.expected).toBeTruthy();
    expect(refusal.found).toBeTruthy();
    expect(refusal.hint).toBeTruthy();
  });

  it.each([
    'normZ',
    '6',
    'normZ + 1',
    'abs(normZ)',
    'normZ > 6 ? 1 : 2',
    'normZ > 6 and signZ',
    'not normZ > 6',
    '-(normZ > 6)',
    '(normZ > 6) + 1 > 2',
    '(normZ > 6) == true',
    'normZ ? true : false',
    'measured(normZ > 6)',
    'abs(true) > 1',
    'true > 1',
  ])('for its sorts: %s', async (when) => {
    expect((await refusalOf(flagging(when))).expected).toMatch(/^(a number|a comparison, or true or false)$/);
  });

  it.each(['abs() > 1', 'abs(n, 1) > 1', 'log(n, 2) > 1', 'min() > 1', 'measured()', 'sqrt(1, 2) > 1'])(
    'for its number of arguments: %s',
    async (when) => {
      expect((await refusalOf(flagging(when))).expected).toMatch(/^arguments: /);
    },
  );

  it('with the name that was meant', async () => {
    expect((await refusalOf(flagging('normz > 6'))).hint).toBe('did you mean "normZ"?');
    expect((await refusalOf(flagging('cosinToMedian < 0'))).hint).toBe('did you mean "cosineToMedian"?');
    expect((await refusalOf(flagging('sqr(normZ) > 6'))).hint).toBe('did you mean "sqrt"?');
  });

  it('from 501 characters on', async () => {
    const padded = (length: number): string => `normZ > 6${' '.repeat(length - 9)}`;
    expect(await outcomeOf(padded(500), { normZ: 7 })).toBe('fires');
    expect((await refusalOf(flagging(padded(501)))).expected).toBe('at most 500 characters');
  });

  it('from 101 parts on', async () => {
    // max, its name, its arguments, the comparison, its other side.
    const wide = (parts: number): string =>
      `max(${Array(parts - 4)
        .fill('1')
        .join(',')}) == 1`;
    expect(await outcomeOf(wide(100), {})).toBe('fires');
    expect(await refusalOf(flagging(wide(101)))).toMatchObject({ expected: 'at most 100 parts', found: '101' });
  });

  it('from 21 levels on', async () => {
    const deep = (levels: number): string => `${'('.repeat(levels - 1)}true${')'.repeat(levels - 1)}`;
    expect(await outcomeOf(deep(20), {})).toBe('fires');
    expect((await refusalOf(flagging(deep(21)))).expected).toBe('at most 20 levels');
  });
});

describe('a list of rules', () => {
  const named = (...names: string[]): AdminRule[] => names.map((name) => ({ name, when: 'true', action: 'flag' }));
  const many = (count: number): AdminRule[] => named(...Array.from({ length: count }, (_, i) => `r${i}`));

  it('holds at most 50', async () => {
    expect(accepted(await parseAdminRules(many(50))).judge({})).toHaveLength(50);
    expect((await refusalOf(many(51))).found).toBe('51');
  });

  it.each(['', 'Rule', 'a b', 'a_b', 'é', 'a\n', 'a'.repeat(41)])('refuses the name %j', async (name) => {
    expect((await refusalOf(named('fine', name))).message).toContain(`"${name}"`);
  });

  it('refuses a name given twice', async () => {
    expect((await refusalOf(named('a', 'b', 'a'))).message).toContain('"a"');
  });

  it('is refused for one bad rule, which is named', async () => {
    const rules = [...named('good'), { name: 'bad', when: 'normz > 1', action: 'flag' as const }];
    expect((await refusalOf(rules)).message).toContain('"bad"');
  });
});

describe('whatever is thrown at it', () => {
  const words =
    'constructor __proto__ prototype toString choose measured max sqrt log import and or not true false null';
  const signs = '( ) , + - * / ^ > < >= == != ? : [ ] . = ; " 0 1 6.5 1e308 { }';
  const token = fc.constantFrom(...Object.keys(figureNames), ...words.split(' '), ...signs.split(' '));
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(token, { maxLength: 14 }).map((tokens) => tokens.join(' ')),
  );
  const value = fc.oneof(fc.double(), fc.constant(null));
  const figures = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(figureNames)), fc.string()), value);

  it('answers with a refusal or with rules that judge, and never throws', async () => {
    let judged = 0;
    await fc.assert(
      fc.asyncProperty(texts, figures, async (when, measured) => {
        const rules = await parseAdminRules(flagging(when));
        if (isRefused(rules)) {
          expect(rules.refusal.code).toBe('bad-config');
          return;
        }
        judged++;
        for (const rule of rules.judge(measured)) expect(rule).toMatchObject({ name: 'mine', action: 'flag' });
      }),
      { seed: 12, numRuns: 1_000 },
    );
    expect(judged).toBeGreaterThan(0);
  });

  it('judges any accepted expression and leaves the figures as they were', async () => {
    const { boolean } = fc.letrec<{ boolean: string; number: string }>((tie) => ({
      boolean: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        fc.constantFrom('true', 'false', 'normZ > 6', 'measured(signZ)'),
        fc
          .tuple(tie('number'), fc.constantFrom('<', '>=', '==', '!='), tie('number'))
          .map((parts) => `(${parts.join(' ')})`),
        fc.tuple(tie('boolean'), fc.constantFrom('and', 'or'), tie('boolean')).map((parts) => `(${parts.join(' ')})`),
        tie('boolean').map((text) => `not (${text})`),
      ),
      number: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        fc.constantFrom('normZ', 'signZ', 'n', '0', '3.5'),
        fc.tuple(tie('number'), fc.constantFrom('+', '/', '^'), tie('number')).map((parts) => `(${parts.join(' ')})`),
        tie('number').map((text) => `log(${text})`),
        fc.tuple(tie('boolean'), tie('number'), tie('number')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(boolean, figures, async (when, measured) => {
        const rules = await parseAdminRules(flagging(when));
        if (isRefused(rules)) {
          expect(rules.refusal.expected).toMatch(/^at most /);
          return;
        }
        const before = { ...measured };
        const first = rules.judge(measured);
        expect(first.length).toBeLessThanOrEqual(1);
        expect(rules.judge(measured)).toEqual(first);
        expect({ ...measured }).toEqual(before);
      }),
      { seed: 13, numRuns: 300 },
    );
  });
});
