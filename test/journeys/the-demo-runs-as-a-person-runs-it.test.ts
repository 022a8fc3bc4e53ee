import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { unpackBundle } from '../../server/audit/bundle-form.ts';
import { verifyBundle } from '../../server/audit/verify-bundle.ts';
import { accepted, isRefused } from '../../shared/protocol/refusals.ts';
import { alteredBundles } from '../support/bundle-tamperings.ts';
import { runHere } from '../support/captured-command.ts';
import { type DemoJson, readDemoResult } from '../support/demo-result-schema.ts';
import { endedRounds, halfWritten } from '../support/folder-remains.ts';
import { muster, MusterProcess } from '../support/muster-process.ts';
import { pythonWithNumpy } from '../support/python.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { verifyWithPython } from '../support/verify-with-python.ts';

const SMALL = ['--clients', '6', '--byzantine', '1', '--seed', '1'];
const TIMEOUT_MS = 120_000;

const python = pythonWithNumpy();
const oracleSchema = z.strictObject({ differences: z.array(z.unknown()), checked: z.record(z.string(), z.number()) });

/** The numpy oracle's differences between a folder and what was printed of it. */
function oracle(dir: string, resultFile: string): z.infer<typeof oracleSchema> {
  if ('skip' in python) throw new Error(python.skip);
  const run = spawnSync(python.command, ['test/oracles/demo_folder.py', dir, resultFile], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return oracleSchema.parse(JSON.parse(run.stdout));
}

/** The bundle of a round passes both verifiers, and none of at least 50 falsified ones does. */
async function expectVerifiable(dir: string, round: number): Promise<void> {
  const file = join(temporaryFolder(), 'round.zip');
  expect((await runHere('bundle', 'export', String(round), file, '--dir', dir)).exitCode).toBe(0);
  const original = new Uint8Array(readFileSync(file));
  const altered = alteredBundles(accepted(await unpackBundle(original)));
  expect(altered.length).toBeGreaterThanOrEqual(50);
  accepted(await verifyBundle(original));
  const passed: string[] = [];
  for (const [what, bytes] of altered) if (!isRefused(await verifyBundle(bytes))) passed.push(what);
  expect(passed).toEqual([]);
  if ('skip' in python) return;
  const [said, ...others] = verifyWithPython(python.command, [original, ...altered.map(([, bytes]) => bytes)]);
  expect(said).toBe('verified');
  expect(altered.filter((_, i) => others[i] === 'verified').map(([what]) => what)).toEqual([]);
}

function expectWellFormed({ rounds, summary }: DemoJson): void {
  expect(rounds.map(({ number }) => number)).toEqual(rounds.map((_, i) => i + 1));
  const ids = rounds.map(({ clients }) => clients.map(({ id }) => id));
  for (const each of ids) expect(each).toEqual(ids[0]?.toSorted());
  for (const { clients } of rounds) {
    expect(clients).toHaveLength(summary.clients);
    expect(clients.filter(({ byzantine }) => byzantine)).toHaveLength(summary.byzantine);
    for (const { verdict, selected } of clients) expect(selected).toBe(verdict === 'selected');
  }
  expect(summary.heldOut).toHaveLength(2_000);
}

describe('muster demo', () => {
  it('trains, tells what happened, and ends with 0; the folder bears it out', { timeout: TIMEOUT_MS }, async () => {
    const place = temporaryFolder();
    const [dir, json] = [join(place, 'demo'), join(place, 'result.json')];
    const demo = new MusterProcess('demo', '--dir', dir, '--rounds', '2', ...SMALL, '--json', json);
    const { exitCode, stdout, stderr } = await demo.end();
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    await demo.gone();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(halfWritten(dir)).toEqual([]);

    const result = readDemoResult(readFileSync(json, 'utf8'));
    expectWellFormed(result);
    expect(result.rounds).toHaveLength(2);
    expect(await endedRounds(dir)).toEqual(result.rounds.map(({ modelDigest }) => modelDigest));
    expect(result.summary).toMatchObject({
      seed: 1,
      f: 1,
      m: 3,
      rounds: 2,
      privacyVoid: false,
      parameters: 7_850,
      dir,
    });
    expect(result.summary.accuracy).toBeGreaterThan(0.7);
    expect(result.summary.twinAccuracy).toBeLessThan(0.3);
    expect(result.summary.epsilon).toBeGreaterThan(7.9);
    expect(result.summary.epsilon).toBeLessThanOrEqual(8);
    for (const { number, clients, bytesReceived } of result.rounds) {
      // Six updates of 7,850 float32 values, and little beside them.
      expect(bytesReceived / (6 * 4 * 7_850)).toBeGreaterThan(1);
      expect(bytesReceived / (6 * 4 * 7_850)).toBeLessThan(1.5);
      expect(stderr).toContain(`round ${number}  `);
      for (const { id, selected } of clients) if (!selected) expect(stderr).toContain(`· ${id.slice(0, 8)}`);
    }

    await expectVerifiable(dir, 2);

    const again = await runHere('demo', '--dir', dir, '--json');
    expect(again.exitCode).toBe(0);
    expect(again.stderr).toContain('All 2 rounds of this folder have been run');
    const { seconds: _then, ...before } = result.summary;
    const { seconds: _now, ...after } = readDemoResult(again.stdout).summary;
    expect(after).toEqual(before);
    expect(readDemoResult(again.stdout).rounds).toEqual(result.rounds);

    const other = await runHere('demo', '--dir', dir, '--clients', '7', '--json');
    expect(other.exitCode).toBe(2);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { code: 'folder-mismatch', expected: '--clients 6' } });

    if ('skip' in python) return;
    const { differences, checked } = oracle(dir, json);
    expect(differences).toEqual([]);
    expect(checked).toMatchObject({ accuracy: 2, 'twin accuracy': 2, score: 6, epsilon: 12, selection: 1, bytes: 1 });
    const [first, last] = result.rounds;
    const wrong = { ...result, rounds: [{ ...first, accuracy: 0.5 }, last] };
    writeFileSync(json, JSON.stringify(wrong));
    expect(oracle(dir, json).differences).toHaveLength(1);
  });

  it('interrupted leaves nothing half done, and goes on with the same clients', { timeout: TIMEOUT_MS }, async () => {
    const dir = join(temporaryFolder(), 'demo');
    const demo = new MusterProcess('demo', '--dir', dir, '--rounds', '15', ...SMALL);
    await demo.printed(/^round {2}1 /m);
    demo.signalGroup('SIGINT');
    const { exitCode, stderr } = await demo.end();
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`Interrupted. Go on with: npm run demo -- --dir ${dir}`);
    await demo.gone();
    expect(halfWritten(dir)).toEqual([]);
    const committed = await endedRounds(dir);
    expect(committed.length).toBeGreaterThanOrEqual(1);
    expect(committed.length).toBeLessThan(15);

    const rounds = committed.length + 1;
    const rest = await muster('demo', '--dir', dir, '--rounds', String(rounds), '--json');
    expect(rest.exitCode).toBe(0);
    const result = readDemoResult(rest.stdout);
    expectWellFormed(result);
    expect(result.rounds).toHaveLength(rounds);
    expect(result.rounds.slice(0, -1).map(({ modelDigest }) => modelDigest)).toEqual(committed);
    for (const { id } of result.rounds[0]?.clients ?? []) {
      const spent = result.rounds.map(({ clients }) => clients.find((client) => client.id === id)?.epsilon ?? NaN);
      expect(spent).toEqual(spent.toSorted((a, b) => a - b));
      expect(new Set(spent).size).toBe(rounds);
    }
  });
});

describe('muster demo --reproducible', () => {
  it('gives the same bits for the same seed, and claims no privacy', { timeout: TIMEOUT_MS }, async () => {
    const run = async (): Promise<DemoJson> => {
      const dir = join(temporaryFolder(), 'demo');
      const ended = await muster('demo', '--dir', dir, '--rounds', '1', ...SMALL, '--reproducible', '--json');
      expect(ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('privacy is void') });
      return readDemoResult(ended.stdout);
    };
    const [one, other] = await Promise.all([run(), run()]);
    expect(one.rounds.map(({ modelDigest }) => modelDigest)).toEqual(other.rounds.map((each) => each.modelDigest));
    const { clients, accuracy, twinAccuracy } = one.rounds[0] ?? { clients: [] };
    expect({ clients, accuracy, twinAccuracy }).toEqual({
      clients: other.rounds[0]?.clients,
      accuracy: other.rounds[0]?.accuracy,
      twinAccuracy: other.rounds[0]?.twinAccuracy,
    });
    expect(one.summary).toMatchObject({ privacyVoid: true, epsilon: null });
    expect(clients.map(({ epsilon }) => epsilon)).toEqual(clients.map(() => null));
  });
});
