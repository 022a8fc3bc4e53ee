// One SDK client of a fake coordinator, on a folder of its own, with waits short enough for a test. Leaves with the test.

import { onTestFinished } from 'vitest';
import type { ConnectionTiming } from '../../client-sdk/connection/connection-options.ts';
import { FederatedClient } from '../../client-sdk/federated-client.ts';
import { LedgerWitness } from '../../client-sdk/ledger/ledger-witness.ts';
import type { ClientOptions } from '../../client-sdk/participation/client-options.ts';
import type { ClientStore } from '../../client-sdk/participation/client-store.ts';
import type { RoundReport } from '../../client-sdk/participation/round-reports.ts';
import { nodeClientStore } from '../../client-sdk/platform/node-client-store.ts';
import { PrivacyLedger } from '../../client-sdk/privacy/privacy-ledger.ts';
import type { Trainer } from '../../client-sdk/training/trainer.ts';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import { settlement } from '../../shared/settlement.ts';
import { Arrivals } from './arrivals.ts';
import { type FakeCoordinator, federation } from './fake-coordinator.ts';
import { GatedTrainer } from './gated-trainer.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const SHORT: ConnectionTiming = {
  answerTimeoutMs: 150,
  retryDelayMs: 5,
  reopenDelayMs: 10,
  approvalDelayMs: 20,
};

export interface ClientChoice extends Partial<Pick<ClientOptions, 'betweenRounds' | 'clock' | 'random'>> {
  /** One that another client had before: the same client once more. */
  readonly folder?: string;
  readonly trainer?: Trainer;
  readonly maxEpsilon?: number;
  readonly maxDelta?: number;
  readonly allowNoPrivacy?: boolean;
  readonly trustCoordinator?: boolean;
  /** As an invite states it. */
  readonly ledgerKey?: string;
  readonly acceptRecovery?: boolean;
  readonly timing?: Partial<ConnectionTiming>;
  /** Between the client and its folder. */
  readonly around?: (store: ClientStore) => ClientStore;
}

export interface SdkClient {
  readonly client: FederatedClient;
  /** Unless another one was given. */
  readonly trainer: GatedTrainer;
  readonly folder: string;
  readonly reports: Arrivals<RoundReport>;
  readonly joined: Promise<void>;
}

/** Connecting; `joined` resolves with the first join. */
export async function openClient({ url }: FakeCoordinator, choice: ClientChoice = {}): Promise<SdkClient> {
  const { folder = temporaryFolder(), timing = SHORT, around = (store) => store } = choice;
  const { maxEpsilon = Infinity, maxDelta = 1e-3, betweenRounds = 'stay' } = choice;
  const { allowNoPrivacy = false, trustCoordinator = false } = choice;
  const { ledgerKey = null, acceptRecovery = false, clock, random } = choice;
  const store = around(await nodeClientStore(folder));
  const key = await signingKeyFromSeed(await store.privateKey());
  const witness = await LedgerWitness.open({ federation, ledgerKey, acceptRecovery, store });
  const trainer = new GatedTrainer();
  const { promise: joined, resolve } = settlement<void>();
  const options = {
    url,
    federation,
    invite: null,
    name: 'test',
    trainer: choice.trainer ?? trainer,
    maxEpsilon,
    maxDelta,
    allowNoPrivacy,
    trustCoordinator,
    betweenRounds,
    timing,
    ...(clock ? { clock } : {}),
    ...(random ? { random } : {}),
    release: () => Promise.resolve(),
  };
  const client = new FederatedClient({ ...options, key, store, witness }, await PrivacyLedger.open(store), resolve);
  const reports = new Arrivals<RoundReport>();
  client.onRound((report) => reports.push(report));
  onTestFinished(() => client.leave());
  client.open();
  return { client, trainer, folder, reports, joined };
}

export async function joinClient(coordinator: FakeCoordinator, choice: ClientChoice = {}): Promise<SdkClient> {
  const opened = await openClient(coordinator, choice);
  await opened.joined;
  return opened;
}
