// The demo's clients: each one the SDK as anyone would use it, with its own socket, key and privacy ledger. They share a
// process only because every start of TensorFlow.js costs most of a second.

import { type FederatedClient, joinFederation } from '../../client-sdk/index.ts';
import type { Trainer } from '../../client-sdk/training/trainer.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { Member } from '../population.ts';
import type { CoordinatorProcess } from './coordinator-process.ts';
import { clientFolder } from './demo-history.ts';

/** Who answers for the clients, in turn. */
export const ORGANISATIONS: readonly string[] = ['hospital-a', 'hospital-b', 'hospital-c', 'hospital-d', 'hospital-e'];

export interface GroupOptions {
  readonly dir: string;
  readonly onTrained: (round: number) => void;
  readonly signal: AbortSignal;
}

export class ClientGroup {
  readonly #clients: FederatedClient[] = [];

  /** @throws the first client's reason not to be let in. */
  async join(options: GroupOptions, { url, invites }: CoordinatorProcess, members: readonly Member[]): Promise<void> {
    const joining = members.map(async ({ index, trainer }) => {
      const invite = invites[index % invites.length];
      const client = await joinFederation({
        url,
        ...(invite === undefined ? {} : { invite }),
        signal: options.signal,
        folder: clientFolder(options.dir, index),
        name: `client-${index + 1}`,
        trainer: observed(trainer, options.onTrained),
      });
      this.#clients.push(client);
    });
    const outcomes = await Promise.allSettled(joining);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** One of them, to hear of rounds. @throws InvariantError before anybody has joined. */
  get observer(): FederatedClient {
    const [client] = this.#clients;
    if (!client) throw new InvariantError('no client has joined');
    return client;
  }

  get finished(): readonly Promise<void>[] {
    return this.#clients.map((client) => client.finished);
  }

  async leave(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.leave()));
  }
}

function observed(trainer: Trainer, onTrained: (round: number) => void): Trainer {
  return {
    async train(task) {
      const update = await trainer.train(task);
      onTrained(task.round);
      return update;
    },
  };
}
