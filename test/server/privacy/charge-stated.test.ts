import { describe, expect, it } from 'vitest';
import { chargeStated, countedRounds } from '../../../server/privacy/charge-stated.ts';
import { clientBudgets } from '../../../server/privacy/client-budget.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { asDigest, asFederationId } from '../../../shared/ids.ts';
import { privacyEventOf } from '../../../shared/protocol/privacy-claim.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { spentStatementBytes } from '../../../shared/protocol/spent-statement.ts';
import type { FederationTerms } from '../../../shared/protocol/terms.ts';
import { centralTerms } from '../../support/central-terms.ts';
import { announce, openRound, type OpenRound } from '../../support/open-round.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { federation, type Member, memberAt, openTerms, terms, updateFile } from '../../support/small-federation.ts';

interface Wish {
  readonly sender?: Member;
  readonly terms?: FederationTerms;
  /** Whose statement it is said to be, and of which federation. */
  readonly signed?: { readonly client?: string; readonly federation?: string };
}

/** Round 1 is under way, and nothing is charged. */
const opened = async (): Promise<OpenRound> => await openRound({ clients: 2 });

async function outcomeOf(world: OpenRound, rounds: readonly number[], wish: Wish = {}) {
  const { sender = memberAt(world.cohort, 0), signed = {} } = wish;
  const statement = spentStatementBytes({ federation, client: sender.client.id, rounds, ...signed });
  const said = { rounds: [...rounds], signature: await sender.key.sign(statement) };
  return await chargeStated(said, sender.client, { ...world.stores, terms: wish.terms ?? terms });
}

/** Code of the refusal of it. */
const refused = async (...asked: Parameters<typeof outcomeOf>): Promise<string> => codeOf(await outcomeOf(...asked));

/** Rounds charged by it. */
const stating = async (...asked: Parameters<typeof outcomeOf>): Promise<readonly number[]> =>
  accepted(await outcomeOf(...asked)).rounds;

const chargedRounds = async ({ stores, cohort }: OpenRound): Promise<readonly number[]> =>
  (await stores.charges.charges(memberAt(cohort, 0).client.id)).map(({ round }) => round);

const statements = async ({ stores }: OpenRound): Promise<readonly object[]> =>
  (await stores.ledger.entries()).flatMap(({ event }) => (event.type === 'spent-rounds-stated' ? [event] : []));

/** As a backup of after the first entry, with round 1 offered anew. */
const recovered = async (): Promise<OpenRound> => {
  const world = await opened();
  const { root } = (await world.stores.ledger.headAt(1)) ?? {};
  if (root === undefined) throw new Error('no checkpoint');
  await world.stores.ledger.append({ type: 'ledger-recovered', kept: 1, root });
  return world;
};

describe('rounds that a client has spent and a restored coordinator has not charged', () => {
  it('are charged at the cost of the terms, signed, and are on the ledger as one entry', async () => {
    const world = await recovered();
    expect(await stating(world, [1, 3, 4])).toEqual([1, 3, 4]);
    const { client } = memberAt(world.cohort, 0);
    const event = privacyEventOf(terms);
    expect(await world.stores.charges.charges()).toEqual(
      [1, 3, 4].map((round) => ({ client: client.id, round, event })),
    );
    expect(await statements(world)).toMatchObject([{ client: client.id, rounds: [1, 3, 4], ...event }]);
    const budgets = clientBudgets(await world.stores.charges.charges(), terms, [client]);
    expect(budgets.epsilonOf(client.id)).toBe(
      epsilonOf(
        [1, 2, 3].flatMap(() => event ?? []),
        1e-4,
      ),
    );
  });

  it('are charged once: stated again, in part or all, they leave nothing and are no offence', async () => {
    const world = await recovered();
    await stating(world, [1, 3]);
    expect([await stating(world, [1, 3]), await stating(world, [3])]).toEqual([[], []]);
    expect(await statements(world)).toHaveLength(1);
    expect(await chargedRounds(world)).toEqual([1, 3]);
  });

  it('are charged all or none, so that no entry is longer than what it charges', async () => {
    const world = await recovered();
    await stating(world, [1, 3]);
    expect(await refused(world, [1, 2, 3])).toBe('replayed');
    expect(await stating(world, [2])).toEqual([2]);
    expect(await chargedRounds(world)).toEqual([1, 2, 3]);
    expect(await statements(world)).toMatchObject([{ rounds: [1, 3] }, { rounds: [2] }]);
  });

  it('are not charged where an update paid for them, and an update that comes later pays for nothing more', async () => {
    const [before, after] = [await recovered(), await recovered()];
    await announce(before, memberAt(before.cohort, 0), updateFile([1, 1, 1, 1, 1, 1]));
    expect(await stating(before, [1])).toEqual([]);
    expect(await stating(after, [1])).toEqual([1]);
    await announce(after, memberAt(after.cohort, 0), updateFile([1, 1, 1, 1, 1, 1]));
    for (const world of [before, after])
      expect(await world.stores.charges.charges()).toEqual([
        { client: memberAt(world.cohort, 0).client.id, round: 1, event: privacyEventOf(terms) },
      ]);
  });

  it('are nobody else’s, save that a client goes on with the account of the one whose place it took', async () => {
    const world = await recovered();
    await stating(world, [1, 2]);
    const other = memberAt(world.cohort, 1);
    expect(await stating(world, [2, 3], { sender: other })).toEqual([2, 3]);
    const successor = { ...other, client: { ...other.client, predecessor: memberAt(world.cohort, 0).client.id } };
    expect(await refused(world, [1, 4], { sender: successor })).toBe('replayed');
    expect(await stating(world, [4], { sender: successor })).toEqual([4]);
    expect(await chargedRounds(world)).toEqual([1, 2]);
    expect(await countedRounds(successor.client, world.stores)).toEqual(new Set([1, 2, 3, 4]));
  });

  it('are one round in one entry at most, whatever is stated', async () => {
    const world = await recovered();
    for (const rounds of [[1, 2], [2, 3], [1], [2], [3, 4], [1, 2, 3, 4, 5], [5], [6, 16], [6]])
      await outcomeOf(world, rounds);
    const entered = (await statements(world)).flatMap((entry) => ('rounds' in entry ? entry.rounds : []));
    expect(entered).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await chargedRounds(world)).toEqual(entered);
  });
});

describe('rounds that cannot have been forgotten', () => {
  it.each([
    ['local', terms],
    ['central', { ...terms, privacy: centralTerms }],
  ])('are all, as long as no backup was restored: nothing is charged nor written, %s privacy', async (_, of) => {
    const world = await opened();
    const before = (await world.stores.ledger.entries()).length;
    expect(await stating(world, [1], { terms: of })).toEqual([]);
    expect(await stating(world, [1, 2, 1_000_000], { terms: of })).toEqual([]);
    expect(await world.stores.ledger.entries()).toHaveLength(before);
    expect(await chargedRounds(world)).toEqual([]);
  });

  it('are those beyond all that the federation plans, whatever was lost: they are refused with all beside them', async () => {
    const world = await recovered();
    expect(await refused(world, [15, 16])).toBe('wrong-terms');
    expect(await refused(world, [Number.MAX_SAFE_INTEGER])).toBe('wrong-terms');
    expect(await statements(world)).toEqual([]);
    expect(await stating(world, [15])).toEqual([15]);
  });
});

describe('a statement of spent rounds', () => {
  it.each([
    ['another client', { client: 'ab'.repeat(32) }],
    ['another federation', { federation: asFederationId('elsewhere') }],
  ])('signed for %s is refused', async (_, signed) => {
    const world = await opened();
    expect(codeOf(await outcomeOf(world, [1], { signed }))).toBe('bad-signature');
    expect(await chargedRounds(world)).toEqual([]);
  });

  it('of other rounds than were signed is refused', async () => {
    const world = await opened();
    const { key, client } = memberAt(world.cohort, 0);
    const signature = await key.sign(spentStatementBytes({ federation, client: client.id, rounds: [1] }));
    const said = { rounds: [1, 2], signature };
    expect(codeOf(await chargeStated(said, client, { ...world.stores, terms }))).toBe('bad-signature');
  });

  it('costs a client under central privacy a release, where none here was charged to everybody', async () => {
    const world = await recovered();
    const noiseCommitment = asDigest('c0'.repeat(32));
    const central = { ...terms, privacy: centralTerms };
    expect(await stating(world, [1], { terms: central })).toEqual([1]);
    await world.stores.releases.charge({ round: 1, noiseMultiplier: 1.5, noiseCommitment });
    const sender = memberAt(world.cohort, 1);
    expect(await stating(world, [1], { terms: central, sender })).toEqual([]);
    expect(await refused(world, [1, 2], { terms: central, sender })).toBe('replayed');
    expect(await statements(world)).toMatchObject([{ rounds: [1], noiseMultiplier: 1.5, samplingRate: 1, steps: 1 }]);
  });

  it('costs nothing where nothing is counted', async () => {
    const world = await recovered();
    const { privacy } = terms;
    if (privacy.mode !== 'local') throw new Error('expected local privacy');
    for (const other of [openTerms.privacy, { ...privacy, void: true }])
      expect(await stating(world, [1], { terms: { ...terms, privacy: other } })).toEqual([]);
    expect(await statements(world)).toEqual([]);
  });
});
