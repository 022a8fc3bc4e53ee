// The work of one round, in the order that privacy asks for: reserve, fetch the base model, train, write the update,
// spend, and only then send. Each step is durable before the next begins, so that a crash in between repeats nothing.

import type { SigningKey } from '../../shared/ed25519.ts';
import type { Digest, FederationId } from '../../shared/ids.ts';
import { type Joined, notedSchema, type Offer } from '../../shared/protocol/messages.ts';
import { isVoid, privacyEventOf } from '../../shared/protocol/privacy-claim.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import type { CoordinatorConnection } from '../connection/coordinator-connection.ts';
import { downloadModel } from '../connection/download-model.ts';
import type { LedgerWitness } from '../ledger/ledger-witness.ts';
import type { PrivacyLedger } from '../privacy/privacy-ledger.ts';
import { makeSubmission } from '../submission/make-submission.ts';
import { sendSubmission } from '../submission/send-submission.ts';
import type { Trainer } from '../training/trainer.ts';
import { acceptedTermsOf, changedTerms } from './accepted-terms.ts';
import type { ClientStore, Submission } from './client-store.ts';
import { stateSpent } from './state-spent.ts';

/** What the owner of the data allows, whatever the federation asks. */
export interface OwnerLimits {
  /** Epsilon in all; the federation's own budget where that is smaller. */
  readonly maxEpsilon: number;
  /** Epsilon means nothing at a large delta. */
  readonly maxDelta: number;
  readonly allowNoPrivacy: boolean;
  /** Whether updates may go out bare to a coordinator that says it adds the noise itself. */
  readonly trustCoordinator: boolean;
}

export interface WorkPlace extends OwnerLimits {
  readonly url: string;
  readonly federation: FederationId;
  readonly key: SigningKey;
  readonly trainer: Trainer;
  readonly store: ClientStore;
  readonly ledger: PrivacyLedger;
  readonly witness: LedgerWitness;
  readonly connection: CoordinatorConnection;
}

export class RoundWork {
  readonly #place: WorkPlace;

  constructor(place: WorkPlace) {
    this.#place = place;
  }

  /** At every join: what the first one asked for is kept, and what either side counts beyond the other is spent on both. */
  async welcome(
    { terms, chargedRounds, countedRounds }: Pick<Joined, 'terms' | 'chargedRounds' | 'countedRounds'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, federation, ledger } = this.#place;
    const accepted = await store.acceptedTerms(federation);
    if (!accepted) await store.writeAcceptedTerms(federation, acceptedTermsOf(terms));
    const { privacy } = accepted ?? terms;
    const event = privacyEventOf(accepted ?? terms);
    if (!event || privacy.mode === 'none' || !chargedRounds) return;
    await ledger.takeOver(federation, chargedRounds, { event, unit: privacy.unit });
    if (!countedRounds || isVoid(privacy)) return;
    const counted = new Set(countedRounds);
    const spent = ledger.spentRounds(federation);
    // Rounds beyond those of the terms are refused, and others with them; an amendment may raise that.
    const forgotten = spent.filter((round) => round <= terms.rounds && !counted.has(round));
    await stateSpent(forgotten, this.#place, signal);
  }

  /** Whether the update for this offer lies in the folder, ready to be sent; all others are dropped. */
  async isWritten({ round, baseModelDigest }: Offer): Promise<boolean> {
    const { store, federation } = this.#place;
    const written = await store.submission(federation, round);
    const fits = written?.envelope.baseModelDigest === baseModelDigest && this.#maySend(written);
    await store.dropSubmissionsExcept(federation, fits ? round : null);
    return fits;
  }

  /** Leaves the update written, unless this round is refused: then nothing is trained. */
  async train(offer: Offer, terms: FederationTerms, signal: AbortSignal): Promise<Refused | undefined> {
    const { trainer, store, key, witness } = this.#place;
    const { round } = offer;
    const refused = await this.#reserve(round, terms);
    if (refused) return refused;
    const baseModel = await this.download(offer.baseModelDigest, terms, signal);
    const { tensors: schema, training, privacy } = terms;
    // A trainer is never begun with a signal that will not fire any more.
    signal.throwIfAborted();
    const update = await trainer.train({ round, baseModel, schema, training, privacy, signal });
    signal.throwIfAborted();
    const { head: checkpoint } = witness;
    await store.writeSubmission(await makeSubmission(update, { offer, terms, key, checkpoint }));
    return undefined;
  }

  /** Resolves when the coordinator has answered, with a receipt or a refusal. */
  async submit(round: number, signal: AbortSignal): Promise<void> {
    const { store, federation, ledger, connection } = this.#place;
    const submission = await store.submission(federation, round);
    // A later round was offered in the meantime.
    if (!submission) return;
    // Nothing is spent while there is nobody to send it to.
    await connection.whenJoined(signal);
    // The update says itself whether it is private: the terms may be those of a later join.
    if (submission.envelope.privacy !== null) await ledger.spend({ federation, round });
    await sendSubmission(submission, connection, signal);
  }

  /** The caller has seen its commit proven. */
  async download(digest: Digest, { tensors: schema }: FederationTerms, signal: AbortSignal): Promise<Float32Array> {
    const { url, federation, connection } = this.#place;
    return await connection.insist(async () => {
      const token = await connection.token();
      return await downloadModel(digest, { url, federation, token, schema }, signal);
    }, signal);
  }

  /** An update whose reservation gave way to another federation's was never sent: it is paid for anew. */
  #maySend({ envelope: { privacy, federation, round } }: Submission): boolean {
    const { ledger, allowNoPrivacy, trustCoordinator } = this.#place;
    if (privacy === null) return allowNoPrivacy;
    const isBare = 'noiseBy' in privacy;
    return ledger.holds({ federation, round }) && (!isBare || trustCoordinator || allowNoPrivacy);
  }

  async #reserve(round: number, terms: FederationTerms): Promise<Refused | undefined> {
    const { federation, ledger, store, maxEpsilon, maxDelta, allowNoPrivacy, trustCoordinator } = this.#place;
    const { privacy } = terms;
    const accepted = await store.acceptedTerms(federation);
    const changed = accepted && changedTerms(accepted, acceptedTermsOf(terms));
    if (changed) return changed;
    const event = privacyEventOf(terms);
    if (privacy.mode === 'none' || !event) return allowNoPrivacy ? undefined : noPrivacy();
    if (privacy.mode === 'central' && !trustCoordinator && !allowNoPrivacy) return coordinatorNotTrusted();
    if (privacy.delta > maxDelta) return deltaTooLarge(privacy.delta, maxDelta);
    const limit = { maxEpsilon: Math.min(maxEpsilon, privacy.epsilonBudget), delta: privacy.delta };
    const reserved = await ledger.reserve({ federation, round }, { event, unit: privacy.unit }, limit);
    return isRefused(reserved) ? reserved : undefined;
  }

  /** Tells the coordinator, so that nobody waits for this client. */
  async decline(round: number, { refusal }: Refused, signal: AbortSignal): Promise<void> {
    const { federation, connection } = this.#place;
    const code = refusal.code === 'replayed' ? 'replayed' : 'budget-exhausted';
    const declining = { federation, round, code } as const;
    await connection.insist(() => connection.request('decline', declining, notedSchema), signal);
  }
}

const noPrivacy = (): Refused =>
  refuse('budget-exhausted', {
    message: 'the federation’s terms declare no privacy, and this client does not allow that',
    expected: 'private training',
    found: 'privacy mode none',
    hint: 'set allowNoPrivacy where the examples may be given away',
  });

const coordinatorNotTrusted = (): Refused =>
  refuse('budget-exhausted', {
    message: 'the federation’s privacy is central: its coordinator would see this client’s bare updates',
    expected: 'noise that is added here, before anything leaves',
    found: 'privacy mode central, noise by the coordinator',
    hint: 'set trustCoordinator where whoever runs the coordinator may see the updates',
  });

const deltaTooLarge = (delta: number, maxDelta: number): Refused =>
  refuse('budget-exhausted', {
    message: 'the federation’s delta is larger than this client allows: epsilon means nothing there',
    expected: `delta at most ${maxDelta}`,
    found: `delta ${delta}`,
    hint: 'ask for a delta below 1 / number of examples, or set maxDelta',
  });
