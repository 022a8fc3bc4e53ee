import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RoundReport } from '../../client-sdk/index.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { startWorld } from '../support/journey-world.ts';

const DELTA = 1e-4;
const event = { noiseMultiplier: 1, samplingRate: 0.1, steps: 4 };
const epsilonAfter = (rounds: number): number =>
  epsilonOf(
    Array.from({ length: rounds }, () => event),
    DELTA,
  );

describe('a federation whose clients can afford two rounds', () => {
  // Between what two and three rounds cost, so that the third is the first that passes it.
  const epsilonBudget = (epsilonAfter(2) + epsilonAfter(3)) / 2;
  const privacy = { mode: 'local', epsilonBudget, delta: DELTA, noiseMultiplier: 1 };
  const config = { rounds: 3, privacy };
  const cohort = { minimum: 5, size: 5 };

  it('withholds the third from those who took part in both, and offers it to those who did not', async () => {
    await using world = await startWorld({ clients: 5, config, cohort, held: true });
    const veterans = [...world.honest];
    const withheld = Promise.all(
      veterans.map(({ client }) => {
        return new Promise<RoundReport>((resolve) => {
          client.onRound((report) => {
            if (report.round === 3) resolve(report);
          });
        });
      }),
    );
    world.release();
    for (const report of await withheld) {
      expect(report).toMatchObject({ round: 3, verdict: null, state: null, code: 'budget-exhausted' });
      expect(report.epsilon).toBeCloseTo(epsilonAfter(2), 12);
    }
    expect(await world.stores.rounds.underWay()).toBeUndefined();

    const recruits = await world.addClients(5);
    const record = await world.record(3);
    expect(record.cohort).toEqual(recruits.map(({ client }) => client.id).toSorted());
    expect(record.state).toBe('committed');
    for (const { trainer } of veterans) expect(trainer.asked).toEqual([1, 2]);
    for (const { trainer } of recruits) expect(trainer.asked).toEqual([3]);
  });

  it('counts the same on both sides, round after round', async () => {
    await using world = await startWorld({ clients: 5, config, cohort });
    const spent = [await world.record(1), await world.record(2)].map(({ verdicts }) =>
      verdicts.map(({ epsilon }) => epsilon),
    );
    expect(spent).toEqual([1, 2].map((rounds) => Array.from({ length: 5 }, () => epsilonAfter(rounds))));
    for (const { client } of world.honest) expect(client.epsilon).toBe(epsilonAfter(2));
    for (const { epsilon } of (await world.record(2)).verdicts) expect(epsilon).toBeLessThanOrEqual(epsilonBudget);
  });
});

describe('a client whose owner allows less than the federation', () => {
  it('declines before it trains, spends nothing, and the round goes on without it', async () => {
    await using world = await startWorld({ clients: 5, held: true });
    const [thrifty] = await world.addClients(1, { maxEpsilon: epsilonAfter(1) * 0.99 });
    world.release();
    const record = await world.record(1);
    expect(record.state).toBe('committed');
    expect(record.verdicts.find(({ client }) => client === thrifty?.client.id)).toMatchObject({
      verdict: 'refused',
      code: 'budget-exhausted',
      layer: 'privacy',
      epsilon: 0,
    });
    expect(thrifty?.trainer.asked).toEqual([]);
    expect(thrifty?.client.epsilon).toBe(0);
    const ledger = await readFile(join(thrifty?.folder ?? '', 'privacy-ledger.json'), 'utf8').catch(() => '[]');
    expect(JSON.parse(ledger)).toEqual([]);
    expect(await world.events()).toContainEqual({
      type: 'declined',
      round: 1,
      client: thrifty?.client.id,
      code: 'budget-exhausted',
    });
  });

  it('takes part where the round fits to the last bit', async () => {
    await using world = await startWorld({ clients: 5, held: true });
    const [exact] = await world.addClients(1, { maxEpsilon: epsilonAfter(1) });
    world.release();
    await world.record(1);
    expect(exact?.trainer.asked).toEqual([1]);
  });
});
