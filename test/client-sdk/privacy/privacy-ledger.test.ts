import { describe, expect, it } from 'vitest';
import type { FitEntry } from '../../../client-sdk/participation/client-store.ts';
import { type LedgerSubject, PrivacyLedger } from '../../../client-sdk/privacy/privacy-ledger.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { asClientId, asDigest, asFederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import { fitsIn, MemoryLedgerStore, roundsIn } from '../../support/privacy-ledgers.ts';
import { fc } from '../../support/properties.ts';

const federation = asFederationId('study');
const other = asFederationId('other-study');
const event = { noiseMultiplier: 1.1, samplingRate: 0.1, steps: 10 };
const delta = 1e-4;
const unlimited = { maxEpsilon: Infinity, delta };
const epsilonOfRounds = (rounds: number): number =>
  epsilonOf(
    Array.from({ length: rounds }, () => event),
    delta,
  );

const opened = async (
  store = new MemoryLedgerStore(),
): Promise<{ store: MemoryLedgerStore; ledger: PrivacyLedger }> => ({
  store,
  ledger: await PrivacyLedger.open(store),
});

async function spendRounds(ledger: PrivacyLedger, rounds: readonly number[], of = federation): Promise<void> {
  for (const round of rounds) {
    await ledger.reserve({ federation: of, round }, cost, unlimited);
    await ledger.spend({ federation: of, round });
  }
}

const cost = { event, unit: 'example' } as const;
const codeOf = (outcome: object): string | null => (isRefused(outcome) ? outcome.refusal.code : null);

describe('PrivacyLedger', () => {
  it('never lets the composition of what is spent pass the budget, whatever is asked in whatever order', async () => {
    const asked = fc.array(
      fc.record({
        of: fc.constantFrom(federation, other),
        round: fc.integer({ min: 1, max: 6 }),
        steps: fc.integer({ min: 1, max: 60 }),
        spends: fc.boolean(),
      }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(asked, fc.double({ min: 0.5, max: 6, noNaN: true }), async (rounds, maxEpsilon) => {
        const { store, ledger } = await opened();
        for (const { of, round, steps, spends } of rounds) {
          const key = { federation: of, round };
          const reserved = await ledger.reserve(
            key,
            { event: { ...event, steps }, unit: 'example' },
            { maxEpsilon, delta },
          );
          if (spends && !isRefused(reserved)) await ledger.spend(key);
          expect(ledger.epsilonSpent(delta, 'example')).toBeLessThanOrEqual(maxEpsilon);
        }
        const spent = store.entries.filter(({ state }) => state === 'spent');
        expect(ledger.epsilonSpent(delta, 'example')).toBe(epsilonOf(spent, delta));
        expect(store.entries.length - spent.length).toBeLessThanOrEqual(1);
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it('reserves up to the budget exactly and refuses the round that would pass it, without writing', async () => {
    const { store, ledger } = await opened();
    const limit = { maxEpsilon: epsilonOfRounds(3), delta };
    for (const round of [1, 2, 3]) {
      expect(codeOf(await ledger.reserve({ federation, round }, cost, limit))).toBeNull();
      await ledger.spend({ federation, round });
    }
    const before = store.writes;
    const refused = await ledger.reserve({ federation, round: 4 }, cost, limit);
    expect(refused).toMatchObject({ refusal: { code: 'budget-exhausted' } });
    expect(JSON.stringify(refused)).toContain(epsilonOfRounds(4).toFixed(3));
    expect(store.writes).toBe(before);
  });

  it('counts a reservation as spent neither in the figure nor against the budget', async () => {
    const { store, ledger } = await opened();
    const limit = { maxEpsilon: epsilonOfRounds(1), delta };
    for (const round of [1, 2, 3]) expect(codeOf(await ledger.reserve({ federation, round }, cost, limit))).toBeNull();
    expect(ledger.epsilonSpent(delta, 'example')).toBe(0);
    expect(roundsIn(store.entries).map(({ round, state }) => [round, state])).toEqual([[3, 'reserved']]);
  });

  it('refuses a round that is spent as replayed, whatever is left of the budget', async () => {
    const { ledger } = await opened();
    await spendRounds(ledger, [1]);
    expect(codeOf(await ledger.reserve({ federation, round: 1 }, cost, unlimited))).toBe('replayed');
    expect(codeOf(await ledger.reserve({ federation: other, round: 1 }, cost, unlimited))).toBeNull();
  });

  it('composes over federations: one folder, one history', async () => {
    const { ledger } = await opened();
    await spendRounds(ledger, [1, 2]);
    await spendRounds(ledger, [1, 2], other);
    expect(ledger.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(4));
    const limit = { maxEpsilon: epsilonOfRounds(4), delta };
    expect(codeOf(await ledger.reserve({ federation, round: 3 }, cost, limit))).toBe('budget-exhausted');
  });

  it('spends a round once, however often it is asked to', async () => {
    const { store, ledger } = await opened();
    await spendRounds(ledger, [1]);
    const { writes } = store;
    await ledger.spend({ federation, round: 1 });
    expect([ledger.epsilonSpent(delta, 'example'), store.writes]).toEqual([epsilonOfRounds(1), writes]);
  });

  it('will not pass over a spending that was never reserved: such an update must not leave', async () => {
    const { store, ledger } = await opened();
    await expect(ledger.spend({ federation, round: 1 })).rejects.toThrow(InvariantError);
    await ledger.reserve({ federation, round: 1 }, cost, unlimited);
    await ledger.reserve({ federation: other, round: 1 }, cost, unlimited);
    expect([ledger.holds({ federation, round: 1 }), ledger.holds({ federation: other, round: 1 })]).toEqual([
      false,
      true,
    ]);
    await expect(ledger.spend({ federation, round: 1 })).rejects.toThrow(/reservation of round 1/);
    expect(store.entries.map(({ state }) => state)).toEqual(['reserved']);
  });

  it('has spent durably before spending resolves, and remembers it when opened again', async () => {
    const { store, ledger } = await opened();
    await spendRounds(ledger, [1, 2]);
    expect(store.entries.map(({ state }) => state)).toEqual(['spent', 'spent']);
    const again = await PrivacyLedger.open(store);
    expect(again.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(2));
    expect(codeOf(await again.reserve({ federation, round: 2 }, cost, unlimited))).toBe('replayed');
  });

  it.each([1, 2, 3, 4])('knows no more than its folder when write %i fails', async (crashAtWrite) => {
    const { store, ledger } = await opened();
    store.crashAtWrite = crashAtWrite;
    await expect(spendRounds(ledger, [1, 2])).rejects.toThrow('the power went out');
    const spent = store.entries.filter(({ state }) => state === 'spent').length;
    expect(spent).toBe(Math.floor((crashAtWrite - 1) / 2));
    expect(ledger.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(spent));
    const again = await PrivacyLedger.open(store);
    expect(again.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(spent));
  });
});

describe('a folder that takes part under local and under central privacy', () => {
  const clientEvent = { noiseMultiplier: 3, samplingRate: 1, steps: 1 };
  const clientCost = { event: clientEvent, unit: 'client' } as const;

  /** Two rounds of the one, three of the other. */
  async function mixed(): Promise<PrivacyLedger> {
    const { ledger } = await opened();
    await spendRounds(ledger, [1, 2]);
    for (const round of [1, 2, 3]) {
      await ledger.reserve({ federation: other, round }, clientCost, unlimited);
      await ledger.spend({ federation: other, round });
    }
    return ledger;
  }

  it('has spent as one client what central rounds cost, since noise for an example protects no more than that', async () => {
    expect((await mixed()).epsilonSpent(delta, 'client')).toBe(epsilonOf([{ ...clientEvent, steps: 3 }], delta));
  });

  it('has spent as one example both, at half the noise where an example changes an update instead of taking it out', async () => {
    const halved = { ...clientEvent, noiseMultiplier: 1.5, steps: 3 };
    const expected = epsilonOf([{ ...event, steps: 2 * event.steps }, halved], delta);
    expect((await mixed()).epsilonSpent(delta, 'example')).toBeCloseTo(expected, 12);
  });

  it('remembers the unit when it is opened again', async () => {
    const { store, ledger } = await opened();
    await ledger.reserve({ federation, round: 1 }, clientCost, unlimited);
    await ledger.spend({ federation, round: 1 });
    expect(store.entries).toMatchObject([{ federation, round: 1, ...clientEvent, unit: 'client', state: 'spent' }]);
    const again = await PrivacyLedger.open(store);
    expect(again.epsilonSpent(delta, 'client')).toBe(epsilonOf([clientEvent], delta));
  });

  it('holds each round to the limit in the unit that its federation counts in', async () => {
    const ledger = await mixed();
    const limit = { maxEpsilon: epsilonOf([{ ...clientEvent, steps: 4 }], delta), delta };
    expect(codeOf(await ledger.reserve({ federation: other, round: 4 }, clientCost, limit))).toBeNull();
    await ledger.spend({ federation: other, round: 4 });
    expect(codeOf(await ledger.reserve({ federation: other, round: 5 }, clientCost, limit))).toBe('budget-exhausted');
  });
});

const clients = [asClientId('c1'.repeat(32)), asClientId('c2'.repeat(32))] as const;
const digests = [asDigest('d1'.repeat(32)), asDigest('d2'.repeat(32))] as const;

const openFor = async (store: MemoryLedgerStore, subject: Partial<LedgerSubject> = {}): Promise<PrivacyLedger> =>
  await PrivacyLedger.open(store, { client: clients[0], dataset: null, examples: null, ...subject });

describe('a privacy ledger that several clients share', () => {
  it('composes what they spend, in two federations and in one, and sees what another has written', async () => {
    const store = new MemoryLedgerStore();
    const [one, two] = [await openFor(store), await openFor(store, { client: clients[1] })];
    await spendRounds(one, [1]);
    await spendRounds(two, [1], other);
    await spendRounds(two, [1]);
    expect(two.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(3));
    const limit = { maxEpsilon: epsilonOfRounds(3), delta };
    expect(codeOf(await one.reserve({ federation, round: 2 }, cost, limit))).toBe('budget-exhausted');
    expect(one.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(3));
    expect(codeOf(await one.reserve({ federation, round: 1 }, cost, unlimited))).toBe('replayed');
  });

  it('counts what another has reserved and may spend at any time, and leaves it standing', async () => {
    const store = new MemoryLedgerStore();
    const [one, two] = [await openFor(store), await openFor(store, { client: clients[1] })];
    const limit = { maxEpsilon: epsilonOfRounds(2), delta };
    await one.reserve({ federation, round: 1 }, cost, limit);
    expect(codeOf(await two.reserve({ federation, round: 1 }, cost, limit))).toBeNull();
    expect(codeOf(await one.reserve({ federation, round: 2 }, cost, limit))).toBeNull();
    await two.spend({ federation, round: 1 });
    await one.spend({ federation, round: 2 });
    expect(one.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(2));
    expect(codeOf(await two.reserve({ federation, round: 3 }, cost, limit))).toBe('budget-exhausted');
  });

  it('never lets both together pass the budget, however their acts fall between each other', async () => {
    const acts = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 6 }), fc.nat({ max: 9 })), {
      maxLength: 16,
    });
    await fc.assert(
      fc.asyncProperty(acts, fc.double({ min: 0.5, max: 4, noNaN: true }), async (rounds, maxEpsilon) => {
        const store = new MemoryLedgerStore();
        const goes = [0, 1].map(async (who) => {
          const ledger = await openFor(store, { client: clients[who] ?? null });
          // One round at a time each, as clients go, with as many turns in between as the case says.
          for (const [of, round, turns] of rounds) {
            const key = { federation, round };
            const reserved = of === who ? await ledger.reserve(key, cost, { maxEpsilon, delta }) : undefined;
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            if (reserved && !isRefused(reserved)) await ledger.spend(key);
          }
        });
        await Promise.all(goes);
        expect(epsilonOf(store.entries, delta)).toBeLessThanOrEqual(maxEpsilon);
      }),
      { seed: 3, numRuns: 40 },
    );
  });
});

describe('data sets', () => {
  const spentOn = async (subjects: readonly Partial<LedgerSubject>[]): Promise<MemoryLedgerStore> => {
    const store = new MemoryLedgerStore();
    for (const [i, subject] of subjects.entries()) await spendRounds(await openFor(store, subject), [i + 1]);
    return store;
  };
  const [first, second] = digests;

  it.each<[string, readonly Partial<LedgerSubject>[], Partial<LedgerSubject>, number]>([
    ['of two names are counted apart', [{ dataset: 'a' }], { dataset: 'b' }, 0],
    [
      'of one name are one, though they have grown',
      [{ dataset: 'a', examples: first }],
      { dataset: 'a', examples: second },
      1,
    ],
    [
      'of two names are one where their examples are',
      [{ dataset: 'a', examples: first }],
      { dataset: 'b', examples: first },
      1,
    ],
    [
      'that were once the same stay one afterwards',
      [
        { dataset: 'a', examples: first },
        { dataset: 'b', examples: first },
        { dataset: 'b', examples: second },
      ],
      { dataset: 'a', examples: first },
      3,
    ],
    ['without a name count for every one', [{}, { dataset: 'b' }], { dataset: 'a' }, 1],
    ['without a name do not make two of a name one', [{ dataset: 'b' }, {}, { dataset: 'c' }], { dataset: 'a' }, 1],
    ['without a name compose with all', [{ dataset: 'a' }, { dataset: 'b', examples: first }], { examples: second }, 2],
  ])('%s', async (_, before, subject, rounds) => {
    const ledger = await openFor(await spentOn(before), subject);
    expect(ledger.epsilonSpent(delta, 'example')).toBe(rounds === 0 ? 0 : epsilonOfRounds(rounds));
    const limit = { maxEpsilon: epsilonOfRounds(rounds + 1), delta };
    expect(codeOf(await ledger.reserve({ federation, round: 9 }, cost, limit))).toBeNull();
    const tooLittle = { maxEpsilon: epsilonOfRounds(rounds + 1) * 0.999, delta };
    expect(codeOf(await ledger.reserve({ federation, round: 9 }, cost, tooLittle))).toBe('budget-exhausted');
  });

  it('are noted with every round, and with whose it was', async () => {
    const store = await spentOn([{ dataset: 'ward 3', examples: first }]);
    expect(store.entries).toMatchObject([{ client: clients[0], dataset: 'ward 3', examples: first, state: 'spent' }]);
  });
});

describe('fits without a federation', () => {
  const fit: FitEntry = {
    fit: 'f1'.repeat(16),
    ...event,
    steps: 20,
    state: 'spent',
    dataset: 'a',
    examples: digests[0],
  };
  const holding = (...fits: readonly FitEntry[]): MemoryLedgerStore => {
    const store = new MemoryLedgerStore();
    store.entries = fits;
    return store;
  };

  it('count with the rounds on the same examples, and not with those on others', async () => {
    const same = await openFor(holding(fit), { dataset: 'b', examples: digests[0] });
    const limit = { maxEpsilon: epsilonOfRounds(3), delta };
    expect(same.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(2));
    expect(codeOf(await same.reserve({ federation, round: 1 }, cost, limit))).toBeNull();
    const tooLittle = { maxEpsilon: epsilonOfRounds(3) * 0.999, delta };
    expect(codeOf(await same.reserve({ federation, round: 1 }, cost, tooLittle))).toBe('budget-exhausted');
    expect((await openFor(holding(fit), { dataset: 'b' })).epsilonSpent(delta, 'example')).toBe(0);
  });

  it('cost a client as a whole nothing that could be named: their noise covers one example', async () => {
    expect((await openFor(holding(fit))).epsilonSpent(delta, 'client')).toBe(0);
  });

  it.each<[string, LedgerSubject]>([
    ['a client', { client: clients[0], dataset: 'a', examples: digests[0] }],
    ['a client that has not said who it is', { client: null, dataset: null, examples: null }],
  ])('stay as they are whatever %s does', async (_, subject) => {
    const store = holding(fit);
    const ledger = await PrivacyLedger.open(store, subject);
    await ledger.reserve({ federation, round: 1 }, cost, unlimited);
    await ledger.spend({ federation, round: 1 });
    await ledger.reserve({ federation, round: 2 }, cost, unlimited);
    await ledger.takeOver(federation, [2, 3], cost);
    await ledger.reserve({ federation, round: 4 }, cost, unlimited);
    await ledger.release();
    expect(fitsIn(store.entries)).toEqual([fit]);
    expect(roundsIn(store.entries).map(({ round }) => round)).toEqual([1, 2, 3]);
  });
});

describe('after a backup was restored', () => {
  it('what the coordinator has charged and the folder forgot is spent, reserved or not, and once only', async () => {
    const { store, ledger } = await opened();
    await spendRounds(ledger, [1]);
    await ledger.reserve({ federation, round: 3 }, cost, unlimited);
    expect(await ledger.takeOver(federation, [1, 2, 3], cost)).toBe(2);
    expect(ledger.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(3));
    expect(await ledger.takeOver(federation, [1, 2, 3], cost)).toBe(0);
    expect(roundsIn(store.entries).map(({ round, state }) => `${round} ${state}`)).toEqual([
      '1 spent',
      '2 spent',
      '3 spent',
    ]);
    expect(codeOf(await ledger.reserve({ federation, round: 2 }, cost, unlimited))).toBe('replayed');
  });

  it('what the folder has spent and the coordinator forgot stays spent', async () => {
    const { ledger } = await opened();
    await spendRounds(ledger, [1, 2, 3]);
    expect(await ledger.takeOver(federation, [1], cost)).toBe(0);
    expect(ledger.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(3));
  });

  it('it can tell the coordinator what is spent: of that federation, by this client, in order and not what is reserved', async () => {
    const store = new MemoryLedgerStore();
    const [one, two] = [await openFor(store), await openFor(store, { client: clients[1] })];
    await spendRounds(one, [9, 2]);
    await spendRounds(one, [4], other);
    await spendRounds(two, [3]);
    await one.reserve({ federation, round: 5 }, cost, unlimited);
    expect([one.spentRounds(federation), one.spentRounds(other)]).toEqual([[2, 9], [4]]);
    expect((await openFor(store, { client: clients[1] })).spentRounds(federation)).toEqual([3]);
  });

  it('another client’s rounds of the same numbers are not taken for ours', async () => {
    const store = new MemoryLedgerStore();
    const [one, two] = [await openFor(store), await openFor(store, { client: clients[1] })];
    await spendRounds(two, [1, 2]);
    await two.reserve({ federation, round: 3 }, cost, unlimited);
    expect(await one.takeOver(federation, [1, 2, 3], cost)).toBe(3);
    expect(one.epsilonSpent(delta, 'example')).toBe(epsilonOfRounds(5));
    expect(two.holds({ federation, round: 3 })).toBe(true);
  });
});
