import { expect, it } from 'vitest';
import { seededRandomSource } from '../../shared/random-source.ts';
import { built } from '../support/built.ts';
import { FakeCoordinator } from '../support/fake-coordinator.ts';
import { epsilonOfKilledRounds, killClients, overspentIn } from '../support/kill-clients.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** `npm run bench -- privacy-kills` makes a hundred. */
const KILLS = 8;
/** Fewer than the lives would send: the last ones find the budget spent. */
const AFFORDED = 5;

it('whenever a client is killed, all that has left it is in its ledger as spent, one update a round', async () => {
  const coordinator = await FakeCoordinator.start();
  const maxEpsilon = epsilonOfKilledRounds(AFFORDED);
  const entry = built('test/support/killed-client-child.ts');
  const killing = { coordinator, folder: temporaryFolder(), kills: KILLS, maxEpsilon, entry };
  const rounds = new Set<number>();
  let [lives, underWay] = [0, 0];
  for await (const death of killClients({ ...killing, random: seededRandomSource(6, 'kills') })) {
    lives++;
    underWay += death.underWay ? 1 : 0;
    for (const { round } of death.sent) rounds.add(round);
    expect(overspentIn(death, maxEpsilon)).toEqual([]);
  }
  // Some died with an update on its way, and all together sent several.
  expect(lives).toBe(KILLS);
  expect(rounds.size).toBeGreaterThan(2);
  expect(underWay).toBeGreaterThan(0);
}, 120_000);
