import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { type FederationConfig, readFederationFile } from '../../server/config.ts';
import { serve, type Serving } from '../../server/main.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { accepted, isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import { runHere } from '../support/captured-command.ts';
import { worldConfig } from '../support/journey-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const training = { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 };
const privacy = { mode: 'local', epsilonBudget: 8, delta: 1e-4 };
const model = { tensors: [{ name: 'bias', shape: [3] }] };
const file = { federation: 'digits', rounds: 15, model, training, privacy };

interface Served {
  readonly outcome: Serving | Refused;
  readonly logged: readonly string[];
}

/** A folder with a federation file beside it, served anew with each change of the file. */
function place() {
  const dir = temporaryFolder();
  const [path, folder] = [join(dir, 'federation.yaml'), join(dir, 'data')];
  const write = (changes: object): void => writeFileSync(path, stringify({ ...file, ...changes }));
  const served = async (changes: object): Promise<Served> => {
    write(changes);
    const logged: string[] = [];
    const outcome = await serve({
      dir: folder,
      readConfig: (founded) => readFederationFile(path, founded),
      fallback: worldConfig(),
      host: '127.0.0.1',
      port: 0,
      publicUrl: null,
      invites: [],
      log: (line) => logged.push(line),
    });
    if (isRefused(outcome)) return { outcome, logged };
    onTestFinished(() => outcome.stop());
    await outcome.stop();
    return { outcome, logged };
  };
  return { folder, path, write, served };
}

const noiseOf = ({ privacy: terms }: FederationConfig): number => (terms.mode === 'none' ? 0 : terms.noiseMultiplier);

describe('a federation file that gives no noise', () => {
  it('amends the rounds and the budget of the federation founded with it, the noise staying as it was', async () => {
    const { folder: dir, served } = place();
    const founded = accepted((await served({})).outcome).config;
    const changes = { rounds: 20, privacy: { ...privacy, epsilonBudget: 12 } };
    const amended = accepted((await served(changes)).outcome).config;
    expect(amended).toMatchObject({ rounds: 20, privacy: { epsilonBudget: 12 } });
    expect(noiseOf(amended)).toBe(noiseOf(founded));
    const folder = accepted(await readDataFolder(dir));
    onTestFinished(() => folder.close());
    const types = (await folder.storeOf(founded.federation).ledger.entries()).map(({ event }) => event.type);
    expect(types.filter((type) => type.startsWith('federation'))).toEqual(['federation-founded', 'federation-amended']);
  });

  it('is refused by `muster start` with more rounds than the budget pays for, and for any other change by its key', async () => {
    const { folder: dir, path, write, served } = place();
    accepted((await served({})).outcome);
    const start = () => runHere('start', '--config', path, '--dir', dir, '--port', '0', '--json');
    write({ rounds: 20 });
    const refused = await start();
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'budget-exhausted', expected: 'at most epsilon 8' },
    });
    write({ rule: { f: 0.1 } });
    expect(JSON.parse((await start()).stdout)).toMatchObject({
      error: { code: 'folder-mismatch', expected: 'rule.f 0.2', found: 'rule.f 0.1' },
    });
  });
});

describe('a model too small for the noise witness', () => {
  it('is said to be so when its federation starts', async () => {
    const { logged } = await place().served({});
    expect(logged.filter((line) => line.includes('too small for a noise witness'))).toHaveLength(1);
  });

  it('is nothing to speak of where no noise is declared, or the model is large enough', async () => {
    const open = await place().served({ privacy: { mode: 'none' } });
    const large = await place().served({ model: { tensors: [{ name: 'bias', shape: [300] }] } });
    expect([...open.logged, ...large.logged]).toEqual([]);
  });
});
