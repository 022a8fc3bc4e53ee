// A data folder that is served again and again, copied and put back while nobody holds it: what an admin with backups,
// or a coordinator that tells two stories, does with it. Each client of it is a folder of its own beside it.

import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FederatedClient, joinFederation } from '../../client-sdk/index.ts';
import type { Trainer, TrainingTask } from '../../client-sdk/training/trainer.ts';
import { parseFederation } from '../../server/config.ts';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import { serve, type Serving } from '../../server/main.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import { connect } from '../../server/storage/libsql-connection.ts';
import { asFederationId, asOrganisationId } from '../../shared/ids.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { FormulaTrainer } from './formula-trainer.ts';
import { worldConfig } from './journey-world.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const federation = asFederationId('journeys');
/** Both clients of a round have to send. */
const pair = { cohort: { minimum: 2, size: 2, quorum: 2 }, rule: { name: 'mean', f: 0 } };

/** Rounds after `last` are begun and never ended. */
export class TrainerUpTo implements Trainer {
  readonly #open: FormulaTrainer;
  readonly #held: FormulaTrainer;
  readonly #last: number;
  /** Rounds in which training was begun, in order. */
  readonly asked: number[] = [];

  constructor(client: number, last: number, gate = new Promise<void>(() => undefined)) {
    this.#open = new FormulaTrainer(client);
    this.#held = new FormulaTrainer(client, gate);
    this.#last = last;
  }

  async train(task: TrainingTask): Promise<Float32Array> {
    this.asked.push(task.round);
    return await (task.round <= this.#last ? this.#open : this.#held).train(task);
  }
}

export interface Seat {
  /** The client's folder: the same name is the same client. */
  readonly name: string;
  readonly trainer: Trainer;
  readonly acceptRecovery?: boolean;
}

export class ServedFolder {
  readonly dir = join(temporaryFolder(), 'data');
  readonly #clients: string;
  #serving: Serving | undefined;
  #invite = '';

  /** `clients`: where the folders of the clients lie. */
  constructor(clients = temporaryFolder()) {
    this.#clients = clients;
    onTestFinished(() => this.stop());
  }

  /** As it lies there, with the same key, the same clients and the same invites. */
  copy(): ServedFolder {
    const twin = new ServedFolder(this.#clients);
    twin.#invite = this.#invite;
    cpSync(this.dir, twin.dir, { recursive: true });
    return twin;
  }

  restore({ dir }: ServedFolder): void {
    rmSync(this.dir, { recursive: true });
    cpSync(dir, this.dir, { recursive: true });
  }

  /** Founded at the first time, amended to that many rounds in all afterwards. @returns the port. */
  async serve(rounds: number, port = 0): Promise<number> {
    const { privacy, model, training } = worldConfig();
    const readConfig = () =>
      Promise.resolve(parseFederation({ federation, rounds, privacy, model, training, ...pair }));
    const invites = this.#invite === '' ? [{ organisation: asOrganisationId('clinic'), quota: 100 }] : [];
    const place = { dir: this.dir, host: '127.0.0.1', port, publicUrl: null, log: () => undefined };
    this.#serving = accepted(await serve({ ...place, readConfig, fallback: worldConfig(), invites }));
    this.#invite = this.#serving.invites[0] ?? this.#invite;
    return this.#serving.port;
  }

  async stop(): Promise<void> {
    await this.#serving?.stop();
    this.#serving = undefined;
  }

  async join({ name, ...seat }: Seat): Promise<FederatedClient> {
    const url = `http://127.0.0.1:${this.#serving?.port}`;
    const client = await joinFederation({ url, invite: this.#invite, folder: join(this.#clients, name), ...seat });
    onTestFinished(() => client.leave());
    return client;
  }

  /** The first `rounds` rounds, run by two clients, and nobody holds the folder afterwards. */
  async run(rounds: number, seats: readonly Seat[]): Promise<void> {
    await this.serve(rounds);
    const clients = await Promise.all(seats.map((seat) => this.join(seat)));
    await Promise.all(clients.map(({ finished }) => finished));
    await this.stop();
  }

  async look<T>(at: (stores: FederationStores) => Promise<T>): Promise<T> {
    const folder = accepted(await readDataFolder(this.dir));
    try {
      return await at(folder.storeOf(federation));
    } finally {
      await folder.close();
    }
  }

  async events(): Promise<readonly LedgerEvent[]> {
    return (await this.look(({ ledger }) => ledger.entries())).map(({ event }) => event);
  }

  /** Past every rule: SQL on the database of a folder that nobody holds. */
  async tamper(script: string): Promise<void> {
    const connection = await connect(join(this.dir, 'muster.sqlite'), { readOnly: false, busyTimeoutMs: 5000 });
    await connection.executeScript(script);
    await connection.dispose();
  }

  /** The private key that signs the ledger. */
  get ledgerSeed(): string {
    return readFileSync(join(this.dir, 'ledger-key'), 'utf8').trim();
  }

  /** What a client's folder says that it has spent. */
  privacyLedgerOf(name: string): string {
    return readFileSync(join(this.#clients, name, 'privacy-ledger.json'), 'utf8');
  }
}
