import { beforeAll, describe, expect, it } from 'vitest';
import { PrivacyLedger } from '../../../client-sdk/privacy/privacy-ledger.ts';
import type { FitOptions, PrivateFit } from '../../../client-sdk/training/fit-options.ts';
import { loadBackend } from '../../../client-sdk/training/load-backend.ts';
import { localTrainer } from '../../../client-sdk/training/local-trainer.ts';
import { readWeights } from '../../../client-sdk/training/model-layout.ts';
import { PrivateTrainer, type PrivateTrainerOptions } from '../../../client-sdk/training/private-trainer.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { asClientId, asFederationId } from '../../../shared/ids.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import { secureRandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { fitsIn, MemoryLedgerStore } from '../../support/privacy-ledgers.ts';
import { baseModel, buildModel, clusters, smallFit } from '../../support/small-fit.ts';

beforeAll(loadBackend);

const { targetDelta: delta } = smallFit;
/** Under noise of its own, a budget that does not bind. */
const cheap = { ...smallFit, noiseMultiplier: 0.8, targetEpsilon: 50 };
const epsilonOfSteps = (steps: number): number =>
  epsilonOf([{ noiseMultiplier: 0.8, samplingRate: 0.2, steps }], delta);

const trainerOver = (store: MemoryLedgerStore, choice: Partial<PrivateTrainerOptions> = {}): PrivateTrainer =>
  new PrivateTrainer({ model: buildModel, openPrivacyLedger: () => Promise.resolve(store), ...choice });

const stepsIn = (store: MemoryLedgerStore): readonly number[] => fitsIn(store.entries).map(({ steps }) => steps);
const eventOf = ({ noiseMultiplier, samplingRate, steps }: PrivateFit) => ({ noiseMultiplier, samplingRate, steps });

describe('fits over one privacy ledger', () => {
  it('compose, one trainer after another as after a restart, and each is calibrated to what is left', async () => {
    const store = new MemoryLedgerStore();
    const one = await trainerOver(store).fit({ ...smallFit, targetEpsilon: 2 });
    const trainer = trainerOver(store);
    const two = await trainer.fit({ ...smallFit, targetEpsilon: 3 });
    expect(two.epsilon).toBe(epsilonOf([eventOf(one), eventOf(two)], delta));
    expect(two.epsilon).toBeLessThanOrEqual(3);
    expect(two.epsilon).toBeGreaterThan(2.99);
    const three = await trainer.fit({ ...smallFit, targetEpsilon: 4 });
    expect(three.epsilon).toBe(epsilonOf(fitsIn(store.entries), delta));
    expect(fitsIn(store.entries)).toMatchObject([one, two, three].map(eventOf));
  });

  it('are spent as a whole before the first step, and as long as they may yet be killed', async () => {
    const store = new MemoryLedgerStore();
    const seen: (readonly number[])[] = [];
    await trainerOver(store).fit({ ...cheap, steps: 3, onStep: () => void seen.push(stepsIn(store)) });
    expect(seen).toEqual([[3], [3], [3]]);
    expect(stepsIn(store)).toEqual([3]);
  });

  it('leave all planned steps spent where they are killed, to whoever trains next', async () => {
    const store = new MemoryLedgerStore();
    store.crashAtWrite = 2;
    const killed = trainerOver(store).fit({ ...cheap, onStep: () => Promise.reject(new Error('killed')) });
    await expect(killed).rejects.toThrow('the power went out');
    store.crashAtWrite = Infinity;
    expect((await trainerOver(store).fit({ ...cheap, steps: 1 })).epsilon).toBe(epsilonOfSteps(13));
  });

  it('have spent the steps that were begun where they are aborted or fail, and no others', async () => {
    const store = new MemoryLedgerStore();
    const model = buildModel();
    const trainer = trainerOver(store, { model });
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopAt = ({ step }: { step: number }): void => (step === 4 ? controller.abort(reason) : undefined);
    await expect(trainer.fit({ ...cheap, signal: controller.signal, onStep: stopAt })).rejects.toBe(reason);
    const failing = { ...cheap, onStep: () => Promise.reject(new Error('no more')) };
    await expect(trainer.fit(failing)).rejects.toThrow('no more');
    await expect(trainer.fit({ ...cheap, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(stepsIn(store)).toEqual([4, 1, 0]);
    expect(readWeights(model)).toEqual(baseModel);
    expect((await trainer.fit({ ...cheap, steps: 1 })).epsilon).toBe(epsilonOfSteps(6));
    model.dispose();
  });

  it('spend what the budget affords where that is less than was planned, and then are refused', async () => {
    const store = new MemoryLedgerStore();
    const short = { ...cheap, targetEpsilon: epsilonOfSteps(7) };
    const { steps, endedBy, epsilon } = await trainerOver(store).fit(short);
    expect([steps, endedBy, epsilon, stepsIn(store)]).toEqual([7, 'budget', epsilonOfSteps(7), [7]]);
    const { writes } = store;
    let begun = 0;
    for (const asked of [short, { ...smallFit, targetEpsilon: epsilonOfSteps(7) }]) {
      const refused = trainerOver(store).fit({ ...asked, onStep: () => void begun++ });
      await expect(refused).rejects.toMatchObject({ refusal: { code: 'budget-exhausted' } });
    }
    expect([stepsIn(store), store.writes, begun]).toEqual([[7], writes, 0]);
  });

  it('cost the same where the clipping norm adapts, whose count is paid for by the noise of the sum', async () => {
    const store = new MemoryLedgerStore();
    const adaptiveClipping = { quantile: 0.5, rate: 0.2, countNoiseStdDev: 5 };
    const fit = await trainerOver(store).fit({ ...cheap, adaptiveClipping });
    expect(fit.clippingNormL2).not.toBe(smallFit.clippingNormL2);
    expect(fit.epsilon).toBe(epsilonOfSteps(12));
    const odd = { ...cheap, adaptiveClipping: { ...adaptiveClipping, countNoiseStdDev: 0.4 } };
    await expect(trainerOver(store).fit(odd)).rejects.toThrow(/countNoiseStdDev/);
    expect(stepsIn(store)).toEqual([12]);
  });

  it('on data sets of two names are counted apart, unless they hold the same examples', async () => {
    const store = new MemoryLedgerStore();
    const spentOn = async (dataset: FitOptions['dataset'], steps: number): Promise<number | null> =>
      (await trainerOver(store).fit({ ...cheap, dataset, steps })).epsilon;
    const others = clusters(303);
    const asMany = { inputs: others.inputs.subarray(15), labels: others.labels };
    const dataset = { inputs: asMany.inputs, labels: Array.from(asMany.labels).slice(3) };
    expect(await spentOn({ ...smallFit.dataset, name: 'ward 3' }, 1)).toBe(epsilonOfSteps(1));
    expect(await spentOn({ ...dataset, name: 'ward 4' }, 2)).toBe(epsilonOfSteps(2));
    expect(await spentOn({ ...smallFit.dataset, name: 'ward 5' }, 3)).toBe(epsilonOfSteps(4));
  });

  it('train nothing where they cannot be written', async () => {
    const store = new MemoryLedgerStore();
    store.crashAtWrite = 1;
    let begun = 0;
    const fit = trainerOver(store).fit({ ...cheap, onStep: () => void begun++ });
    await expect(fit).rejects.toThrow('the power went out');
    expect(begun).toBe(0);
  });

  it('are not made with noise that may be known', () => {
    const store = new MemoryLedgerStore();
    expect(() => trainerOver(store, { random: seededRandomSource(1) })).toThrow(/may be known.*privacy ledger/);
    expect(() => trainerOver(store, { random: secureRandomSource() })).not.toThrow();
  });
});

describe('a fit and a federation on the same examples', () => {
  const federation = asFederationId('study');
  const event = { noiseMultiplier: 0.8, samplingRate: 0.2, steps: 5 };
  const cost = { event, unit: 'example' } as const;

  /** Of a client that trains on the same examples under another name. */
  async function clientOver(store: MemoryLedgerStore): Promise<PrivacyLedger> {
    const examples = (await localTrainer({ model: buildModel, examples: smallFit.dataset }).examplesDigest?.()) ?? null;
    return await PrivacyLedger.open(store, { client: asClientId('c1'.repeat(32)), dataset: 'at home', examples });
  }
  const named = { ...cheap, dataset: { ...smallFit.dataset, name: 'ward 3' } };

  it('share one budget: what rounds have spent the fit has not', async () => {
    const store = new MemoryLedgerStore();
    const client = await clientOver(store);
    for (const round of [1, 2]) {
      await client.reserve({ federation, round }, cost, { maxEpsilon: 50, delta });
      await client.spend({ federation, round });
    }
    const targetEpsilon = epsilonOfSteps(14);
    const fit = await trainerOver(store).fit({ ...named, targetEpsilon });
    expect([fit.steps, fit.endedBy, fit.epsilon]).toEqual([4, 'budget', targetEpsilon]);
    const calibrated = await trainerOver(store).fit({ ...smallFit, dataset: named.dataset, targetEpsilon: 9 });
    expect(calibrated.epsilon).toBeLessThanOrEqual(9);
    expect(calibrated.epsilon).toBe(epsilonOf([{ ...event, steps: 14 }, eventOf(calibrated)], delta));
  });

  it('leave to each other what is under way: a reserved round, and all steps of a fit', async () => {
    const store = new MemoryLedgerStore();
    const client = await clientOver(store);
    const limit = { maxEpsilon: epsilonOfSteps(17), delta };
    await client.reserve({ federation, round: 1 }, cost, limit);
    const during: boolean[] = [];
    const fit = await trainerOver(store).fit({
      ...named,
      targetEpsilon: epsilonOfSteps(17),
      onStep: async ({ step }) => {
        if (step === 1) await client.spend({ federation, round: 1 });
        if (step < 3) during.push(isRefused(await client.reserve({ federation, round: step + 1 }, cost, limit)));
      },
    });
    expect(during).toEqual([true, true]);
    expect([fit.steps, fit.epsilon]).toEqual([12, epsilonOfSteps(17)]);
    expect(client.epsilonSpent(delta, 'example')).toBe(epsilonOfSteps(17));
  });
});
