import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { roundRecordSchema } from '../../shared/protocol/round-record.ts';
import { runHere } from '../support/captured-command.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { startWorld, type World } from '../support/journey-world.ts';

/** Two rounds: in the first a liar leaves the noise out, in the second its update goes the other way. */
async function worldWithHistory(): Promise<World> {
  const world = await startWorld({ clients: 5, config: { rounds: 2 } });
  const liar = await world.rawClient();
  await liar.upload(await liar.submission(new Float32Array(525).fill(0.01), await liar.nextOffer()));
  await world.record(1);
  const second = await liar.nextOffer();
  const opposite = formulaUpdate(world.terms, 1_000, 2).map((value) => value - 0.3);
  await liar.upload(await liar.submission(opposite, second));
  await world.record(2);
  return world;
}

const resultSchema = z.strictObject({
  rounds: z.array(roundRecordSchema),
  privacy: z.record(z.string(), z.unknown()),
});

describe('muster rounds and muster round, beside a running coordinator', () => {
  it('tell a line a round, a line a client, and the records as JSON', async () => {
    await using world = await worldWithHistory();
    const dir = join(world.dir, 'coordinator');
    const rounds = await runHere('rounds', '--dir', dir);
    expect(rounds.exitCode).toBe(0);
    const [head, , first, second, ...rest] = rounds.stdout.split('\n');
    expect(head?.split(/\s+/)).toEqual(expect.arrayContaining(['round', 'state', 'offered', 'selected', 'refused']));
    expect(first?.trim().split(/\s{2,}/)).toEqual(expect.arrayContaining(['1', 'committed', '6', '2']));
    expect(second?.trim().split(/\s{2,}/)).toEqual(expect.arrayContaining(['2', 'committed', '6', '3', '0']));
    expect(rest.join('\n')).toMatch(/^\nPrivacy after round 2, of one example, add-remove adjacency, delta 0.0001, /);
    const spent = Math.max(...(await world.record(2)).verdicts.map(({ epsilon }) => epsilon ?? 0));
    for (const who of ['reads the models', 'reads the ledger', 'runs the coordinator'])
      expect(rest.find((line) => line.includes(`who ${who}`))).toContain(spent.toFixed(3));

    const json = await runHere('rounds', '--dir', dir, '--json');
    const read = resultSchema.parse(JSON.parse(json.stdout));
    expect(read.rounds).toEqual([await world.record(1), await world.record(2)]);
    const epsilon = { modelReader: spent, ledgerReader: spent, coordinator: spent };
    expect(read.privacy).toMatchObject({ mode: 'local', afterRound: 2, unit: 'example', epsilon });

    const round = await runHere('round', '1', '--dir', dir);
    expect(round.stdout).toMatch(/^Round 1: committed\n/);
    const record = await world.record(1);
    for (const { client, verdict, code } of record.verdicts) {
      const line = round.stdout.split('\n').find((each) => each.startsWith(client.slice(0, 12)));
      expect(line).toContain(verdict);
      if (code !== null) expect(line).toContain(code);
    }
    expect(round.stdout).toContain('noise-missing');
    for (const digest of [record.baseModel, record.model]) expect(round.stdout).toContain(digest);
    const { certificate, warnings } = record.aggregation ?? { certificate: null, warnings: [] };
    expect(round.stdout).toContain(`certificate ${Number(certificate?.bound?.toPrecision(7))} (exact): with at most`);
    expect(warnings.length).toBeGreaterThan(0);
    for (const warning of warnings) expect(round.stdout).toContain(`warning: ${warning}`);
  });

  it('say so where nothing has ended, or where there is no such round', async () => {
    await using world = await startWorld();
    const dir = join(world.dir, 'coordinator');
    expect(await runHere('rounds', '--dir', dir)).toMatchObject({ exitCode: 0, stdout: 'No round has ended yet.\n' });
    const missing = await runHere('round', '1', '--dir', dir);
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no round has ended yet') });
  });
});
