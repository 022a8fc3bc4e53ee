// The token of one join: asked for, it is one that still holds. Renewed only when somebody needs it and little of its
// life is left, however many ask at once.

import { type Clock, MAX_DELAY_MS } from '../../shared/ports.ts';

export interface GrantedToken {
  readonly token: string;
  readonly expiresInMs: number;
}

/** What is asked of the coordinator under a token takes time: less than this is too little. */
const MARGIN_MS = 30_000;

export class BearerToken {
  readonly #renew: () => Promise<GrantedToken>;
  readonly #clock: Clock;
  #token = '';
  #isFresh = false;
  #renewing: Promise<string> | undefined;
  #cancel: () => void = () => undefined;
  #isEnded = false;

  constructor(granted: GrantedToken, renew: () => Promise<GrantedToken>, clock: Clock) {
    this.#renew = renew;
    this.#clock = clock;
    this.#accept(granted);
  }

  /** @throws whatever keeps the coordinator from renewing it. */
  async current(): Promise<string> {
    if (this.#isFresh) return this.#token;
    this.#renewing ??= this.#renewed().finally(() => {
      this.#renewing = undefined;
    });
    return await this.#renewing;
  }

  /** The join is over: no timer is left. */
  end(): void {
    this.#isEnded = true;
    this.#cancel();
  }

  async #renewed(): Promise<string> {
    this.#accept(await this.#renew());
    return this.#token;
  }

  #accept({ token, expiresInMs }: GrantedToken): void {
    this.#cancel();
    this.#token = token;
    this.#isFresh = true;
    if (this.#isEnded) return;
    const goodForMs = expiresInMs - Math.min(MARGIN_MS, expiresInMs / 2);
    this.#cancel = this.#clock.after(Math.min(goodForMs, MAX_DELAY_MS), () => {
      this.#isFresh = false;
    });
  }
}
