// muster-fl for Node: join a federation, train locally with differential privacy, send signed updates.
//
//   const client = await joinFederation({ url, invite, folder: './my-client', trainer: localTrainer({ model, examples }) });
//   for await (const round of client.rounds()) console.log(round.round, round.verdict, round.epsilon);

import { signingKeyFromSeed } from '../shared/ed25519.ts';
import { isFederationId } from '../shared/ids.ts';
import { parseInvite } from '../shared/protocol/invite.ts';
import { accepted, type Refusal, RefusedError, refuse } from '../shared/protocol/refusals.ts';
import { timeLimit } from '../shared/time-limit.ts';
import { FederatedClient } from './federated-client.ts';
import { LedgerWitness } from './ledger/ledger-witness.ts';
import { type ClientStore, datasetNameSchema } from './participation/client-store.ts';
import { lockClientFolder } from './platform/client-folder-lock.ts';
import { nodeClientStore } from './platform/node-client-store.ts';
import { PrivacyLedger } from './privacy/privacy-ledger.ts';
import type { Trainer } from './training/trainer.ts';

export type { FederatedClient } from './federated-client.ts';
export { checkpointsConflict, type LedgerName } from './ledger/checkpoints-conflict.ts';
export type { Comparison } from './ledger/ledger-witness.ts';
export type { RoundReport } from './participation/round-reports.ts';
export { rotateKey } from './platform/rotate-key.ts';
export type { Trainer, TrainingTask } from './training/trainer.ts';
export { localTrainer } from './training/local-trainer.ts';
export type { AdaptiveClipping } from './privacy/adaptive-clipping.ts';
export {
  NodePrivateTrainer as PrivateTrainer,
  type NodePrivateTrainerOptions as PrivateTrainerOptions,
} from './platform/node-private-trainer.ts';
export type { FitOptions, FitProgress, PrivateFit } from './training/fit-options.ts';
export type { Examples, NamedExamples } from './training/example-set.ts';
export { readWeights, writeWeights } from './training/model-layout.ts';
export { type Refusal, RefusedError } from '../shared/protocol/refusals.ts';

export interface JoinOptions {
  /** Where the coordinator listens, such as http://localhost:7400. */
  readonly url: string;
  /** As the coordinator's admin gave it; not needed again once the folder's key is enrolled. Pins the ledger's key. */
  readonly invite?: string;
  /** The federation's name, where no invite says it. */
  readonly federation?: string;
  readonly trainer: Trainer;
  /** Holds the client's key, its privacy ledger and the history it has seen. One client at a time; losing it is for good. */
  readonly folder: string;
  /**
   * Folder of the privacy ledger, where other clients train on the same examples, in this federation or another: name
   * the same one for all of them, so that they share one budget. Default: `folder`.
   */
  readonly privacyLedger?: string;
  /**
   * The data set's name, as its owner calls it: data sets of different names are counted apart, unless they hold the
   * same examples. Default: none, and everything in the privacy ledger counts together.
   */
  readonly dataset?: string;
  /** For people to read. Default: the first characters of the client's id. */
  readonly name?: string;
  /** Epsilon that the owner of the data allows in all. Default: the federation's budget. */
  readonly maxEpsilon?: number;
  /** Largest delta that the owner of the data allows, default 0.001: epsilon means nothing at a large delta. */
  readonly maxDelta?: number;
  /** True: take part where the terms declare no privacy too, each update as bare as it is trained. Default false. */
  readonly allowNoPrivacy?: boolean;
  /**
   * True: take part where the privacy is central too. Each update then leaves without noise, and whoever runs the
   * coordinator sees it; against all others the coordinator's noise protects this client as a whole. Default false.
   */
  readonly trustCoordinator?: boolean;
  /** True: should the ledger not extend the one seen before, take that a backup was restored, where the ledger says so. */
  readonly acceptRecovery?: boolean;
  /** Come-back: hang up whenever the coordinator says how long nothing will be asked. Default stay. */
  readonly betweenRounds?: 'stay' | 'come-back';
  /** How long to try before the first join, in milliseconds. Default 30,000. */
  readonly joinTimeoutMs?: number;
  /** Aborted: stop trying to join. Afterwards `leave` is the way out. */
  readonly signal?: AbortSignal;
}

const JOIN_TIMEOUT_MS = 30_000;
const MAX_DELTA = 1e-3;

/** Resolves when the coordinator has let the client in. @throws RefusedError with the coordinator's reason. */
export async function joinFederation(options: JoinOptions): Promise<FederatedClient> {
  const invite = options.invite === undefined ? undefined : parseInvite(options.invite);
  if (options.invite !== undefined && !invite) {
    throw new RefusedError(
      refuse('not-enrolled', { expected: 'an invite: federation.secret.ledger-key', found: 'another text' }).refusal,
    );
  }
  const federation = options.federation ?? invite?.federation;
  if (federation === undefined || !isFederationId(federation)) {
    throw new RefusedError(refuse('wrong-federation', { expected: 'an invite or the federation’s name' }).refusal);
  }
  const { release } = accepted(await lockClientFolder(options.folder));
  try {
    const store = await nodeClientStore(options.folder, options.privacyLedger);
    const { acceptRecovery = false } = options;
    const ledgerKey = invite?.ledgerKey ?? null;
    const witness = await LedgerWitness.open({ federation, ledgerKey, acceptRecovery, store });
    return await connect({ ...options, federation, release, store, witness });
  } catch (fault) {
    await release();
    throw fault;
  }
}

type Connecting = JoinOptions & {
  readonly federation: FederatedClient['terms']['federation'];
  readonly store: ClientStore;
  readonly witness: LedgerWitness;
  readonly release: () => Promise<void>;
};

async function connect({ store, ...options }: Connecting): Promise<FederatedClient> {
  const key = await signingKeyFromSeed(await store.privateKey());
  const dataset = options.dataset === undefined ? null : datasetNameSchema.parse(options.dataset);
  const examples = (await options.trainer.examplesDigest?.()) ?? null;
  const ledger = await PrivacyLedger.open(store, { client: key.clientId, dataset, examples });
  const { invite = null, name = key.clientId.slice(0, 12) } = options;
  const { maxEpsilon = Infinity, maxDelta = MAX_DELTA, betweenRounds = 'stay' } = options;
  const { allowNoPrivacy = false, trustCoordinator = false } = options;
  const choices = { maxEpsilon, maxDelta, allowNoPrivacy, trustCoordinator, betweenRounds };
  const timeoutMs = options.joinTimeoutMs ?? JOIN_TIMEOUT_MS;
  const limit = timeLimit(timeoutMs, options.signal ? [options.signal] : []);
  let delayedBy: Refusal | null = null;
  const onDelayed = (refusal: Refusal | null): void => {
    delayedBy = refusal;
  };
  return await new Promise((resolve, reject) => {
    const joined = (): void => {
      limit.lift();
      resolve(client);
    };
    const client = new FederatedClient({ ...options, ...choices, invite, name, key, store, onDelayed }, ledger, joined);
    const giveUp = (): void => {
      void client.leave();
      reject(options.signal?.aborted ? options.signal.reason : notJoined(delayedBy, options.url, timeoutMs));
    };
    limit.signal.addEventListener('abort', giveUp);
    client.finished.catch((fault: unknown) => {
      limit.lift();
      reject(fault);
    });
    if (limit.signal.aborted) giveUp();
    else client.open();
  });
}

function notJoined(delayedBy: Refusal | null, url: string, timeoutMs: number): Error {
  if (!delayedBy) return new Error(`no coordinator answered at ${url} within ${timeoutMs} ms: is it running there?`);
  const hint = 'join again from the same folder once that is no longer so';
  const message = `not let in at ${url} within ${timeoutMs} ms: ${delayedBy.message}`;
  return new RefusedError({ hint, ...delayedBy, message });
}
