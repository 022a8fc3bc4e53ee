// The updates of the open round in memory, so that what the close needs of them (the distances of all pairs) is computed
// while others still arrive. A convenience and no store: the blobs hold the same bytes, and what is missing here, after a
// restart or beyond the budget, is read from them.

import type { ClientId } from '../../../shared/ids.ts';
import type { GrowingCohort, Kernel } from '../../aggregation/kernels/kernel.ts';

export interface Memory {
  readonly kernel: Kernel;
  /** d. */
  readonly parameters: number;
  /** For the values of all updates of one round. */
  readonly memoryBudgetBytes: number;
}

export class ArrivedUpdates {
  readonly #memory: Memory;
  #round: number | undefined;
  /** Undefined too where the round has outgrown the budget. */
  #growing: GrowingCohort | undefined;
  #count = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  get kernel(): Kernel {
    return this.#memory.kernel;
  }

  /** Whether so many updates may be held at once. */
  fits(updates: number): boolean {
    const { parameters, memoryBudgetBytes } = this.#memory;
    return updates * parameters * Float32Array.BYTES_PER_ELEMENT <= memoryBudgetBytes;
  }

  /** Copies the values of a staged update; nobody waits for what is computed of them. */
  keep(round: number, client: ClientId, values: Float32Array): void {
    if (round !== this.#round) this.#begin(round);
    const growing = this.#growing;
    if (!growing || growing.has(client)) return;
    this.#count++;
    if (!this.fits(this.#count)) this.#growing = undefined;
    else growing.add(client, values).catch(() => this.#drop(growing));
  }

  /** The round's updates as far as they are here; they are the caller's from now on. */
  take(round: number): GrowingCohort {
    const growing = round === this.#round ? this.#growing : undefined;
    this.#round = undefined;
    this.#growing = undefined;
    return growing ?? this.#fresh();
  }

  #begin(round: number): void {
    this.#round = round;
    this.#count = 0;
    this.#growing = this.#fresh();
  }

  /** The close begins anew from the blobs, and meets the fault itself if it is still there. */
  #drop(growing: GrowingCohort): void {
    if (this.#growing === growing) this.#growing = undefined;
  }

  #fresh(): GrowingCohort {
    return this.#memory.kernel.growing(this.#memory.parameters);
  }
}
