// A client in a program of its own, to be killed at any moment: the real one, on the folder, coordinator and budget it is
// given, with a trainer that draws a few numbers. It trains and sends for as long as it lives and writes nothing.

import { FederatedClient } from '../../client-sdk/federated-client.ts';
import { LedgerWitness } from '../../client-sdk/ledger/ledger-witness.ts';
import { nodeClientStore } from '../../client-sdk/platform/node-client-store.ts';
import { PrivacyLedger } from '../../client-sdk/privacy/privacy-ledger.ts';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import { asFederationId } from '../../shared/ids.ts';
import { secureRandomSource } from '../../shared/random-source.ts';

const [, , url = '', folder = '', maxEpsilon = ''] = process.argv;
const federation = asFederationId('study');
const store = await nodeClientStore(folder);
const key = await signingKeyFromSeed(await store.privateKey());
const random = secureRandomSource();
const client = new FederatedClient(
  {
    url,
    federation,
    key,
    store,
    name: 'test',
    invite: null,
    betweenRounds: 'stay',
    maxEpsilon: Number(maxEpsilon),
    maxDelta: 0.001,
    allowNoPrivacy: false,
    trustCoordinator: false,
    trainer: { train: ({ baseModel }) => Promise.resolve(baseModel.map(() => random.uniform())) },
    witness: await LedgerWitness.open({
      federation,
      ledgerKey: null,
      acceptRecovery: false,
      store,
    }),
    release: () => Promise.resolve(),
    timing: {
      reopenDelayMs: 10,
      retryDelayMs: 5,
    },
  },
  await PrivacyLedger.open(store, { client: key.clientId, dataset: null, examples: null }),
  () => undefined,
);
client.open();
await client.finished;
