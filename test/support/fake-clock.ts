// A clock that a test moves. Timers fire in the order of their time, within `advance`, and never otherwise.

import type { Clock } from '../../shared/ports.ts';

interface Timer {
  readonly atMs: number;
  readonly act: () => void;
}

export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>();
  #nowMs = Date.parse('2026-03-01T12:00:00.000Z');

  now(): Date {
    return new Date(this.#nowMs);
  }

  after(delayMs: number, act: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, act };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.act();
    }
    this.#nowMs = untilMs;
  }
}
