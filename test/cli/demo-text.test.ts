import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { demoText } from '../../cli/demo-text.ts';
import type { DemoClientResult, DemoResult } from '../../simulation/demo/demo-result.ts';
import { demoClient, demoResultOf, demoRound } from '../support/demo-results.ts';
import { fc } from '../support/properties.ts';

const textOf = (result: DemoResult): string => stripVTControlCharacters(demoText(result));

/** Cells of the table row that begins with `head`, as numbers. */
function countsOf(text: string, head: string): readonly number[] {
  const row = text.split('\n').find((line) => line.startsWith(head)) ?? '';
  return row.slice(head.length).trim().split(/\s+/).map(Number);
}

const layers = ['integrity', 'anomaly', 'noise-witness', 'rule', 'transport', 'admission', null] as const;
const fate: fc.Arbitrary<Partial<DemoClientResult>> = fc
  .record({ byzantine: fc.boolean(), stopped: fc.boolean(), layer: fc.constantFrom(...layers), flagged: fc.boolean() })
  .map(({ byzantine, stopped, layer, flagged }) => ({
    byzantine,
    verdict: stopped ? ('refused' as const) : ('selected' as const),
    layer: stopped ? layer : null,
    flags: flagged ? ['norm-outlier'] : [],
  }));

describe('the table of what stopped whom', () => {
  it('adds up: every update was stopped in one column or not at all', () => {
    fc.assert(
      fc.property(fc.array(fate, { minLength: 1, maxLength: 12 }), (fates) => {
        const clients = fates.map((each, i) => demoClient(each.byzantine === true ? 'b' : (i % 10).toString(), each));
        const text = textOf(demoResultOf([demoRound(1, clients)]));
        const honest = countsOf(text, 'honest clients, together');
        const attackers = clients.some(({ byzantine }) => byzantine) ? countsOf(text, 'attacker bbbbbbbb') : [0];
        for (const [offered = 0, _flagged, ...fatesOfThem] of [honest, attackers]) {
          expect(fatesOfThem.reduce((sum, count) => sum + count, 0)).toBe(offered);
        }
        expect((honest[0] ?? 0) + (attackers[0] ?? 0)).toBe(clients.length);
        const taken = clients.filter(({ selected }) => selected).length;
        expect((honest.at(-1) ?? 0) + (attackers.at(-1) ?? 0)).toBe(taken);
      }),
      { seed: 3, numRuns: 50 },
    );
  });

  it('has a row for each attacker over all rounds, and names what each code means', () => {
    const liar = { byzantine: true, verdict: 'refused', code: 'noise-missing', layer: 'noise-witness' } as const;
    const round = (number: number) =>
      demoRound(number, [demoClient('a'), demoClient('b', liar), demoClient('c', liar)]);
    const text = textOf(demoResultOf([round(1), round(2)]));
    // offered, flagged, integrity, anomaly, noise-witness, rule, elsewhere, not stopped
    expect(countsOf(text, 'attacker bbbbbbbb')).toEqual([2, 0, 0, 0, 2, 0, 0, 0]);
    expect(countsOf(text, 'attacker cccccccc')).toEqual([2, 0, 0, 0, 2, 0, 0, 0]);
    expect(countsOf(text, 'honest clients, together')).toEqual([2, 0, 0, 0, 0, 0, 0, 2]);
    expect(text).toContain('noise-missing: the update does not hold the declared privacy noise');
  });
});

describe('what falls short', () => {
  it('is said when attackers were selected', () => {
    const rounds = [demoRound(1, [demoClient('a'), demoClient('b', { byzantine: true })])];
    expect(textOf(demoResultOf(rounds, { attack: 'label-flip' }))).toContain('1 of 1 attacking updates were selected');
    expect(textOf(demoResultOf([demoRound(1, [demoClient('a')])]))).not.toContain('attacking updates');
  });

  it.each([
    ['krum', 'forwards one client’s update with all of its privacy noise'],
    ['mean', 'tolerates no liar'],
  ])('is said of %s', (rule, remark) => {
    const rounds = [demoRound(1, [demoClient('a')])];
    expect(textOf(demoResultOf(rounds, { rule }))).toContain(remark);
    expect(textOf(demoResultOf(rounds))).not.toContain(remark);
  });

  it('is said of an abandoned round and of a folder without rounds', () => {
    const abandoned = { ...demoRound(1, [demoClient('a')]), state: 'abandoned' } as const;
    expect(textOf(demoResultOf([abandoned]))).toMatch(/1 .* 87\.4 % .* 4\.3 %\s+abandoned/);
    expect(textOf(demoResultOf([]))).toBe('No round has been run.');
  });
});

describe('privacy and what is next', () => {
  const rounds = [demoRound(1, [demoClient('a')])];

  it('gives epsilon with delta, adjacency, unit and the whole history', () => {
    const text = textOf(demoResultOf(rounds));
    for (const part of ['epsilon 3.250', 'delta 0.0001', 'add-remove', 'one example', 'over its one round']) {
      expect(text).toContain(part);
    }
  });

  it('gives no epsilon for seeded noise', () => {
    const text = textOf(demoResultOf(rounds, { privacyVoid: true, epsilon: null }));
    expect(text).toContain('privacy void');
    expect(text).not.toMatch(/epsilon \d/);
  });

  it('says where everything lies and what to try, never what has just been run', () => {
    const text = textOf(demoResultOf(rounds, { attack: 'noiseless-flip', rule: 'krum' }));
    expect(text).toContain('muster -- rounds --dir /somewhere/demo');
    expect(text).not.toContain('--attack noiseless-flip');
    expect(text).not.toContain('--rule krum');
  });
});
