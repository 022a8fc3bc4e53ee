// The detection of liars in cohorts of which it is known who lies: real digits, three splits, with and without local
// privacy, honest rounds included; then how often an honest client would be taken for a suspect in a long run; then
// what all that has to reach. The same for the same seeds, to the last bit.

import { HISTORY_TEST } from '../server/update/anomaly/client-history.ts';
import { DEMO_DEFAULTS } from '../simulation/demo/resolve-settings.ts';
import { type Digits, loadDigits } from '../simulation/digits.ts';
import {
  anomalyAttackNames,
  type CleanFederation,
  cohortsFor,
  honestRounds,
  phaseNames,
  privacyNames,
  type PrivacyName,
  runCleanFederation,
  splitNames,
  termsFor,
} from './anomaly-cohorts.ts';
import { Detector } from './anomaly-detection.ts';
import { passGates } from './anomaly-gates.ts';
import { detectedShare, type Judged, judgedIn, rocOf, sharesByLayer, THRESHOLDS } from './anomaly-shares.ts';
import { falseBanShare, worstFalseBanShare } from './false-bans.ts';
import type { Print } from './figure.ts';

const { clients: CLIENTS } = DEMO_DEFAULTS;
const OBSERVED_ROUNDS = 60;
const LONG_RUNS = { rounds: 1000, replicates: 2000, seed: 1 } as const;

/** `seeds`: how many, from 1. */
export async function benchAnomaly({ seeds }: { readonly seeds: number }, print: Print): Promise<void> {
  const digits = await loadDigits();
  const judged: Judged[] = [];
  for await (const federation of cleanFederations(digits, seeds)) judged.push(...(await judge(federation)));
  printDetected(judged, print);
  printFalseAlarms(judged, print);
  const falseBans = await printFalseBans(digits, print);
  const { missed, context } = passGates(judged, falseBans);
  print({ figure: 'anomaly-gates', value: missed, unit: 'count', context });
  if (missed > 0) process.exitCode = 1;
}

/** One federation after another, each with a line of progress on stderr: 3 splits x 2 privacies for each seed. */
async function* cleanFederations(digits: Digits, seeds: number): AsyncGenerator<CleanFederation, void, undefined> {
  const settings = Array.from({ length: seeds }, (_, i) =>
    splitNames.flatMap((split) => privacyNames.map((privacy) => ({ split, privacy, seed: i + 1 }))),
  ).flat();
  for (const [done, setting] of settings.entries()) {
    const { split, privacy, seed } = setting;
    process.stderr.write(`federation ${done + 1} of ${settings.length}: ${split}, privacy ${privacy}, seed ${seed}\n`);
    yield await runCleanFederation(digits, setting);
  }
}

async function judge(federation: CleanFederation): Promise<readonly Judged[]> {
  const { split, privacy } = federation.setting;
  const detector = await Detector.of(federation.terms, CLIENTS);
  // Without a declared noise to share, `shared-noise` is `noisy-flip`.
  const attacks = anomalyAttackNames.filter((attack) => privacy === 'local' || attack !== 'shared-noise');
  const judged: Judged[] = [];
  for (const attack of attacks)
    for (const cohort of cohortsFor(federation, attack)) {
      const { phase, liars } = cohort;
      const found = await detector.judge(cohort);
      judged.push(
        ...found.map((each, client) => ({ ...each, attack, split, privacy, phase, lies: liars.has(client) })),
      );
    }
  return judged;
}

type Setting = Pick<Judged, 'split' | 'privacy' | 'phase'>;

const settings: readonly Setting[] = splitNames.flatMap((split) =>
  privacyNames.flatMap((privacy) => phaseNames.map((phase) => ({ split, privacy, phase }))),
);

function printDetected(judged: readonly Judged[], print: Print): void {
  for (const attack of anomalyAttackNames) {
    for (const setting of settings) {
      const liars = judgedIn(judged, { attack, ...setting, lies: true });
      if (liars.length === 0) continue;
      const honest = judgedIn(judged, { attack, ...setting, lies: false });
      const roc = { thresholds: THRESHOLDS, detected: rocOf(liars), falseAlarms: rocOf(honest) };
      const counts = { liars: liars.length, honest: honest.length };
      const context = { attack, ...setting, ...counts, ...roc, ...sharesByLayer(liars) };
      print({ figure: 'anomaly-detected', value: detectedShare(liars), unit: 'share', context });
    }
  }
}

function printFalseAlarms(judged: readonly Judged[], print: Print): void {
  const overall = { split: 'iid', privacy: 'off and local', phase: 'early and late' } as const;
  const shares = settings.map((setting) => ({ setting, clean: judgedIn(judged, { attack: 'none', ...setting }) }));
  const iid = judgedIn(judged, { attack: 'none', split: overall.split });
  for (const { setting, clean } of [...shares, { setting: overall, clean: iid }]) {
    const roc = { thresholds: THRESHOLDS, falseAlarms: rocOf(clean) };
    const context = { ...setting, honest: clean.length, ...roc, ...sharesByLayer(clean) };
    print({ figure: 'anomaly-false-alarms', value: detectedShare(clean), unit: 'share', context });
  }
}

/** Returns the largest share that was found. */
async function printFalseBans(digits: Digits, print: Print): Promise<number> {
  const [off, local] = [await observeAlarms(digits, 'off'), await observeAlarms(digits, 'local')];
  const bans = {
    off: falseBanShare(off, LONG_RUNS),
    local: falseBanShare(local, LONG_RUNS),
    worstCase: worstFalseBanShare(CLIENTS, LONG_RUNS),
  };
  const { alarmRateHonest } = HISTORY_TEST;
  const rates = { alarmRateOff: shareOf(off.flat()), alarmRateLocal: shareOf(local.flat()), alarmRateHonest };
  const context = { ...bans, ...rates, ...LONG_RUNS, clients: CLIENTS, observedRounds: OBSERVED_ROUNDS };
  const largest = Math.max(...Object.values(bans));
  print({ figure: 'anomaly-false-bans', value: largest, unit: 'share', context });
  return largest;
}

const shareOf = (alarms: readonly boolean[]): number => alarms.filter(Boolean).length / alarms.length;

/** Of one clean IID federation that goes on for 60 rounds: one list a round, one entry a client. */
async function observeAlarms(digits: Digits, privacy: PrivacyName): Promise<readonly (readonly boolean[])[]> {
  process.stderr.write(`one federation of ${OBSERVED_ROUNDS} rounds: iid, privacy ${privacy}\n`);
  const setting = { split: 'iid', privacy, seed: 1 } as const;
  const detector = await Detector.of({ ...termsFor(setting), rounds: OBSERVED_ROUNDS }, CLIENTS);
  const alarms: (readonly boolean[])[] = [];
  for await (const { observed } of honestRounds(digits, { setting, rounds: OBSERVED_ROUNDS }))
    alarms.push((await detector.judge(observed)).map(({ layers }) => layers.length > 0));
  return alarms;
}
