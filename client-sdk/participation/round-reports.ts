// What became of each round this client was offered, to be subscribed to or iterated over.

import type { Digest } from '../../shared/ids.ts';
import type { Refusal, RefusalCode } from '../../shared/protocol/refusals.ts';

export interface RoundReport {
  readonly round: number;
  /** Null where the round was not offered (`code` says why) or ended while this client was away. */
  readonly verdict: 'selected' | 'not-selected' | 'quarantined' | 'refused' | null;
  readonly code: RefusalCode | null;
  /** Why this client declined the round before anything was trained; null where it did not. */
  readonly declined: Refusal | null;
  readonly state: 'committed' | 'abandoned' | null;
  /** The newest committed model, as far as this client knows. */
  readonly modelDigest: Digest;
  /** Spent by this client's folder over its whole history; null where no privacy is declared or the run voids it. */
  readonly epsilon: number | null;
}

export class RoundReports {
  readonly #listeners = new Set<Listener>();
  #ended = false;

  /** Call the returned function to stop listening. */
  subscribe(listener: (report: RoundReport) => void): () => void {
    const each: Listener = (report) => {
      if (report) listener(report);
    };
    this.#listeners.add(each);
    return () => this.#listeners.delete(each);
  }

  publish(report: RoundReport): void {
    for (const listener of this.#listeners) listener(report);
  }

  /** Ends every iteration. */
  end(): void {
    this.#ended = true;
    for (const listener of this.#listeners) listener(undefined);
    this.#listeners.clear();
  }

  /** Reports from this call on, none left out however slowly they are taken; ends when the client leaves or is done. */
  iterate(): AsyncGenerator<RoundReport, void, undefined> {
    const arrived: (RoundReport | undefined)[] = this.#ended ? [undefined] : [];
    const mailbox = { arrived, wake: (): void => undefined };
    const listener: Listener = (report) => {
      arrived.push(report);
      mailbox.wake();
    };
    this.#listeners.add(listener);
    return this.#deliver(mailbox, listener);
  }

  async *#deliver(mailbox: Mailbox, listener: Listener): AsyncGenerator<RoundReport, void, undefined> {
    try {
      for (;;) {
        if (mailbox.arrived.length === 0) await new Promise<void>((resolve) => (mailbox.wake = resolve));
        const report = mailbox.arrived.shift();
        if (!report) return;
        yield report;
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }
}

/** Undefined marks the end. */
type Listener = (report: RoundReport | undefined) => void;

interface Mailbox {
  readonly arrived: (RoundReport | undefined)[];
  wake: () => void;
}
