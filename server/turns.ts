// Turns of those who read a record and then write it. Shared turns of different keys run at the same time, those of one
// key one after another; an exclusive turn runs alone, after all that were asked for before it and before all that are
// asked for after it, so that neither kind can keep the other waiting for ever. An act that fails stops nobody else's.

export class Turns {
  /** Settles with the last exclusive act asked for. */
  #exclusive: Promise<unknown> = Promise.resolve();
  /** Settle with the last act of each key that was asked for since. */
  readonly #shared = new Map<string, Promise<unknown>>();

  share<T>(key: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#shared.get(key) ?? this.#exclusive).then(act);
    const settled = turn.catch(() => undefined);
    this.#shared.set(key, settled);
    void settled.then(() => this.#forget(key, settled));
    return turn;
  }

  run<T>(act: () => Promise<T>): Promise<T> {
    const turn = Promise.all([this.#exclusive, ...this.#shared.values()]).then(act);
    this.#exclusive = turn.catch(() => undefined);
    this.#shared.clear();
    return turn;
  }

  #forget(key: string, settled: Promise<unknown>): void {
    if (this.#shared.get(key) === settled) this.#shared.delete(key);
  }
}
