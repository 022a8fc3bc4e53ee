import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { DEMO_DELTA, type DemoSettings, settingsFile } from '../../../simulation/demo/demo-settings.ts';
import { type DemoWish, resolveSettings } from '../../../simulation/demo/resolve-settings.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const founded = async (wish: DemoWish): Promise<DemoSettings> =>
  accepted(await resolveSettings(temporaryFolder(), wish, 7)).settings;

async function folderOf(wish: DemoWish): Promise<string> {
  const dir = temporaryFolder();
  writeFileSync(settingsFile(dir), JSON.stringify(await founded(wish)));
  return dir;
}

describe('the settings of a new demo', () => {
  it('take f from the number of attackers unless it is asked for, and count a share of the clients up', async () => {
    expect((await founded({ byzantine: 3 })).f).toBe(3);
    expect((await founded({ byzantine: 3, f: 5 })).f).toBe(5);
    expect((await founded({ f: 0.21 })).f).toBe(5);
  });

  it('take the seed that was asked for, else the one given', async () => {
    expect((await founded({})).seed).toBe(7);
    expect((await founded({ seed: 0 })).seed).toBe(0);
  });

  it('calibrate the noise so that all rounds together stay within the budget', async () => {
    const { noiseMultiplier, rounds, epsilon } = await founded({ rounds: 6, epsilon: 3 });
    const spent = epsilonOf(
      [{ noiseMultiplier: noiseMultiplier ?? 0, samplingRate: 0.1, steps: 10 * rounds }],
      DEMO_DELTA,
    );
    expect(spent).toBeLessThanOrEqual(epsilon);
    expect(spent).toBeGreaterThan(0.99 * epsilon);
  });

  it.each([
    [{ rule: 'krumm' }, 'unknown-rule'],
    [{ f: 9 }, 'f-too-large'],
    [{ clients: 3, byzantine: 4, f: 0 }, 'bad-option'],
  ])('are refused before anything starts: %o', async (wish, code) => {
    expect(await resolveSettings(temporaryFolder(), wish, 1)).toMatchObject({ kind: 'refused', refusal: { code } });
  });

  it('do not found a demo in a folder that holds another federation', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'muster.sqlite'), '');
    expect(await resolveSettings(dir, {}, 1)).toMatchObject({ refusal: { code: 'folder-mismatch' } });
  });
});

describe('the settings of a folder that exists', () => {
  it('stay, the noise included, and may be named again', async () => {
    const dir = await folderOf({ rounds: 3, seed: 5 });
    const again = accepted(await resolveSettings(dir, { seed: 5, rounds: 3 }, 99)).settings;
    expect(again).toEqual(await founded({ rounds: 3, seed: 5 }));
  });

  it.each([
    { seed: 6 },
    { clients: 21 },
    { byzantine: 1 },
    { f: 3 },
    { attack: 'nan' as const },
    { rule: 'krum' },
    { reproducible: true },
  ])('are refused where they differ: %o', async (wish) => {
    const dir = await folderOf({ rounds: 3, seed: 5 });
    expect(await resolveSettings(dir, wish, 1)).toMatchObject({ refusal: { code: 'folder-mismatch' } });
  });

  it('take more rounds only with a budget that pays for them, under the noise they have', async () => {
    const dir = await folderOf({ rounds: 3, epsilon: 8 });
    const refused = await resolveSettings(dir, { rounds: 5 }, 1);
    expect(refused).toMatchObject({
      refusal: { code: 'budget-exhausted', hint: expect.stringMatching(/--epsilon \d/) },
    });
    const hinted = Number(/--epsilon ([\d.]+)/.exec(JSON.stringify(refused))?.[1]);
    const raised = accepted(await resolveSettings(dir, { rounds: 5, epsilon: hinted }, 1)).settings;
    expect(raised).toMatchObject({ rounds: 5, noiseMultiplier: (await founded({ rounds: 3 })).noiseMultiplier });
  });
});
