// What has arrived, in order: a test takes one after another and waits where nothing is there yet. No polling, no sleep.

import { settlement } from '../../shared/settlement.ts';

export class Arrivals<T> {
  /** Everything so far, taken or not. */
  readonly all: T[] = [];
  #taken = 0;
  #wake = settlement<void>();

  push(item: T): void {
    this.all.push(item);
    this.#wake.resolve();
  }

  /** The first that nobody has taken. */
  async next(): Promise<T> {
    for (;;) {
      if (this.#taken < this.all.length) {
        const [item] = this.all.slice(this.#taken++);
        if (item !== undefined) return item;
      }
      this.#wake = settlement<void>();
      await this.#wake.promise;
    }
  }
}
