import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FitLedger } from '../../../client-sdk/privacy/fit-ledger.ts';
import { memoryPrivacyLedger } from '../../../client-sdk/privacy/memory-privacy-ledger.ts';
import { PrivacyLedger } from '../../../client-sdk/privacy/privacy-ledger.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import type { SampledGaussianEvent } from '../../../shared/accounting/privacy-event.ts';
import { asClientId, asDigest, asFederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import { fitsIn, MemoryLedgerStore } from '../../support/privacy-ledgers.ts';
import { fc } from '../../support/properties.ts';

const event = { noiseMultiplier: 1.1, samplingRate: 0.1, steps: 10 };
const delta = 1e-4;
const unnamed = { dataset: null, examples: null };
const [first, second] = [asDigest('d1'.repeat(32)), asDigest('d2'.repeat(32))];
const federation = asFederationId('study');
const clientId = asClientId('c1'.repeat(32));

const over = (store: MemoryLedgerStore): FitLedger => new FitLedger(() => Promise.resolve(store));
const opened = (): { store: MemoryLedgerStore; ledger: FitLedger } => {
  const store = new MemoryLedgerStore();
  return { store, ledger: over(store) };
};
const stepsIn = (store: MemoryLedgerStore): readonly number[] => fitsIn(store.entries).map(({ steps }) => steps);
const stepsOf = (history: readonly SampledGaussianEvent[]): number =>
  history.reduce((total, { steps }) => total + steps, 0);
const anything = (): SampledGaussianEvent => event;

/** Plans `steps`, or none where they would pass the budget. */
const within = (maxEpsilon: number, steps: number) => (history: readonly SampledGaussianEvent[]) => {
  const planned = { ...event, steps };
  if (epsilonOf([...history, planned], delta) > maxEpsilon) throw new Error('too dear');
  return planned;
};

describe('FitLedger', () => {
  it('never lets fits and rounds together pass the budget, whatever is aborted, killed or left reserved', async () => {
    const acts = fc.array(
      fc.record({
        what: fc.constantFrom('ends', 'aborted', 'killed', 'round', 'reserved'),
        steps: fc.integer({ min: 1, max: 40 }),
        begun: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(acts, fc.double({ min: 0.5, max: 5, noNaN: true }), async (asked, maxEpsilon) => {
        const { store, ledger } = opened();
        const client = await PrivacyLedger.open(store, { client: clientId, ...unnamed });
        let released = 0;
        for (const [round, { what, steps, begun }] of asked.entries()) {
          if (what === 'round' || what === 'reserved') {
            const cost = { event: { ...event, steps }, unit: 'example' } as const;
            const reserved = await client.reserve({ federation, round }, cost, { maxEpsilon, delta });
            if (what === 'reserved' || isRefused(reserved)) continue;
            await client.spend({ federation, round });
            released += steps;
            continue;
          }
          // A killed trainer's memory dies with it.
          const trainer = what === 'killed' ? over(store) : ledger;
          const fit = await trainer.begin(unnamed, within(maxEpsilon, steps)).catch(() => undefined);
          if (!fit) continue;
          const made = what === 'ends' ? steps : Math.floor(begun * steps);
          released += made;
          if (what !== 'killed') await ledger.end(fit, made);
        }
        const counted = store.entries.filter(({ state }) => state === 'spent');
        expect(stepsOf(counted)).toBeGreaterThanOrEqual(released);
        expect(epsilonOf(counted, delta)).toBeLessThanOrEqual(maxEpsilon);
        expect(epsilonOf([{ ...event, steps: released }], delta)).toBeLessThanOrEqual(maxEpsilon);
      }),
      { numRuns: 60 },
    );
  });

  it('has spent all planned steps durably before a fit begins, so that a kill leaves them spent', async () => {
    const { store, ledger } = opened();
    await ledger.begin(unnamed, anything);
    expect(store.entries).toMatchObject([{ ...event, ...unnamed, state: 'spent' }]);
    const next = over(store);
    await next.begin(unnamed, (history) => ({ ...event, steps: stepsOf(history) }));
    expect(stepsIn(store)).toEqual([10, 10]);
  });

  it('lowers a fit that ended early to the steps that were begun, and touches nothing else', async () => {
    const { store, ledger } = opened();
    const other = await over(store).begin(unnamed, anything);
    const fit = await ledger.begin(unnamed, anything);
    expect(stepsOf(await ledger.end(fit, 4))).toBe(14);
    expect(store.entries).toEqual([other, { ...fit, steps: 4 }]);
  });

  it('writes nothing at the end of a fit that has made all its steps', async () => {
    const { store, ledger } = opened();
    const fit = await ledger.begin(unnamed, anything);
    const { writes } = store;
    expect(stepsOf(await ledger.end(fit, 10))).toBe(10);
    expect([stepsIn(store), store.writes]).toEqual([[10], writes]);
  });

  it('will not pass over steps that were never spent', async () => {
    const { store, ledger } = opened();
    const fit = await ledger.begin(unnamed, anything);
    await expect(ledger.end(fit, 11)).rejects.toThrow(InvariantError);
    expect(stepsIn(store)).toEqual([10]);
  });

  it('spends nothing where the plan refuses, and begins nothing where it cannot be written', async () => {
    const { store, ledger } = opened();
    await expect(ledger.begin(unnamed, within(0.01, 1))).rejects.toThrow('too dear');
    store.crashAtWrite = 1;
    await expect(ledger.begin(unnamed, anything)).rejects.toThrow('the power went out');
    expect(store.entries).toEqual([]);
  });

  it('leaves all spent where the end cannot be written, and catches up with the next fit', async () => {
    const { store, ledger } = opened();
    const fit = await ledger.begin(unnamed, anything);
    store.crashAtWrite = 2;
    await expect(ledger.end(fit, 4)).rejects.toThrow('the power went out');
    expect(stepsIn(store)).toEqual([10]);
    store.crashAtWrite = Infinity;
    await ledger.begin(unnamed, anything);
    expect(stepsIn(store)).toEqual([4, 10]);
  });

  it('plans with what a client has reserved and may spend, but does not say that it is spent', async () => {
    const { store, ledger } = opened();
    const client = await PrivacyLedger.open(store, { client: clientId, ...unnamed });
    const cost = { event, unit: 'example' } as const;
    await client.reserve({ federation, round: 1 }, cost, { maxEpsilon: 50, delta });
    let planned: readonly SampledGaussianEvent[] = [];
    const fit = await ledger.begin(unnamed, (history) => {
      planned = history;
      return event;
    });
    expect(stepsOf(planned)).toBe(10);
    expect(stepsOf(await ledger.end(fit, 10))).toBe(10);
    await client.spend({ federation, round: 1 });
    expect(client.epsilonSpent(delta, 'example')).toBe(epsilonOf([{ ...event, steps: 20 }], delta));
  });

  it('counts rounds whose noise covers a whole client at half of it', async () => {
    const { store, ledger } = opened();
    const client = await PrivacyLedger.open(store, { client: clientId, ...unnamed });
    await client.takeOver(federation, [1], { event, unit: 'client' });
    await ledger.begin(unnamed, (history) => {
      expect(history).toMatchObject([{ ...event, noiseMultiplier: event.noiseMultiplier / 2 }]);
      return event;
    });
    expect.assertions(1);
  });

  it('spends again what a restored backup has forgotten of its own fits', async () => {
    const { store, ledger } = opened();
    const backup = store.entries;
    const fit = await ledger.begin(unnamed, anything);
    store.entries = backup;
    await ledger.end(fit, 4);
    expect(stepsIn(store)).toEqual([4]);
    store.entries = backup;
    await ledger.begin(unnamed, (history) => ({ ...event, steps: stepsOf(history) }));
    expect(stepsIn(store)).toEqual([4, 4]);
  });

  it('lets no two trainers plan in the knowledge of one and the same history', async () => {
    const { store } = opened();
    const limit = epsilonOf([event], delta);
    const begins = [1, 2, 3].map(() => over(store).begin(unnamed, within(limit, 10)));
    const outcomes = await Promise.allSettled(begins);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('ends a fit only when nobody else is writing the ledger, whose entry would be lost', async () => {
    const { store, ledger } = opened();
    const fit = await ledger.begin(unnamed, anything);
    const other = { ...fit, fit: '0e'.repeat(16) };
    let ended: Promise<unknown> = Promise.resolve();
    await store.withPrivacyLedger(async () => {
      const entries = await store.privacyLedger();
      ended = ledger.end(fit, 4);
      await setImmediate();
      await store.writePrivacyLedger([...entries, other]);
    });
    await ended;
    expect(store.entries).toEqual([other, { ...fit, steps: 4 }]);
  });

  it('keeps data sets of two names apart, unless they hold the same examples', async () => {
    const { ledger } = opened();
    const spentWith = async (dataset: string, examples: typeof first): Promise<number> => {
      const fit = await ledger.begin({ dataset, examples }, anything);
      return stepsOf(await ledger.end(fit, 10));
    };
    expect(await spentWith('a', first)).toBe(10);
    expect(await spentWith('b', second)).toBe(10);
    expect(await spentWith('c', first)).toBe(20);
  });
});

it('keeps a ledger in memory one writer at a time', async () => {
  const store = memoryPrivacyLedger();
  const ledgers = [1, 2, 3].map(() => new FitLedger(() => Promise.resolve(store)));
  await Promise.all(ledgers.map((ledger) => ledger.begin(unnamed, anything)));
  expect(await store.privacyLedger()).toHaveLength(3);
});
