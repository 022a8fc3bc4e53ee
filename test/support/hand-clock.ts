// A clock whose timers go off when a test says so: the wall keeps real time for the records, nothing ever waits for it.

import type { Clock } from '../../shared/ports.ts';

export class HandClock implements Clock {
  readonly #pending = new Map<number, { readonly delayMs: number; readonly act: () => void }>();
  #next = 0;

  now(): Date {
    return new Date();
  }

  after(delayMs: number, act: () => void): () => void {
    const id = this.#next++;
    this.#pending.set(id, { delayMs, act });
    return () => void this.#pending.delete(id);
  }

  /** Delays of the timers that are running. */
  get running(): readonly number[] {
    return [...this.#pending.values()].map(({ delayMs }) => delayMs);
  }

  /** Lets every running timer of that length go off. @throws Error when there is none. */
  elapse(delayMs: number): void {
    const due = [...this.#pending].filter(([, timer]) => timer.delayMs === delayMs);
    if (due.length === 0) throw new Error(`expected a timer of ${delayMs} ms, found ${this.running.join(', ')}`);
    for (const [id, { act }] of due) {
      this.#pending.delete(id);
      act();
    }
  }
}
