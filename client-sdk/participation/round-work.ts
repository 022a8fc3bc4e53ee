// The work of one round, in the order that privacy asks for: reserve, fetch the base model, train, write the update,
// spend, and only then send. Each step is durable before the next begins, so that a crash in between repeats nothing.

import type { SigningKey } from '../../shared/ed25519.ts';
import { asDigest, type Digest, type FederationId } from '../../shared/ids.ts';
import { type Offer, notedSchema } from '../../shared/protocol/messages.ts';
import { privacyEventOf } from '../../shared/protocol/privacy-claim.ts';
import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import type { CoordinatorConnection } from '../connection/coordinator-connection.ts';
import { downloadModel } from '../connection/download-model.ts';
import type { PrivacyLedger } from '../privacy/privacy-ledger.ts';
import { makeSubmission } from '../submission/make-submission.ts';
import { sendSubmission } from '../submission/send-submission.ts';
import type { Trainer } from '../training/trainer.ts';
import type { ClientStore } from './client-store.ts';

export interface WorkPlace {
  readonly url: string;
  readonly federation: FederationId;
  readonly key: SigningKey;
  readonly trainer: Trainer;
  readonly store: ClientStore;
  readonly ledger: PrivacyLedger;
  readonly connection: CoordinatorConnection;
  /** Epsilon that the owner of the data allows in all; the federation's own budget where that is smaller. */
  readonly maxEpsilon: number;
}

export class RoundWork {
  readonly #place: WorkPlace;

  constructor(place: WorkPlace) {
    this.#place = place;
  }

  /** Whether the round's update lies in the folder, ready to be sent; updates of other rounds are dropped. */
  async isWritten(round: number, terms: FederationTerms): Promise<boolean> {
    const { store, ledger, federation } = this.#place;
    // An update whose reservation gave way to another federation's was never sent: it is trained, and paid for, anew.
    const paidFor = privacyEventOf(terms) === null || ledger.holds({ federation, round });
    await store.dropSubmissionsExcept(federation, paidFor ? round : null);
    return (await store.submission(federation, round)) !== undefined;
  }

  /** Leaves the update written, or declines the round before anything is trained. */
  async train(offer: Offer, terms: FederationTerms, signal: AbortSignal): Promise<'trained' | 'declined'> {
    const { trainer, store, key } = this.#place;
    const { round } = offer;
    const refused = await this.#reserve(round, terms);
    if (refused) {
      await this.#decline(round, refused, signal);
      return 'declined';
    }
    const baseModel = await this.download(asDigest(offer.baseModelDigest), terms, signal);
    const { tensors: schema, training, privacy } = terms;
    const update = await trainer.train({ round, baseModel, schema, training, privacy, signal });
    signal.throwIfAborted();
    await store.writeSubmission(await makeSubmission(update, { offer, terms, key }));
    return 'trained';
  }

  /** Resolves when the coordinator has answered, with a receipt or a refusal. */
  async submit(round: number, terms: FederationTerms, signal: AbortSignal): Promise<void> {
    const { store, federation, ledger, connection } = this.#place;
    const submission = await store.submission(federation, round);
    // A later round was offered in the meantime.
    if (!submission) return;
    // Nothing is spent while there is nobody to send it to.
    await connection.whenJoined(signal);
    if (privacyEventOf(terms)) await ledger.spend({ federation, round });
    await sendSubmission(submission, connection, signal);
  }

  async download(digest: Digest, { tensors: schema }: FederationTerms, signal: AbortSignal): Promise<Float32Array> {
    const { url, federation, connection } = this.#place;
    return await connection.insist(async () => {
      const { token } = connection;
      return await downloadModel(digest, { url, federation, token, schema }, signal);
    }, signal);
  }

  async #reserve(round: number, terms: FederationTerms): Promise<Refused | undefined> {
    const { federation, ledger, maxEpsilon } = this.#place;
    const { privacy } = terms;
    const event = privacyEventOf(terms);
    if (privacy.mode === 'none' || !event) return undefined;
    const limit = { maxEpsilon: Math.min(maxEpsilon, privacy.epsilonBudget), delta: privacy.delta };
    const reserved = await ledger.reserve({ federation, round }, event, limit);
    return isRefused(reserved) ? reserved : undefined;
  }

  async #decline(round: number, { refusal }: Refused, signal: AbortSignal): Promise<void> {
    const { federation, connection } = this.#place;
    const code = refusal.code === 'replayed' ? 'replayed' : 'budget-exhausted';
    const declining = { federation, round, code } as const;
    await connection.insist(() => connection.request('decline', declining, notedSchema), signal);
  }
}
