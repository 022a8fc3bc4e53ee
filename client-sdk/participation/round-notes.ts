// What this client knows of the round that it was last offered: the offer, why it declined, what the verdict was.

import type { Offer, VerdictMessage } from '../../shared/protocol/messages.ts';
import type { Refusal } from '../../shared/protocol/refusals.ts';
import type { RoundReport } from './round-reports.ts';

export class RoundNotes {
  #offer: Offer | undefined;
  #verdict: VerdictMessage | undefined;
  #declined: Refusal | null = null;

  get offer(): Offer | undefined {
    return this.#offer;
  }

  begin(offer: Offer): void {
    this.#offer = offer;
    this.#verdict = undefined;
    this.#declined = null;
  }

  judged(verdict: VerdictMessage): void {
    this.#verdict = verdict;
  }

  declined(refusal: Refusal): void {
    this.#declined = refusal;
  }

  /** Nothing of another round than that one. */
  outcomeOf(round: number): Pick<RoundReport, 'verdict' | 'code' | 'declined'> {
    const { verdict = null, code = null } = this.#verdict?.round === round ? this.#verdict : {};
    return { verdict, code, declined: this.#offer?.round === round ? this.#declined : null };
  }
}
