// What a stage refuses that nobody can be brought to from outside within a test: figures beyond float32, a budget that is
// spent, a coordinator that lies about its history.

import { LedgerWitness } from '../../client-sdk/ledger/ledger-witness.ts';
import { gateModel } from '../../server/model/publish-model.ts';
import { budgetComplaint } from '../../server/privacy/planned-budget.ts';
import { asDigest, asFederationId } from '../../shared/ids.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import { FakeLedger } from './fake-ledger.ts';
import { type Provocation, toldByStage, toldBySdk } from './provocation.ts';
import { terms } from './small-federation.ts';

const federation = asFederationId('study');
const model = asDigest('ab'.repeat(32));
const other = asDigest('cd'.repeat(32));
const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** Holds the newest checkpoint of a ledger of two entries. */
async function witnessOf(ledger: FakeLedger): Promise<LedgerWitness> {
  await ledger.append({ type: 'verdict', round: 1 });
  const store = {
    ledgerMemory: () => Promise.resolve(undefined),
    writeLedgerMemory: () => Promise.resolve(),
    dropSubmissionsExcept: () => Promise.resolve(),
  };
  const options = { federation, ledgerKey: ledger.publicKey, acceptRecovery: false, store };
  const witness = await LedgerWitness.open(options);
  await take(witness, ledger, model);
  return witness;
}

const take = (witness: LedgerWitness, ledger: FakeLedger, shown: typeof model): Promise<void> =>
  witness.take({ note: ledger.note, model: shown }, (question) =>
    Promise.resolve(ledger.prove({ federation, ...question })),
  );

export const byStages = {
  'budget-exhausted': () => {
    const spent = budgetComplaint({ ...terms, rounds: 1_000 }, (epsilon) => `an epsilon of ${epsilon}`);
    return Promise.resolve(toldByStage(spent ?? {}));
  },
  'gate-failed': () => {
    const large = Float32Array.of(0, LARGEST_FLOAT32);
    return Promise.resolve(toldByStage(gateModel(large, large)));
  },
  'ledger-rewritten': async () => {
    const ledger = await FakeLedger.found(model);
    const witness = await witnessOf(ledger);
    return await toldBySdk(take(witness, await ledger.fork(1), model));
  },
  'unproven-model': async () => {
    const ledger = await FakeLedger.found(model);
    const witness = await witnessOf(ledger);
    return await toldBySdk(take(witness, ledger, other));
  },
} as const satisfies Partial<Record<RefusalCode, Provocation>>;
