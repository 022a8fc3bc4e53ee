import { describe, expect, it } from 'vitest';
import { type FederationPlan, foundFederation } from '../../../server/model/found-federation.ts';
import { readModel } from '../../../server/model/read-model.ts';
import { initialModel } from '../../../server/model/initial-model.ts';
import { sha256 } from '../../../shared/digest.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { openFolder, testClock } from '../../support/data-folders.ts';
import { expectSoundLedger } from '../../support/sound-ledger.ts';
import { federation, schema } from '../../support/small-federation.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const tensors = schema.map((tensor) => ({ ...tensor, initial: 'glorot-uniform' as const }));
/** A configuration is "what is fixed / what may be amended" here. */
const plan: FederationPlan = {
  federation,
  configText: 'rule f=1/rounds 15',
  fixedDifference: (before, after) => {
    const [expected = '', found = ''] = [before, after].map((text) => text.split('/')[0]);
    return expected === found ? undefined : { expected, found };
  },
  tensors,
  seed: 3,
};

async function place() {
  const folder = await openFolder(temporaryFolder());
  const stores = folder.storeOf(federation);
  const { publicKey: ledgerKey } = stores.ledger;
  return { stores, store: stores.federation, blobs: folder.blobs, clock: testClock, ledgerKey };
}

describe('a federation', () => {
  it('is founded with its configuration and its initial model, bytes before rows', async () => {
    const at = await place();
    const { initialModel: version, config, foundedAt } = accepted(await foundFederation(plan, at));
    expect([config, foundedAt]).toEqual([plan.configText, testClock.now()]);
    expect(await at.stores.models.versions()).toEqual([version]);
    expect(version).toMatchObject({ round: 0, parent: null });
    expect(await readModel(version.digest, { blobs: at.blobs, schema })).toEqual(initialModel(tensors, 3));
    const [entry] = await at.stores.ledger.entries();
    const configDigest = await sha256(plan.configText);
    const { ledgerKey } = at;
    expect(ledgerKey).toMatch(/^[0-9a-f]{64}$/u);
    expect(entry?.event).toEqual({ type: 'federation-founded', configDigest, model: version.digest, ledgerKey });
    await expectSoundLedger(at.stores.ledger, ledgerKey);
  });

  it('is founded once: opened again it is the same and nothing is written', async () => {
    const at = await place();
    const first = await foundFederation(plan, at);
    expect(await foundFederation(plan, at)).toEqual(first);
    expect(await at.stores.ledger.entries()).toHaveLength(1);
    expect(await at.stores.ledger.heads()).toHaveLength(1);
  });

  it('is not opened with another configuration, and stays as it was', async () => {
    const at = await place();
    await foundFederation(plan, at);
    const outcome = await foundFederation({ ...plan, configText: 'rule f=0/rounds 15' }, at);
    expect(outcome).toMatchObject({ refusal: { code: 'folder-mismatch', expected: 'rule f=1', found: 'rule f=0' } });
    expect((await at.store.founding())?.config).toBe(plan.configText);
    expect(await at.stores.ledger.entries()).toHaveLength(1);
  });

  it('takes an amendment of what may be amended, and says so on its ledger', async () => {
    const at = await place();
    await foundFederation(plan, at);
    const configText = 'rule f=1/rounds 30';
    const amended = accepted(await foundFederation({ ...plan, configText }, at));
    expect([amended.config, (await at.store.founding())?.config]).toEqual([configText, configText]);
    expect((await at.stores.ledger.entries()).at(-1)?.event).toEqual({
      type: 'federation-amended',
      configDigest: await sha256(configText),
    });
    await expectSoundLedger(at.stores.ledger, at.ledgerKey);
    expect((await at.stores.ledger.newest())?.size).toBe(2);
  });

  it('is not founded when its first model cannot be kept', async () => {
    const at = await place();
    const blobs = { ...at.blobs, put: () => Promise.reject(new Error('disk full')) };
    await expect(foundFederation(plan, { ...at, blobs })).rejects.toThrow('disk full');
    expect(await at.store.founding()).toBeUndefined();
    expect([await at.stores.ledger.rows(), await at.stores.ledger.newest()]).toEqual([[], undefined]);
  });
});
