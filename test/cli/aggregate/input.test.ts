import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { MAX_JSON_BYTES, readAll } from '../../../cli/aggregate/sources.ts';
import { RefusedError } from '../../../shared/protocol/refusals.ts';
import { aggregateOf, refusalFrom, refusalOf, updatesFile } from '../../support/aggregate-command.ts';
import { P7 } from '../../support/published-cohorts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const mean = { rule: 'mean' };

describe('updates', () => {
  it.each([
    ['of unequal length', '[[1, 2], [3]]', 'bad-shape', '1 in updates[1]'],
    ['without a value', '[[], []]', 'bad-shape', 'an update holds no values | at least 1 value | 0 in updates[0]'],
    ['with null', '[[1, 2], [3, null]]', 'not-finite', 'null at updates[1][1]'],
    ['beyond float64', '[[1e999]]', 'not-finite', 'Infinity at updates[0][0]'],
    ['below float64', '[[-1e999]]', 'not-finite', '-Infinity at updates[0][0]'],
    ['beyond float32', '[[0], [3.5e38]]', 'not-finite', '3.5e+38 at updates[1][0]'],
    ['with NaN as text', '[["NaN"]]', 'not-finite', 'NaN at updates[0][0]'],
    ['with infinity as text', '[["-inf"]]', 'not-finite', '-inf at updates[0][0]'],
    ['with bare NaN, as Python writes it', '[[1, NaN]]', 'not-finite', 'NaN'],
    ['with bare infinity', '[[-Infinity, 1]]', 'not-finite', 'Infinity'],
    ['with text', '[["1"]]', 'bad-format', 'string at updates[0][0]'],
    ['with true', '[[true]]', 'bad-format', 'boolean at updates[0][0]'],
    ['with an object', '[[{}]]', 'bad-format', 'object at updates[0][0]'],
    ['with a list too deep', '[[[1]]]', 'bad-format', 'a list at updates[0][0]'],
    ['of numbers alone', '[1, 2]', 'bad-format', 'number at updates[0]'],
    ['that are null', '[null]', 'bad-format', 'null at updates[0]'],
    ['that are no list', '{"0": [1]}', 'bad-format', 'list of lists'],
    ['that are none', '[]', 'cohort-too-small', 'an empty list of updates'],
  ])('%s are refused', async (_what, updates, code, told) => {
    const refusal = await refusalOf(`{"rule": "mean", "updates": ${updates}}`);
    expect(refusal).toMatch(new RegExp(`^${code} `));
    expect(refusal).toContain(told);
  });

  it('too few for f are refused, whatever the rule', async () => {
    expect(await refusalOf({ updates: P7, rule: 'krum', f: 3 })).toMatch(/^cohort-too-small .*at least 9 updates.* 7/);
    expect(await refusalOf({ updates: P7, rule: 'bulyan', f: 2 })).toMatch(/^cohort-too-small .*at least 11 updates/);
    expect(await refusalOf({ updates: P7, rule: 'mean', f: 8 })).toMatch(/^cohort-too-small /);
    expect(await refusalOf({ updates: P7, rule: 'krum', f: 2 ** 50, pre: ['nnm'] })).toMatch(/^cohort-too-small /);
    // What the rule needs, and not only that there are fewer updates than liars.
    expect(await refusalOf({ updates: P7, rule: 'krum', f: 9 })).toMatch(/at least 21 updates for krum with f = 9/);
    expect(await refusalOf({ updates: P7, rule: 'mda', f: 40 })).toMatch(/^f-too-large .*f <= 32/);
    expect(await refusalOf({ updates: P7, rule: 'mda', f: 40, pre: ['nnm'] })).toMatch(
      /^cohort-too-small .*an f that some number of updates can carry/,
    );
  });

  it('as large as a float32 can be are taken', async () => {
    const { aggregate } = await aggregateOf({ ...mean, updates: [[3.4028234e38], [-3.4028234e38]] });
    expect(aggregate).toEqual([0]);
  });
});

describe('a file', () => {
  it.each([
    ['no JSON', 'updates'],
    ['nothing', ''],
    ['a list', '[[1, 2]]'],
    ['null', 'null'],
    ['a list that never ends', '['.repeat(100_000)],
  ])('that holds %s is refused', async (_what, text) => {
    expect(await refusalOf(text)).toMatch(/^bad-format .*"updates"/);
  });

  it('that is not UTF-8 is refused', async () => {
    const file = join(temporaryFolder(), 'updates.json');
    writeFileSync(file, Buffer.from('{"updates": [[1]], "rule": "mean", "ids": ["\xff"]}', 'latin1'));
    expect(await refusalFrom('--in', file)).toMatch(/^bad-format /);
  });

  it('without updates is refused', async () => {
    expect(await refusalOf(mean)).toMatch(/^bad-format .*list of lists/);
  });

  it.each([
    ['updtaes', 'did you mean "updates"?'],
    ['id', 'did you mean "ids"?'],
    ['refrence', 'did you mean "reference"?'],
  ])('with the unknown key %s is refused with the nearest known one', async (key, hint) => {
    const refusal = await refusalOf({ ...mean, updates: [[1]], [key]: [] });
    expect(refusal).toMatch(new RegExp(`^bad-format .*\\| ${key} \\|`));
    expect(refusal).toContain(hint);
  });

  it('with a key that objects inherit is refused like any other', async () => {
    expect(await refusalOf('{"updates": [[1]], "rule": "mean", "__proto__": {}}')).toMatch(/^bad-format .*__proto__/);
    expect(await refusalOf('{"updates": [[1]], "rule": "mean", "constructor": 1}')).toMatch(
      /^bad-format .*constructor/,
    );
  });

  it.each([
    ['f', { f: -1 }],
    ['f', { f: 0.2 }],
    ['f', { f: '2' }],
    ['m', { m: 0 }],
    ['seed', { seed: -1 }],
    ['pre', { pre: 'nnm' }],
    ['pre.0', { pre: [7] }],
    ['pre.0', { pre: [{ norm: 2 }] }],
    ['options', { options: [] }],
    ['options', { options: null }],
    ['rule', { rule: 7 }],
  ])('whose %s does not fit is refused', async (place, wrong) => {
    const refusal = await refusalOf({ ...mean, updates: [[1]], ...wrong });
    expect(refusal).toMatch(/^bad-option /);
    expect(refusal).toContain(`"${place}"`);
  });

  it('is refused with the value that does not fit beside what is expected', async () => {
    expect(await refusalOf({ ...mean, updates: [[1]], f: '2' })).toContain('| number | "2" |');
    expect(await refusalOf({ ...mean, updates: [[1]], pre: 'nnm' })).toContain('| array | "nnm" |');
  });

  it('may hold null for what it leaves out', async () => {
    const left = { ids: null, m: null, reference: null };
    expect(await aggregateOf({ ...mean, ...left, updates: [[1]] })).toMatchObject({ aggregate: [1] });
  });

  it('that is not there, or is larger than can be taken, is refused', async () => {
    expect(await refusalFrom('--in', join(temporaryFolder(), 'nothing.json'))).toMatch(/^bad-option .*cannot be read/);
    const file = updatesFile('{}');
    truncateSync(file, MAX_JSON_BYTES + 1);
    expect(await refusalFrom('--in', file)).toMatch(/^bad-option .*too large/);
    const stream = (): Readable => Readable.from([Buffer.from('ab'), Buffer.from('cd')]);
    expect(Buffer.from(await readAll(stream(), 4)).toString()).toBe('abcd');
    await expect(readAll(stream(), 3)).rejects.toThrow(RefusedError);
  });
});

describe('a rule', () => {
  const updates = P7;

  it('has to be named, and known', async () => {
    expect(await refusalOf({ updates })).toMatch(/^bad-option .*no rule is named.*krum/);
    expect(await refusalOf({ updates, rule: 'multikrum' })).toMatch(/^unknown-rule .*did you mean "multi-krum"/);
    expect(await refusalOf({ updates }, '--rule', 'krumm')).toMatch(/^unknown-rule .*did you mean krum/);
  });

  it.each([
    ['unknown', { rule: 'krum', options: { varient: 'd4' } }, 'did you mean "variant"?'],
    ['inherited', { rule: 'krum', options: { toString: 1 } }, 'toString'],
    ['of another rule', { rule: 'median', options: { tau: 1 } }, 'no options of median'],
    ['of a value that does not fit', { rule: 'centered-clipping', options: { tau: 'far' } }, 'tau'],
    ['an m that it does not take', { rule: 'mean', m: 2 }, 'm'],
    ['an m that is not Krum’s', { rule: 'krum', m: 2 }, 'm'],
    ['a seed where it draws nothing', { rule: 'krum', options: { seed: 1 } }, 'seed'],
  ])('with an option that is %s is refused', async (_what, wish, told) => {
    const refusal = await refusalOf({ updates, ...wish });
    expect(refusal).toMatch(/^bad-option /);
    expect(refusal).toContain(told);
  });

  it.each(['dnc', 'sign-guard'])(
    '%s is refused without a seed, and takes it from a flag, the file or its options',
    async (rule) => {
      const file = { updates, rule, f: 1 };
      expect(await refusalOf(file)).toMatch(new RegExp(`^bad-option .*${rule} draws.*--seed`));
      const bySeed = await aggregateOf(file, '--seed', '3');
      expect(await aggregateOf({ ...file, seed: 3 })).toEqual(bySeed);
      expect(await aggregateOf({ ...file, options: { seed: 3 } })).toEqual(bySeed);
      expect(await aggregateOf(file, '--option', 'seed=3')).toEqual(bySeed);
      for (const seed of ['x', 1.5, -1])
        expect(await refusalOf({ ...file, options: { seed } })).toMatch(/^bad-option .*a whole number/);
    },
  );
});

describe('a step before it', () => {
  const file = { updates: P7, rule: 'median', f: 1 };

  it.each([
    ['unknown', ['nmm'], 'unknown-rule', 'did you mean "nnm"?'],
    ['with an unknown option', [{ name: 'clip', nrom: 2 }], 'bad-option', 'did you mean "norm"?'],
    ['without the option that it needs', ['clip'], 'bad-option', 'norm'],
    ['with a seed where it draws nothing', [{ name: 'nnm', seed: 1 }], 'bad-option', 'seed'],
    ['without the seed that it draws from', ['bucketing'], 'bad-option', 'bucketing draws'],
  ])('that is %s is refused', async (_what, pre, code, told) => {
    const refusal = await refusalOf({ ...file, pre });
    expect(refusal).toMatch(new RegExp(`^${code} `));
    expect(refusal).toContain(told);
  });

  it('leaves too few rows for f where it takes means of many', async () => {
    const refusal = await refusalOf(file, '--pre', 'bucketing:size=4,seed=1');
    expect(refusal).toMatch(/^cohort-too-small /);
  });

  it.each(['clip:norm', 'clip:norm=', 'clip:=2', 'clip:'])('written as %s is refused', async (step) => {
    expect(await refusalOf(file, '--pre', step)).toMatch(/^bad-option .*KEY=VALUE/);
  });
});

describe('an option on the command line', () => {
  it('is a number, true or false, or a word', async () => {
    const file = { updates: P7, rule: 'krum', f: 2 };
    expect(await aggregateOf(file, '--option', 'neighbours=4')).toMatchObject({ selected: [0] });
    expect(await aggregateOf(file, '--option', 'variant=d4')).toMatchObject({ selected: [1] });
    expect(await refusalOf(file, '--option', 'neighbours=true')).toMatch(/^bad-option .*number \| true/);
    expect(await refusalOf(file, '--option', 'neighbours')).toMatch(/^bad-option .*KEY=VALUE/);
    const smooth = { updates: P7, rule: 'geometric-median', f: 2 };
    expect(await aggregateOf(smooth, '--option', 'nu=1e-1')).toMatchObject({ n: 7 });
    expect(await refusalOf(smooth, '--option', 'nu=-1')).toMatch(/^bad-option .*nu/);
  });

  it.each([
    ['--f', '-1'],
    ['--f', '0.5'],
    ['--m', '0'],
    ['--seed', 'x'],
    ['--threads', '0'],
    ['--threads', '65'],
  ])('%s does not take %s', async (flag, value) => {
    expect(await refusalOf({ updates: P7, rule: 'krum' }, `${flag}=${value}`)).toMatch(/^bad-option /);
  });
});
