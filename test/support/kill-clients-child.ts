// All kills of `npm run bench -- privacy-kills` in a program of its own: how many and a seed in, one JSON object out.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandomSource } from '../../shared/random-source.ts';
import { FakeCoordinator } from './fake-coordinator.ts';
import { epsilonOfKilledRounds, killClients, overspentIn } from './kill-clients.ts';

/** Rounds that the budget affords, per kill: the last lives find it spent. */
const AFFORDED_SHARE = 1.2;

const [kills = NaN, seed = NaN] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'muster-kills-'));
const coordinator = await FakeCoordinator.open();
const maxEpsilon = epsilonOfKilledRounds(Math.ceil(AFFORDED_SHARE * kills));
const overspent: string[] = [];
const rounds = new Set<number>();
let underWay = 0;
try {
  for await (const death of killClients({
    coordinator,
    folder,
    kills,
    maxEpsilon,
    random: seededRandomSource(seed, 'kills'),
  })) {
    overspent.push(...overspentIn(death, maxEpsilon));
    for (const { round } of death.sent) rounds.add(round);
    if (death.underWay) underWay++;
  }
} finally {
  await coordinator.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify({ underWay, roundsSent: rounds.size, overspent })}\n`);
