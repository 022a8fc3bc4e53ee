import { describe, expect, it } from 'vitest';
import { ruleNames } from '../../../server/aggregation/rules.ts';
import { aggregateOf, refusalOf, updatesFile } from '../../support/aggregate-command.ts';
import { runHere } from '../../support/captured-command.ts';
import { P7, V, F4 } from '../../support/published-cohorts.ts';

describe('muster aggregate', () => {
  it('prints who was selected, the scores in the order given, and the certificate, as one object', async () => {
    const report = await aggregateOf({ updates: P7, rule: 'krum', f: 2, m: 1 });
    expect(report).toMatchObject({ rule: 'krum', n: 7, f: 2, m: 1, aggregate: [1, 2], selected: [6] });
    expect(report.scores).toEqual([19, 19, 41, 23, 30, 20, 18]);
    // Without the rows 4 and 5 the mean of the others is [3.4, 4.6].
    expect(report.certificate.exact).toBe(true);
    expect(report.certificate.bound).toBeGreaterThanOrEqual(Math.hypot(3.4 - 1, 4.6 - 2));
    expect(report.explanation.clients[6]).toMatchObject({ client: 6, selected: true, score: 18, rank: 1 });
    expect(report.explanation.variant).toContain('canonical');
  });

  it.each([
    ['P7', P7, ['--rule', 'multi-krum', '--f', '2'], [3.3333333, 4], [0, 1, 6]],
    ['P7, m fixed', P7, ['--rule', 'multi-krum', '--f', '2', '--m', '5'], [3.2, 3.4], [0, 1, 3, 5, 6]],
    ['P7', P7, ['--rule', 'mda', '--f', '2'], [3.4, 4.6], [0, 1, 2, 3, 6]],
    ['P7', P7, ['--rule', 'cge', '--f', '2'], [2.4, 2.2], [0, 3, 4, 5, 6]],
    ['P7', P7, ['--rule', 'krum', '--f', '2', '--option', 'variant=unsquared'], [1, 1], [5]],
    ['P7, mixed', P7, ['--rule', 'trimmed-mean', '--f', '2', '--pre', 'nnm'], [3.0666667, 3.8], null],
    ['V', V, ['--rule', 'median', '--f', '1'], [4, 5, 6], null],
    [
      'V, clipped and mixed',
      V,
      ['--rule', 'trimmed-mean', '--f', '1', '--pre', 'clip:norm=2', '--pre', 'nnm'],
      [0.95841302, 1.14416941, 1.3299258],
      null,
    ],
    ['F4', F4, ['--rule', 'dnc', '--f', '1', '--seed', '7'], [2, 1.6666667, 3], [0, 2, 3]],
    ['F4', F4, ['--rule', 'mean'], [1.25, 2.25, 2], null],
  ])('gives the vector %s by %j', async (_name, updates, flags, aggregate, selected) => {
    const report = await aggregateOf({ updates }, ...flags);
    report.aggregate.forEach((value, k) => expect(value).toBeCloseTo(aggregate[k] ?? NaN, 6));
    expect(report.selected).toEqual(selected);
  });

  it.each(ruleNames)('computes %s', async (rule) => {
    const updates = Array.from({ length: 11 }, (_, i) => [i % 3, 1 + (i % 4), 2]);
    const report = await aggregateOf({ updates, rule, f: 2, reference: [1, 1, 1] }, '--seed', '5');
    expect(report).toMatchObject({ rule, n: 11, f: 2 });
    expect(report.aggregate).toHaveLength(3);
  });

  it('rounds updates to float32', async () => {
    const { aggregate } = await aggregateOf({ updates: [[0.1]], rule: 'mean' });
    expect(aggregate).toEqual([Math.fround(0.1)]);
  });

  it('takes f for 0 where nothing says otherwise', async () => {
    expect(await aggregateOf({ updates: P7, rule: 'krum' })).toMatchObject({ f: 0, m: 1 });
  });

  it('gives m as null where no number of updates is averaged, and selected where nobody is left out', async () => {
    expect(await aggregateOf({ updates: V, rule: 'median' })).toMatchObject({ m: null, selected: null, scores: null });
  });

  it('is the same to the last bit on any number of threads', async () => {
    const updates = Array.from({ length: 9 }, (_, i) => Array.from({ length: 40_000 }, (_v, k) => ((i + 3) * k) % 97));
    const file = updatesFile({ updates, rule: 'krum', f: 2 });
    const one = await runHere('aggregate', '--in', file, '--threads', '1', '--json');
    const two = await runHere('aggregate', '--in', file, '--threads', '2', '--json');
    expect([one.exitCode, two.exitCode, two.stdout === one.stdout]).toEqual([0, 0, true]);
  });
});

describe('ids', () => {
  const equal = { updates: [[1], [1], [5], [1], [1]], rule: 'krum', f: 1 };

  it('decide ties by their UTF-8 bytes, and without ids positions do', async () => {
    expect((await aggregateOf(equal)).selected).toEqual([0]);
    // By UTF-16 code units the emoji comes before U+FF5E, by bytes after it; by locale "a" before "B".
    const ids = ['\u{1f600}', '\uff5e', 'x', 'a', 'B'];
    expect((await aggregateOf({ ...equal, ids })).selected).toEqual(['B']);
    const wide = ['\u{1f600}', '\uff5e', 'z', '\u{1f601}', '\u{1f602}'];
    expect((await aggregateOf({ ...equal, ids: wide })).selected).toEqual(['\uff5e']);
  });

  it('leave scores and clients in the order of the input, whatever their own', async () => {
    const ids = ['g', 'f', 'e', 'd', 'c', 'b', 'a'];
    const report = await aggregateOf({ updates: P7, ids, rule: 'multi-krum', f: 2 });
    expect(report.scores).toEqual([19, 19, 41, 23, 30, 20, 18]);
    expect(report.selected).toEqual(['g', 'f', 'a']);
    expect(report.explanation.clients.map(({ client }) => client)).toEqual(ids);
    expect(report.explanation.clients.map(({ score }) => score)).toEqual(report.scores);
    expect(report.explanation.clients.map(({ selected }) => selected)).toEqual([
      true,
      true,
      ...Array(4).fill(false),
      true,
    ]);
  });

  it('make the order of the updates irrelevant, to the last bit', async () => {
    const updates = P7.map(([x = 0, y = 0]) => [x / 3, y / 7]);
    const ids = ['p', 'q', 'r', 's', 't', 'u', 'v'];
    const turned = (list: readonly unknown[]): unknown[] => [...list.slice(3), ...list.slice(0, 3)];
    for (const rule of ['mean', 'multi-krum', 'geometric-median']) {
      const [one, other] = [
        await aggregateOf({ updates, ids, rule, f: 2 }),
        await aggregateOf({ updates: turned(updates), ids: turned(ids), rule, f: 2 }),
      ];
      expect(other.aggregate).toEqual(one.aggregate);
      expect(other.certificate).toEqual(one.certificate);
    }
  });

  it.each([
    ['twice the same', ['a', 'b', 'a', 'd', 'e'], '"a" more than once'],
    ['too few', ['a', 'b'], 'bad-format'],
    ['numbers', [1, 2, 3, 4, 5], 'ids.0'],
    ['not distinct in UTF-8', ['\ud800', '\ud801', 'c', 'd', 'e'], 'more than once'],
  ])('that are %s are refused', async (_what, ids, told) => {
    const refusal = await refusalOf({ ...equal, ids });
    expect(refusal).toMatch(/^bad-format/);
    expect(refusal).toContain(told);
  });
});

describe('flags', () => {
  it('go before what the file says, key by key', async () => {
    const file = { updates: P7, rule: 'krum', f: 1, options: { variant: 'd4', neighbours: 3 } };
    const report = await aggregateOf(file, '--f', '2', '--option', 'variant=canonical');
    expect(report).toMatchObject({ f: 2, selected: [6], scores: [19, 19, 41, 23, 30, 20, 18] });
    expect(await aggregateOf(file, '--f', '2')).toMatchObject({ selected: [1] });
  });

  it('that name another rule leave behind the options and the m of the file’s own', async () => {
    const file = { updates: P7, rule: 'multi-krum', f: 2, m: 2, options: { variant: 'd4' } };
    expect(await aggregateOf(file)).toMatchObject({ m: 2 });
    expect(await aggregateOf(file, '--rule', 'median')).toMatchObject({ aggregate: [2, 4] });
    expect(await aggregateOf(file, '--rule', 'multi-krum')).toMatchObject({ m: 2 });
    expect(await aggregateOf({ updates: P7, f: 2, m: 2 }, '--rule', 'multi-krum')).toMatchObject({ m: 2 });
  });

  it('with steps take the place of all steps of the file', async () => {
    const file = { updates: P7, rule: 'krum', f: 2, pre: [{ name: 'clip', norm: 1 }, 'nnm'] };
    const { aggregate } = await aggregateOf(file, '--pre', 'nnm');
    expect(aggregate.map((value) => Math.fround(value))).toEqual([Math.fround(3.4), Math.fround(4.6)]);
  });

  it('with a seed take the place of every seed in the file', async () => {
    const updates = Array.from({ length: 16 }, (_, i) => [i * i, i]);
    const pre = [{ name: 'bucketing', size: 2, seed: 1 }];
    const file = { updates, rule: 'median', f: 2, pre };
    const [own, flag] = [await aggregateOf(file), await aggregateOf(file, '--seed', '1')];
    const bySeed = await aggregateOf({ ...file, pre: ['bucketing'] }, '--seed', '1');
    expect(flag.aggregate).toEqual(bySeed.aggregate);
    expect(flag.aggregate).not.toEqual(own.aggregate);
  });
});

describe('steps before the rule', () => {
  it('go from left to right, and have options', async () => {
    const file = { updates: V, rule: 'mean', f: 1 };
    const clippedFirst = await aggregateOf(file, '--pre', 'clip:norm=2', '--pre', 'nnm');
    const mixedFirst = await aggregateOf(file, '--pre', 'nnm', '--pre', 'clip:norm=2');
    expect(clippedFirst.aggregate).not.toEqual(mixedFirst.aggregate);
    const asJson = await aggregateOf({ ...file, pre: [{ name: 'clip', norm: 2 }, 'nnm'] });
    expect(asJson).toEqual(clippedFirst);
  });

  it('draw the same again from the same seed, and each other things', async () => {
    const updates = Array.from({ length: 16 }, (_, i) => [i * i, i]);
    const by = async (...flags: readonly string[]): Promise<readonly number[]> =>
      (await aggregateOf({ updates, rule: 'median', f: 2 }, ...flags)).aggregate;
    expect(await by('--pre', 'bucketing:size=2,seed=7')).toEqual(await by('--pre', 'bucketing:size=2,seed=7'));
    expect(await by('--pre', 'bucketing:seed=7')).not.toEqual(await by('--pre', 'bucketing:seed=8'));
    expect(await by('--pre', 'bucketing:seed=7', '--seed', '8')).toEqual(await by('--pre', 'bucketing:seed=7'));
  });
});

describe('a reference', () => {
  it('is where centered clipping starts, 0 where none is given', async () => {
    const file = { updates: V, rule: 'centered-clipping', f: 1, options: { tau: 1, iterations: 1 } };
    const { aggregate } = await aggregateOf(file);
    [0.408558, 0.559564, 0.71057].forEach((value, k) => expect(aggregate[k]).toBeCloseTo(value, 5));
    expect(await aggregateOf({ ...file, reference: [0, 0, 0] })).toEqual(await aggregateOf(file));
    expect((await aggregateOf({ ...file, reference: [4, 5, 6] })).aggregate).toEqual([4, 5, 6]);
  });

  it('is the root update that FLTrust cannot do without', async () => {
    const file = {
      updates: [
        [2, 0],
        [0, 3],
        [-1, 0],
        [1, 1],
      ],
      rule: 'fltrust',
    };
    const { aggregate, selected } = await aggregateOf({ ...file, reference: [1, 0] });
    expect(aggregate[0]).toBeCloseTo(0.87867966, 6);
    expect(selected).toEqual([0, 3]);
    expect(await refusalOf(file)).toMatch(/^bad-option .*--reference FILE.safetensors/);
  });

  it('whose length no float32 holds makes an aggregate that is refused', async () => {
    const file = { updates: [[1, 0]], rule: 'fltrust', reference: [3e38, 3e38] };
    expect(await refusalOf(file)).toMatch(/^not-finite .*the aggregate.*Infinity at 0/);
  });

  it('that the rule does not take is told to be of no use', async () => {
    const { explanation } = await aggregateOf({ updates: V, rule: 'mean', reference: [1, 2, 3] });
    expect(explanation.warnings.join()).toContain('mean takes none');
  });

  it.each([
    ['too short', [1, 2], 'bad-shape'],
    ['not finite', [1, 2, null], 'not-finite'],
    ['no list', 7, 'bad-format'],
  ])('that is %s is refused', async (_what, reference, code) => {
    expect(await refusalOf({ updates: V, rule: 'mean', reference })).toMatch(new RegExp(`^${code} .*reference`));
  });
});

describe('as text', () => {
  it('says who was selected, how far the honest can be, and every figure of every update', async () => {
    const file = updatesFile({ updates: P7, ids: ['a', 'b', 'c', 'd', 'e', 'f', 'g\u001b[31m'], rule: 'krum', f: 2 });
    const { exitCode, stdout, stderr } = await runHere('aggregate', '--in', file);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^krum \(canonical.*of 7 updates of 2 values, f = 2, m = 1$/m);
    expect(stdout).toMatch(/^ {2}aggregate +\[1, 2\], L2 norm 2\.236068$/m);
    expect(stdout).toMatch(/^ {2}selected +1 of 7$/m);
    expect(stdout).toMatch(/^ {2}certificate +[\d.]+ \(exact\): with at most 2 liars/m);
    expect(stdout).toMatch(/^g\?\[31m +yes +18 +1 +0 +1$/m);
  });

  it('says that there is no certificate where all may lie', async () => {
    const { stdout } = await runHere('aggregate', '--in', updatesFile({ updates: V }), '--rule', 'mean', '--f', '3');
    expect(stdout).toMatch(/^ {2}certificate +none: with 3 liars nobody need be honest$/m);
  });

  it('shortens long vectors and long lists', async () => {
    const updates = Array.from({ length: 60 }, (_, i) => Array.from({ length: 20 }, () => i));
    const { stdout } = await runHere('aggregate', '--in', updatesFile({ updates }), '--rule', 'mean');
    expect(stdout).toContain('[29.5, 29.5, 29.5, 29.5, 29.5, 29.5, 29.5, 29.5, …]');
    expect(stdout).toContain('and 10 more: --json');
  });
});
