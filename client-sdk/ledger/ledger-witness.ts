// The client as a witness of the coordinator's ledger: signed checkpoints come in, and each is taken only where the
// coordinator proves that it extends the one held, or restored a backup and the owner accepts that. A model is taken only
// with the proof that its commit is an entry of the history held, and none whose commit is older than that of a model
// taken before. What is taken is durable before anybody relies on it.

import type { Digest, FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { openCheckpoint, originOf, type TreeHead } from '../../shared/ledger/checkpoint.ts';
import { verifyConsistency } from '../../shared/ledger/merkle-proofs.ts';
import type { LedgerProof } from '../../shared/protocol/messages.ts';
import { accepted, isRefused, RefusedError, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { ClientStore } from '../participation/client-store.ts';
import type { AskLedger, LedgerQuestion } from './ask-ledger.ts';
import { provenCommit, provenRecovery } from './entry-proof.ts';
import { type HeldCheckpoint, isSameHead, rewritten } from './held-checkpoint.ts';

/** What a message of the coordinator states. */
export interface Shown {
  /** The newest checkpoint. */
  readonly note: string;
  /** The model that the message speaks of. */
  readonly model: Digest;
}

/** What came with a head. */
interface Learnt {
  readonly commit: Commit;
  /** Hash of the newest entry that says a backup was restored, if one was shown. */
  readonly recovery: Digest | undefined;
}

/** A model, and where the entry that committed it stands: index from 0. */
interface Commit {
  readonly model: Digest;
  readonly index: number;
}

/** Their history is ours; theirs goes on where ours ends; ours goes on where theirs ends. */
export type Comparison = 'same' | 'extends' | 'behind';

export interface WitnessOptions {
  readonly federation: FederationId;
  /** As an invite states it; null where none came with one. */
  readonly ledgerKey: string | null;
  /** Whether the owner of the data takes it that the coordinator was restored from a backup. */
  readonly acceptRecovery: boolean;
  readonly store: Pick<ClientStore, 'ledgerMemory' | 'writeLedgerMemory' | 'dropSubmissionsExcept'>;
}

export class LedgerWitness {
  readonly #options: WitnessOptions;
  #ledgerKey: string | null;
  #held: HeldCheckpoint | undefined;
  /** Hash of the newest recovery shown: one that the history held knows of excuses no other history. */
  #recovery: Digest | null = null;
  /** Highest index of a commit proven in the history held: a model of an older one is not taken. */
  #newestCommit: number | null = null;
  /** The model of that commit, once this process saw it proven: the only one not asked for again under the head held. */
  #newestModel: Digest | undefined;

  private constructor(options: WitnessOptions, ledgerKey: string | null) {
    this.#options = options;
    this.#ledgerKey = ledgerKey;
  }

  /** @throws RefusedError bad-checkpoint where the invite names another key than the one remembered. */
  static async open(options: WitnessOptions): Promise<LedgerWitness> {
    const { federation, store } = options;
    const memory = await store.ledgerMemory(federation);
    const witness = new LedgerWitness(options, options.ledgerKey ?? memory?.ledgerKey ?? null);
    if (!memory) return witness;
    const stranger = witness.meet(memory.ledgerKey);
    if (stranger) throw new RefusedError(stranger.refusal);
    const held = await witness.#open(memory.checkpoint);
    if (isRefused(held)) throw new InvariantError(`the ledger memory of ${federation} holds no checkpoint of its key`);
    witness.#held = held;
    witness.#recovery = memory.recovery;
    witness.#newestCommit = memory.newestCommit;
    return witness;
  }

  /** The key under which a coordinator says that it signs; the first one is kept where none is pinned. */
  meet(ledgerKey: string): Refused | undefined {
    this.#ledgerKey ??= ledgerKey;
    return ledgerKey === this.#ledgerKey ? undefined : anotherLedger(this.#ledgerKey, ledgerKey);
  }

  /** Undefined before the first coordinator was met. */
  get ledgerKey(): string | undefined {
    return this.#ledgerKey ?? undefined;
  }

  /** The last checkpoint taken; undefined before the first. */
  get checkpoint(): string | undefined {
    return this.#held?.note;
  }

  /** Of the last checkpoint taken. @throws InvariantError before the first. */
  get head(): TreeHead {
    if (!this.#held) throw new InvariantError('expected a checkpoint to have been taken, found none');
    const { size, root } = this.#held;
    return { size, root };
  }

  /**
   * Takes what is shown, durably. A checkpoint that ours provably extends is merely late: ours is kept.
   * @throws RefusedError bad-checkpoint, ledger-rewritten or unproven-model, for a model older than one taken before
   * too: then nothing is taken.
   */
  async take(shown: Shown, ask: AskLedger): Promise<void> {
    const next = accepted(await this.#open(shown.note));
    const held = this.#held;
    if (!held) return await this.#begin(next, shown.model, await ask(questionOf(next, null, shown.model)));
    const known = next.size > held.size ? undefined : this.#knownCommit(shown.model);
    if (known && isSameHead(held, next)) return;
    const [from, to] = next.size < held.size ? [next, held] : [held, next];
    const reply = await ask(questionOf(to, from, known ? null : shown.model));
    if (!isExtension(from, to, reply)) return await this.#recover(next, shown.model, ask);
    const commit = known ?? this.#requireNewest(this.#requireCommit(shown.model, to, reply));
    await this.#keep(to, { commit, recovery: this.#recoveryIn(reply, to) });
  }

  /**
   * Another's checkpoint of the same ledger against ours.
   * @throws RefusedError bad-checkpoint, or ledger-rewritten where the two are not of one history, or not provably.
   */
  async compare(note: string, ask: AskLedger): Promise<Comparison> {
    const held = this.#held;
    if (!held) throw new InvariantError('expected a checkpoint to compare with, found none');
    const theirs = accepted(await this.#open(note));
    if (isSameHead(held, theirs)) return 'same';
    if (held.size === theirs.size) throw new RefusedError(rewritten(held, theirs).refusal);
    const [from, to] = theirs.size < held.size ? [theirs, held] : [held, theirs];
    const reply = await ask(questionOf(to, from, null));
    if (!isExtension(from, to, reply)) throw new RefusedError(rewritten(held, theirs).refusal);
    return to === theirs ? 'extends' : 'behind';
  }

  /**
   * Asks with our checkpoint in hand whatever follows: so the coordinator has it on record. An update stated under the
   * lost history goes with it: no coordinator takes it, and one that was never sent is better trained anew.
   */
  async #recover(next: HeldCheckpoint, model: Digest, ask: AskLedger): Promise<void> {
    const { acceptRecovery, federation, store } = this.#options;
    const held = this.#held;
    if (!held) return;
    const reply = await ask(questionOf(next, held, model));
    const recovery = this.#recoveryIn(reply, next);
    const isNews = recovery !== undefined && recovery !== this.#recovery;
    if (!acceptRecovery || !isNews) throw new RefusedError(rewritten(held, next).refusal);
    // Whatever its place: what was proven before is of another history.
    const commit = this.#requireCommit(model, next, reply);
    await store.dropSubmissionsExcept(federation, null);
    await this.#keep(next, { commit, recovery });
  }

  async #begin(head: HeldCheckpoint, model: Digest, reply: LedgerProof): Promise<void> {
    const commit = this.#requireCommit(model, head, reply);
    await this.#keep(head, { commit, recovery: this.#recoveryIn(reply, head) });
  }

  /** Only under the head held: further on, and for an older model, a newer commit of the same digest may be there. */
  #knownCommit(model: Digest): Commit | undefined {
    const index = this.#newestCommit;
    return model === this.#newestModel && index !== null ? { model, index } : undefined;
  }

  #requireNewest(commit: Commit): Commit {
    if (commit.index >= (this.#newestCommit ?? 0)) return commit;
    throw new RefusedError(olderModel(commit, this.#newestCommit).refusal);
  }

  #requireCommit(model: Digest, head: HeldCheckpoint, reply: LedgerProof): Commit {
    const { federation } = this.#options;
    const index = provenCommit(reply.model, { head, federation, model });
    if (index !== undefined) return { model, index };
    const expected = `an entry of the first ${head.size} that committed the model ${model}`;
    const found = reply.model === null ? 'none' : 'a proof that does not hold';
    throw new RefusedError(refuse('unproven-model', { expected, found, hint: askTheAdmin }).refusal);
  }

  #recoveryIn({ recovered }: LedgerProof, head: HeldCheckpoint): Digest | undefined {
    return provenRecovery(recovered, { head, federation: this.#options.federation });
  }

  async #keep(head: HeldCheckpoint, { commit, recovery }: Learnt): Promise<void> {
    const { federation, store } = this.#options;
    const { ledgerKey } = this;
    const isNews = head !== this.#held || commit.index !== this.#newestCommit;
    if (ledgerKey !== undefined && isNews) {
      const { index: newestCommit } = commit;
      const memory = { ledgerKey, checkpoint: head.note, recovery: recovery ?? this.#recovery, newestCommit };
      await store.writeLedgerMemory(federation, memory);
    }
    this.#recovery = recovery ?? this.#recovery;
    this.#held = head;
    this.#newestCommit = commit.index;
    this.#newestModel = commit.model;
  }

  async #open(note: string): Promise<HeldCheckpoint | Refused> {
    const publicKey = this.#ledgerKey;
    if (publicKey === null) throw new InvariantError('expected the key of a ledger, found none: nobody was met');
    return await openCheckpoint(note, { origin: originOf(this.#options.federation), publicKey });
  }
}

function questionOf(head: TreeHead, held: HeldCheckpoint | null, model: Digest | null): LedgerQuestion {
  return { size: head.size, held: held?.note ?? null, model };
}

const isExtension = (from: TreeHead, to: TreeHead, { consistency }: LedgerProof): boolean =>
  isSameHead(from, to) || (consistency !== null && verifyConsistency({ from, to, proof: consistency }));

const askTheAdmin = 'train on nothing that the ledger does not hold; ask the admin which model is the committed one';

const olderModel = ({ model, index }: Commit, newest: number | null): Refused =>
  refuse('unproven-model', {
    message: 'the model is older than one that the ledger has already shown to be committed',
    expected: `a model committed at index ${newest} of the ledger or later`,
    found: `${model}, committed at index ${index}`,
    hint: 'train on no model of the past; ask the admin which model is the committed one, and who could replay an old one',
  });

const anotherLedger = (expected: string, found: string): Refused =>
  refuse('bad-checkpoint', {
    message: 'the ledger is signed under another key than the one pinned for this federation',
    expected: `the ledger key ${expected}`,
    found,
    hint: 'this is another coordinator, or the federation was founded anew: ask the admin for its ledger key',
  });
