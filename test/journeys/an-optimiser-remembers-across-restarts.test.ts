import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configText, type FederationConfig, termsOf } from '../../server/config.ts';
import { serve, type Serving } from '../../server/main.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { asOrganisationId } from '../../shared/ids.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { eventually } from '../support/eventually.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { worldConfig } from '../support/journey-world.ts';
import { MusterProcess } from '../support/muster-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROUNDS = 3;
const CLIENTS = [1, 2, 3];
const config = worldConfig({
  cohort: { minimum: CLIENTS.length, size: CLIENTS.length },
  config: { rounds: ROUNDS, optimiser: { name: 'momentum', beta: 0.5 }, rule: { name: 'mean', f: 0 } },
});

interface Served {
  readonly url: string;
  readonly invite: string;
  stop(): Promise<void>;
}

async function serveHere(dir: string, invite?: string): Promise<Served> {
  const invites = invite === undefined ? [{ organisation: asOrganisationId('clinic'), quota: CLIENTS.length }] : [];
  const serving: Serving = accepted(
    await serve({
      dir,
      readConfig: (): Promise<FederationConfig> => Promise.resolve(config),
      fallback: config,
      host: '127.0.0.1',
      port: 0,
      publicUrl: null,
      invites,
      log: () => undefined,
    }),
  );
  onTestFinished(() => serving.stop());
  const url = `http://127.0.0.1:${serving.port}`;
  return { url, invite: invite ?? serving.invites[0] ?? '', stop: () => serving.stop() };
}

/** In a process of its own, which ends without a chance to put anything away. */
async function serveInProcess(dir: string, invite?: string): Promise<Served> {
  const file = join(temporaryFolder(), 'federation.json');
  writeFileSync(file, configText(config));
  const inviting = invite === undefined ? ['--invite', `clinic=${CLIENTS.length}`] : [];
  const coordinator = new MusterProcess('start', '--config', file, '--dir', dir, '--port', '0', ...inviting);
  const [, url = ''] = await coordinator.printed(/(http:\/\/127\.0\.0\.1:\d+)/);
  const [, issued = ''] = invite === undefined ? await coordinator.printed(/Invite: (\S+)\n/) : [];
  const stop = async (): Promise<void> => {
    coordinator.signal('SIGKILL');
    await coordinator.end();
  };
  return { url, invite: invite ?? issued, stop };
}

/** Everybody takes part in one round, as formulas have it: the same updates in every federation. */
async function playRound(served: Served, round: number): Promise<void> {
  const raws = await Promise.all(
    CLIENTS.map((index) =>
      RawClient.join({
        url: served.url,
        federation: config.federation,
        invite: served.invite,
        seed: String(index).padStart(64, '0'),
      }),
    ),
  );
  for (const [i, raw] of raws.entries()) {
    const update = formulaUpdate(termsOf(config), i, round);
    await raw.upload(await raw.submission(update, await raw.nextOffer()));
  }
  await raws[0]?.next('round-closed');
  for (const raw of raws) raw[Symbol.dispose]();
}

async function records(dir: string): Promise<readonly RoundRecord[]> {
  const folder = accepted(await readDataFolder(dir));
  onTestFinished(() => folder.close());
  const all = await eventually(async () => {
    const ended = await folder.storeOf(config.federation).rounds.records();
    return ended.length === ROUNDS ? ended : undefined;
  });
  return all;
}

/** What rounds make, apart from when. */
const madeBy = (rounds: readonly RoundRecord[]): object[] =>
  rounds.map(({ model, optimiser, aggregateNormL2, stepNormL2 }) => ({
    model,
    optimiser,
    aggregateNormL2,
    stepNormL2,
  }));

describe('a federation with momentum', () => {
  it('goes on after restarts and kills to the very bits of one that never stopped', { timeout: 60_000 }, async () => {
    const calm = join(temporaryFolder(), 'data');
    const served = await serveHere(calm);
    for (let round = 1; round <= ROUNDS; round++) await playRound(served, round);
    const expected = madeBy(await records(calm));

    const restless = join(temporaryFolder(), 'data');
    const first = await serveHere(restless);
    await playRound(first, 1);
    await first.stop();
    const second = await serveInProcess(restless, first.invite);
    await playRound(second, 2);
    await second.stop();
    const third = await serveHere(restless, first.invite);
    await playRound(third, 3);
    expect(madeBy(await records(restless))).toEqual(expected);
    expect(expected).toHaveLength(ROUNDS);
    // Each step is longer than its aggregate by what is remembered.
    for (const { stepNormL2, aggregateNormL2 } of (await records(restless)).slice(1))
      expect(stepNormL2).toBeGreaterThan(aggregateNormL2 ?? Infinity);
  });
});
