import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { joinFederation, PrivateTrainer } from '../../client-sdk/index.ts';
import { nodeClientStore } from '../../client-sdk/platform/node-client-store.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { seededRandomSource } from '../../shared/random-source.ts';
import { FakeCoordinator, federation } from '../support/fake-coordinator.ts';
import { GatedTrainer } from '../support/gated-trainer.ts';
import { buildModel, smallFit } from '../support/small-fit.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Of a round under the fake coordinator's terms, and of a fit that is asked for the same. */
const event = { noiseMultiplier: 1, samplingRate: 0.1, steps: 4 };
const once = epsilonOf([event], 1e-4);
const asked = { ...smallFit, ...event, targetEpsilon: once };

describe('a client and its owner’s own training over one privacy ledger', () => {
  /** The client may spend as much as one round costs. */
  async function shared() {
    const privacyLedger = join(temporaryFolder(), 'ledger');
    const coordinator = await FakeCoordinator.start();
    const trainer = new GatedTrainer();
    const place = { url: coordinator.url, federation, folder: temporaryFolder(), privacyLedger };
    const client = await joinFederation({ ...place, trainer, maxEpsilon: once });
    onTestFinished(() => client.leave());
    const fit = () => new PrivateTrainer({ model: buildModel, privacyLedger }).fit(asked);
    return { coordinator, trainer, client, fit };
  }

  it('hold what a fit has spent against the next round', async () => {
    const { coordinator, trainer, client, fit } = await shared();
    expect((await fit()).epsilon).toBe(once);
    coordinator.offerRound(1);
    expect((await coordinator.declines.next()).code).toBe('budget-exhausted');
    expect([trainer.asked, client.epsilon]).toEqual([[], once]);
  });

  it('hold what a round has spent against the next fit', async () => {
    const { coordinator, trainer, fit } = await shared();
    coordinator.offerRound(1);
    (await trainer.trainings.next()).finish();
    await coordinator.ends.next();
    await expect(fit()).rejects.toMatchObject({ refusal: { code: 'budget-exhausted' } });
  });
});

describe('a trainer', () => {
  it('finds in the folder what another has spent, and has less left', async () => {
    const privacyLedger = join(temporaryFolder(), 'ledger');
    const fitWithin = (targetEpsilon: number) => {
      const { noiseMultiplier: _, ...calibrated } = asked;
      return new PrivateTrainer({ model: buildModel, privacyLedger }).fit({ ...calibrated, targetEpsilon });
    };
    const [one, two] = [await fitWithin(1), await fitWithin(2)];
    expect(one.epsilon).toBeLessThanOrEqual(1);
    expect(two.epsilon).toBe(
      epsilonOf(
        [one, two].map(({ noiseMultiplier }) => ({ ...event, noiseMultiplier })),
        1e-4,
      ),
    );
    expect(two.epsilon).toBeLessThanOrEqual(2);
  });

  it('takes known noise where its history ends with it, and nowhere else', async () => {
    const choice = { model: buildModel, random: seededRandomSource(1) };
    expect((await new PrivateTrainer(choice).fit(asked)).void).toBe(true);
    expect(() => new PrivateTrainer({ ...choice, privacyLedger: temporaryFolder() })).toThrow(/privacy ledger/);
  });

  it('goes on with the folder it was given, wherever the process goes', async () => {
    const home = process.cwd();
    onTestFinished(() => process.chdir(home));
    const [before, after] = [temporaryFolder(), temporaryFolder()];
    process.chdir(before);
    const trainer = new PrivateTrainer({ model: buildModel, privacyLedger: 'ledger' });
    process.chdir(after);
    await trainer.fit(asked);
    expect(await (await nodeClientStore(temporaryFolder(), join(before, 'ledger'))).privacyLedger()).toHaveLength(1);
  });
});
