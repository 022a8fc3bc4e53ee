// What a person asked for + what the folder holds already -> the settings of the run, or a refusal before anything is
// started. A new folder takes everything; one that exists takes a new total of rounds and a new budget, nothing else.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { tolerated } from '../../server/aggregation/tolerance.ts';
import { budgetComplaint } from '../../server/privacy/planned-budget.ts';
import { vetConfig } from '../../server/vet-config.ts';
import { type DemoSettings, demoFederation, noiseMultiplierOf, readDemoSettings } from './demo-settings.ts';

/** Only what was asked for in so many words. */
export type DemoWish = Partial<Omit<DemoSettings, 'noiseMultiplier'>>;

export interface ResolvedSettings {
  readonly kind: 'resolved';
  readonly settings: DemoSettings;
}

export const DEMO_DEFAULTS = {
  clients: 20,
  byzantine: 4,
  attack: 'noisy-flip',
  rule: 'multi-krum',
  rounds: 15,
  epsilon: 8,
  reproducible: false,
} as const;

/** `seed`: for a new folder where none was asked for. */
export async function resolveSettings(dir: string, wish: DemoWish, seed: number): Promise<ResolvedSettings | Refused> {
  const stored = await readDemoSettings(dir);
  const clients = stored?.clients ?? wish.clients ?? DEMO_DEFAULTS.clients;
  const counted = wish.f === undefined ? wish : { ...wish, f: tolerated(wish.f, clients) };
  if (stored) return amended(stored, counted);
  if (existsSync(join(dir, 'muster.sqlite'))) {
    return refuse('folder-mismatch', {
      expected: 'a folder of a demo, or a new one',
      found: `another federation in ${dir}`,
    });
  }
  return founded(counted, seed);
}

async function founded(wish: DemoWish, seed: number): Promise<ResolvedSettings | Refused> {
  const byzantine = wish.byzantine ?? DEMO_DEFAULTS.byzantine;
  const settings = { ...DEMO_DEFAULTS, seed, f: byzantine, ...wish, noiseMultiplier: null };
  const { clients } = settings;
  if (byzantine > clients) {
    return refuse('bad-option', {
      message: '--byzantine does not fit',
      expected: `at most ${clients}`,
      found: `${byzantine}`,
    });
  }
  const config = demoFederation(settings);
  if (isRefused(config)) return config;
  const vetted = await vetConfig(config);
  if (isRefused(vetted)) return vetted;
  return { kind: 'resolved', settings: { ...settings, noiseMultiplier: noiseMultiplierOf(config) } };
}

function amended(stored: DemoSettings, wish: DemoWish): ResolvedSettings | Refused {
  const { rounds, epsilon, ...fixed } = wish;
  const before = new Map<string, unknown>(Object.entries(stored));
  const changed = Object.entries(fixed).find(([name, value]) => before.get(name) !== value);
  if (changed) {
    const [name, value] = changed;
    const [expected, found] = [before.get(name), value].map((each) => `--${name} ${String(each)}`);
    const hint = 'leave it out to go on with the folder, or choose another --dir';
    return refuse('folder-mismatch', { expected: expected ?? '', found: found ?? '', hint });
  }
  const settings = { ...stored, rounds: rounds ?? stored.rounds, epsilon: epsilon ?? stored.epsilon };
  const config = demoFederation(settings);
  if (isRefused(config)) return config;
  return budgetComplaint(config, (needed) => `--epsilon ${needed}`) ?? { kind: 'resolved', settings };
}
