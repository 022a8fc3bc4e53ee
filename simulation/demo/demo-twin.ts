// The demo's twin, whose models are kept beside the federation's: after a restart it goes on from its own last model,
// and runs by itself what the federation had run before it was interrupted.

import { writeDurably } from '../../client-sdk/platform/durable-file.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { type FederationConfig, termsOf } from '../../server/config.ts';
import type { DataFolder } from '../../server/storage/data-folder.ts';
import { makePopulation, type PopulationOptions } from '../population.ts';
import { softmaxRegressionSchema } from '../softmax-regression.ts';
import { plainMeanTwin, type PlainMeanTwin } from '../twin.ts';
import { recordsOf, storedModel, twinModel, twinModelFile, twinRounds } from './demo-history.ts';
import { DEMO_FEDERATION } from './demo-settings.ts';

export interface TwinPlace {
  readonly dir: string;
  readonly folder: DataFolder;
  readonly config: FederationConfig;
  readonly population: PopulationOptions;
  readonly signal: AbortSignal;
}

export class DemoTwin {
  readonly #dir: string;
  readonly #twin: PlainMeanTwin;

  private constructor(dir: string, twin: PlainMeanTwin) {
    this.#dir = dir;
    this.#twin = twin;
  }

  /** Catches up with the federation's rounds before it resolves. */
  static async open({ dir, folder, config, population, signal }: TwinPlace): Promise<DemoTwin> {
    const done = await twinRounds(dir);
    const initialModel = done > 0 ? await twinModel(dir, done) : await initialModelOf(folder);
    const { tensors: schema, training, privacy } = termsOf(config);
    const members = makePopulation(population);
    const twin = new DemoTwin(
      dir,
      plainMeanTwin({ population: members, initialModel, schema, training, privacy, signal }),
    );
    const rounds = (await recordsOf(folder)).length;
    for (let round = done + 1; round <= rounds; round++) await twin.runRound(round);
    return twin;
  }

  /** Rounds are run in order; the model is kept when it resolves. */
  async runRound(round: number): Promise<void> {
    const model = await this.#twin.runRound(round);
    await writeDurably(twinModelFile(this.#dir, round), encodeSafetensors(softmaxRegressionSchema, model));
  }
}

async function initialModelOf(folder: DataFolder): Promise<Float32Array> {
  const [initial] = await folder.storeOf(DEMO_FEDERATION).models.versions();
  if (!initial) throw new InvariantError('the coordinator has founded no federation in the folder');
  return await storedModel(folder, initial.digest);
}
