// Everything that writes, a transaction for all who ask at the same time: acts that wait while a transaction is under way
// go into the next one together, in the order of asking, with one append to the ledger and one checkpoint over all their
// events. An act's promise resolves once its transaction is durable. Where one fails, all of that transaction is rolled
// back and each is run again in a transaction of its own, so that only the one at fault rejects.

import { InvariantError } from '../../shared/invariant-error.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { Prisma, PrismaClient } from './generated/client.ts';

/** What an act has come to, and what the ledger is to tell of it. */
export interface Written<T> {
  readonly value: T;
  readonly events: readonly LedgerEvent[];
}

/**
 * May be run a second time after a rollback: reads and writes in `transaction` alone. `earlier`: the events of the acts
 * before it in the same transaction, which are not rows of the ledger before all have acted.
 */
export type WriteAct<T> = (
  transaction: Prisma.TransactionClient,
  earlier: readonly LedgerEvent[],
) => Promise<Written<T>>;

export interface WriteBatchOptions {
  readonly database: Pick<PrismaClient, '$transaction'>;
  /** Called once in a transaction, unless nothing is to be told. */
  readonly append: (transaction: Prisma.TransactionClient, events: readonly LedgerEvent[]) => Promise<void>;
}

interface Waiting {
  /** @returns its events, and what answers whoever asked, for when they are durable. */
  readonly act: WriteAct<() => void>;
  readonly reject: (fault: unknown) => void;
}

const MOST_TOGETHER = 64;

export class WriteBatch {
  readonly #options: WriteBatchOptions;
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(options: WriteBatchOptions) {
    this.#options = options;
  }

  write<T>(act: WriteAct<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const answering: Waiting['act'] = async (transaction, earlier) => {
        const { value, events } = await act(transaction, earlier);
        return { value: () => resolve(value), events };
      };
      this.#waiting.push({ act: answering, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) await this.#writeTogether(batch);
    this.#isWriting = false;
  }

  #next(): readonly Waiting[] {
    return this.#waiting.splice(0, MOST_TOGETHER);
  }

  /** Never rejects. */
  async #writeTogether(batch: readonly Waiting[]): Promise<void> {
    try {
      for (const answer of await this.#commit(batch)) answer();
    } catch (fault) {
      const [only, ...others] = batch;
      if (others.length === 0) return only?.reject(fault);
      for (const each of batch) await this.#writeTogether([each]);
    }
  }

  /** @returns the answers, in order. */
  async #commit(batch: readonly Waiting[]): Promise<readonly (() => void)[]> {
    const { database, append } = this.#options;
    return await database.$transaction(async (transaction) => {
      const events: LedgerEvent[] = [];
      const answers: (() => void)[] = [];
      for (const { act } of batch) {
        const written = await act(transaction, events);
        events.push(...written.events);
        answers.push(written.value);
      }
      if (events.length > 0) await append(transaction, events);
      return answers;
    });
  }
}

/** Of an act that changed something. @throws InvariantError without an event: the ledger tells of every transition. */
export function told<T>(value: T, events: readonly LedgerEvent[]): Written<T> {
  if (events.length === 0) throw new InvariantError('a transition without a ledger entry');
  return { value, events };
}

/** Of an act that found nothing to do. */
export const nothingDone = <T>(value: T): Written<T> => ({ value, events: [] });
