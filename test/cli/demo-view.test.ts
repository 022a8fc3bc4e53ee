import { describe, expect, it } from 'vitest';
import { DemoView } from '../../cli/demo-view.ts';
import { asDigest } from '../../shared/ids.ts';
import type { Verdict } from '../../shared/protocol/round-record.ts';
import type { DemoRound } from '../../simulation/demo/demo-history.ts';
import type { DemoSettings } from '../../simulation/demo/demo-settings.ts';
import { capturing } from '../support/captured-command.ts';
import { digestOf, idOf } from '../support/demo-results.ts';
import { record } from '../support/federation-facts.ts';

const settings: DemoSettings = {
  clients: 4,
  byzantine: 1,
  f: 1,
  attack: 'noisy-flip',
  rule: 'multi-krum',
  rounds: 15,
  epsilon: 8,
  seed: 7,
  reproducible: false,
  noiseMultiplier: 1,
};

function verdictOn(id: string, judged: Partial<Verdict>): Verdict {
  const [template] = record(1).verdicts;
  if (!template) throw new Error('expected a verdict to start from');
  return { ...template, client: idOf(id), flags: [], normL2: 14.44, score: 5_800.12, ...judged };
}

const verdicts: readonly Verdict[] = [
  verdictOn('a', {}),
  verdictOn('b', { verdict: 'not-selected', layer: 'rule', flags: ['norm-outlier'] }),
  verdictOn('c', { verdict: 'refused', code: 'noise-missing', layer: 'noise-witness', score: null }),
  verdictOn('d', { verdict: 'refused', code: 'deadline-missed', layer: 'transport', normL2: null, score: null }),
];

const judged: DemoRound = {
  record: { ...record(3), verdicts: [...verdicts] },
  modelDigest: asDigest(digestOf('e')),
  accuracy: 0.874,
  twinAccuracy: 0.043,
};

/** What a view with these settings writes while `act` uses it. */
async function shown(changes: Partial<DemoSettings>, act: (view: DemoView) => Promise<void>): Promise<string> {
  const { stderr } = await capturing(async () => {
    await act(new DemoView({ ...settings, ...changes }, () => Promise.resolve(new Set([idOf('b')]))));
    return 0;
  });
  return stderr;
}

describe('the view of a running demo, where there is no terminal', () => {
  it('has one line a round with both accuracies, and a line with the reason for whoever was left out', async () => {
    const lines = (await shown({}, (view) => view.round(judged))).trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^round {2}3 .* 87\.4 % .*plain mean .* 4\.3 %$/);
    expect(lines[1]).toMatch(
      /bbbbbbbb {2}attacker {2}not selected, score 5800\.1 {2}norm 14\.4 {2}flagged norm-outlier/,
    );
    expect(lines[2]).toMatch(/✗ cccccccc {2}honest +noise-missing: the update does not hold/);
    expect(lines[3]).toMatch(/✗ dddddddd {2}honest +deadline-missed: no whole update arrived[^,]*$/);
  });

  it('says when a round was abandoned', async () => {
    const abandoned = { ...judged, record: { ...judged.record, state: 'abandoned' } } as const;
    expect(await shown({}, (view) => view.round(abandoned))).toContain('abandoned');
  });

  it('begins with what is about to happen', async () => {
    const nothing = (): Promise<void> => Promise.resolve();
    const first = await shown({}, nothing);
    for (const fact of ['4 clients', '1 of them attacks (noisy-flip)', 'multi-krum', '15 rounds', 'seed 7']) {
      expect(first).toContain(fact);
    }
    expect(await shown({ attack: 'none' }, nothing)).toContain('nobody attacks');
    expect(first).not.toContain('void');
    expect(await shown({ reproducible: true }, nothing)).toContain('privacy is void');
  });

  it('moves no cursor', async () => {
    const text = await shown({}, async (view) => {
      view.phase('starting');
      view.trained(1);
      await view.round(judged);
      view.close();
    });
    expect(text).not.toContain('\r');
  });
});
