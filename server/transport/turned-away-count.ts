// What is turned away before anybody has proved to be anybody: counted by its reason, and told in the log at the 1st, 2nd,
// 4th, 8th … time, so that whoever is refused a million times has written twenty lines.

export class TurnedAwayCount {
  readonly #log: (line: string) => void;
  readonly #times = new Map<string, number>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** `reason`: a text of ours, of which there are few; never the sender's. */
  note(reason: string): void {
    const times = (this.#times.get(reason) ?? 0) + 1;
    this.#times.set(reason, times);
    if (Number.isInteger(Math.log2(times))) this.#log(`socket turned away: ${reason} (${times} so far)`);
  }
}
