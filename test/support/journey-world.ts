// A whole federation in one line: a real coordinator on a data folder of its own, SDK clients that train by formula,
// and as many raw clients as a test wants. Everything is put away when the scope ends.

import { join } from 'node:path';
import { type FederatedClient, joinFederation, type JoinOptions } from '../../client-sdk/index.ts';
import { type FederationConfig, parseFederation, termsOf } from '../../server/config.ts';
import { type Coordinator, startCoordinator } from '../../server/coordinator.ts';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import { type DataFolder, openDataFolder } from '../../server/storage/data-folder.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import type { Kernel } from '../../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../../server/aggregation/kernels/open-kernel.ts';
import { asFederationId, asOrganisationId } from '../../shared/ids.ts';
import { type Clock, systemClock } from '../../shared/ports.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import type { RoundRecord, Verdict } from '../../shared/protocol/round-record.ts';
import { settlement } from '../../shared/settlement.ts';
import { FormulaTrainer } from './formula-trainer.ts';
import { RawClient } from './raw-client.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What the owners of honest clients allow. */
type OwnersWord = Pick<JoinOptions, 'maxEpsilon' | 'trustCoordinator'>;

export interface WorldOptions {
  /** Honest SDK clients that join at once. */
  readonly clients?: number;
  /** True: they train no further than to `release`. */
  readonly held?: boolean;
  /** Over the defaults of `worldConfig`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** How many clients make a cohort: 6 by default. */
  readonly cohort?: { readonly minimum: number; readonly size: number };
  readonly clock?: Clock;
  /** Of all honest clients. */
  readonly limits?: OwnersWord;
  /** Plenty unless given. */
  readonly memoryBudgetBytes?: number;
}

export const DEADLINE_MS = 60_000;
export const SELECTION_TIMEOUT_MS = 10_000;

export interface HonestClient {
  readonly client: FederatedClient;
  readonly trainer: FormulaTrainer;
  readonly folder: string;
}

/** d = 525, so that the noise witness has something to see: noise 0.2 a parameter, at least 0.6 of its squared norm. */
export function worldConfig({ config, cohort }: Pick<WorldOptions, 'config' | 'cohort'> = {}): FederationConfig {
  return accepted(
    parseFederation({
      federation: 'journeys',
      rounds: 1,
      model: {
        tensors: [
          { name: 'kernel', shape: [20, 25], initial: 'glorot-uniform' },
          { name: 'bias', shape: [25] },
        ],
      },
      cohort: { minimum: 6, size: 6, selectionTimeoutMs: SELECTION_TIMEOUT_MS, deadlineMs: DEADLINE_MS, ...cohort },
      rule: { name: 'multi-krum', f: 1 },
      training: { learningRate: 1, stepsPerRound: 4, samplingRate: 0.1, expectedBatchSize: 10, clippingNormL2: 1 },
      privacy: { mode: 'local', epsilonBudget: 50, delta: 1e-4, noiseMultiplier: 1 },
      ...config,
    }),
  );
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const config = worldConfig(options);
  const dir = temporaryFolder();
  const folder = accepted(await openDataFolder(join(dir, 'coordinator')));
  const stores = folder.storeOf(config.federation);
  const ended = new EndedRounds();
  const { blobs, blobFile } = folder;
  const kernel = await openKernel();
  const coordinator = accepted(
    await startCoordinator({
      config,
      stores,
      blobs,
      blobFile,
      kernel,
      memoryBudgetBytes: options.memoryBudgetBytes ?? 2 ** 30,
      clock: options.clock ?? systemClock,
      publicUrl: null,
      adminToken: null,
      log: (line) => ended.heard(line),
    }),
  );
  const port = await coordinator.listen({ port: 0, host: '127.0.0.1' });
  const invite = await coordinator.invite({ organisation: asOrganisationId('clinic'), quota: 100 });
  const world = new World({
    config,
    dir,
    folder,
    kernel,
    stores,
    coordinator,
    ended,
    port,
    invite,
    held: options.held ?? false,
    limits: options.limits ?? {},
  });
  await world.addClients(options.clients ?? 0);
  return world;
}

interface WorldParts {
  readonly config: FederationConfig;
  readonly dir: string;
  readonly folder: DataFolder;
  readonly kernel: Kernel;
  readonly stores: FederationStores;
  readonly coordinator: Coordinator;
  readonly ended: EndedRounds;
  readonly port: number;
  readonly invite: string;
  readonly held: boolean;
  readonly limits: OwnersWord;
}

export class World implements AsyncDisposable {
  readonly honest: HonestClient[] = [];
  readonly stores: FederationStores;
  readonly invite: string;
  readonly url: string;
  readonly dir: string;
  readonly terms: ReturnType<typeof termsOf>;
  readonly #parts: WorldParts;
  readonly #gate = settlement<void>();
  readonly #raw: RawClient[] = [];

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.stores = parts.stores;
    this.invite = parts.invite;
    this.dir = parts.dir;
    this.url = `http://127.0.0.1:${parts.port}`;
    this.terms = termsOf(parts.config);
    if (!parts.held) this.#gate.resolve();
  }

  async addClients(count: number, limits: OwnersWord = {}): Promise<readonly HonestClient[]> {
    const first = this.honest.length;
    const joining = Array.from({ length: count }, async (_, i) => {
      const folder = join(this.dir, `client-${first + i}`);
      const trainer = new FormulaTrainer(first + i, this.#gate.promise);
      const client = await joinFederation({
        url: this.url,
        invite: this.invite,
        folder,
        trainer,
        ...this.#parts.limits,
        ...limits,
      });
      return { client, trainer, folder };
    });
    const added = await Promise.all(joining);
    this.honest.push(...added);
    return added;
  }

  /** A raw client that has joined; `index` names its key. */
  async rawClient(index = 1): Promise<RawClient> {
    return this.#kept(await RawClient.join(this.#rawOptions(index)));
  }

  /** A raw client that has said nothing yet. */
  async stranger(index = 1, invite: string | null = this.invite): Promise<RawClient> {
    return this.#kept(await RawClient.connect({ ...this.#rawOptions(index), invite }));
  }

  /** Lets the honest clients train. */
  release(): void {
    this.#gate.resolve();
  }

  /** The record of a round, once it has ended. */
  async record(round: number): Promise<RoundRecord> {
    await this.#parts.ended.has(round);
    const record = await this.stores.rounds.record(round);
    if (!record) throw new Error(`expected a record of round ${round}`);
    return record;
  }

  async events(): Promise<readonly LedgerEvent[]> {
    return (await this.stores.ledger.entries()).map(({ event }) => event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { coordinator, folder, kernel } = this.#parts;
    for (const raw of this.#raw) raw[Symbol.dispose]();
    await Promise.all(this.honest.map(({ client }) => client.leave()));
    await coordinator.stop();
    await kernel.close();
    await folder.close();
  }

  #rawOptions(index: number): Parameters<typeof RawClient.join>[0] {
    const seed = String(index).padStart(64, '0');
    return { url: this.url, federation: asFederationId('journeys'), invite: this.invite, seed };
  }

  #kept(raw: RawClient): RawClient {
    this.#raw.push(raw);
    return raw;
  }
}

export function verdictOf({ verdicts }: RoundRecord, { clientId }: RawClient['key']): Verdict | undefined {
  return verdicts.find(({ client }) => client === clientId);
}

/** Follows the coordinator's own log: a round is told there once its record is durable. */
class EndedRounds {
  readonly #rounds = new Map<number, ReturnType<typeof settlement<void>>>();

  heard(line: string): void {
    const [, round] = /^round (\d+) (?:committed|abandoned)/.exec(line) ?? [];
    if (round !== undefined) this.#of(Number(round)).resolve();
  }

  async has(round: number): Promise<void> {
    await this.#of(round).promise;
  }

  #of(round: number): ReturnType<typeof settlement<void>> {
    const known = this.#rounds.get(round) ?? settlement<void>();
    this.#rounds.set(round, known);
    return known;
  }
}
