import { describe, expect, it } from 'vitest';
import { budgetSpent, centralBudget } from '../../../server/privacy/central-budget.ts';
import type { ReleaseCharge } from '../../../server/privacy/charge-store.ts';
import { epsilonOf } from '../../../shared/accounting/epsilon.ts';
import { asDigest } from '../../../shared/ids.ts';
import { centralTerms } from '../../support/central-terms.ts';
import { member } from '../../support/small-federation.ts';

const { delta } = centralTerms;
const noiseCommitment = asDigest('c0'.repeat(32));
const charges = (count: number, noiseMultiplier = centralTerms.noiseMultiplier): ReleaseCharge[] =>
  Array.from({ length: count }, (_, i) => ({ round: i + 1, noiseMultiplier, noiseCommitment }));
const after = (steps: number): number => epsilonOf([{ noiseMultiplier: 1.5, samplingRate: 1, steps }], delta);

describe('the budget of a federation under central privacy', () => {
  it('is one for all clients, and counts every release, twice paid rounds among them', async () => {
    const [{ client: one }, { client: other }] = [await member(1), await member(2)];
    const twice = [...charges(2), ...charges(1)];
    const budget = centralBudget(twice, centralTerms);
    expect([one, other].map(({ id }) => budget.epsilonOf(id))).toEqual([after(3), after(3)]);
    expect(budget.accountant).toMatch(/\//);
  });

  it('takes each client to have part in every release: no rate below 1 is ever counted', async () => {
    const { client } = await member(1);
    const exact = epsilonOf(
      Array.from({ length: 4 }, () => ({ noiseMultiplier: 1.5, samplingRate: 1, steps: 1 })),
      delta,
    );
    expect(centralBudget(charges(4), centralTerms).epsilonOf(client.id)).toBe(exact);
  });

  it('counts what was charged, not what the terms say now', async () => {
    const { client } = await member(1);
    const loud = centralBudget(charges(1, 0.7), centralTerms).epsilonOf(client.id);
    expect(loud).toBe(epsilonOf([{ noiseMultiplier: 0.7, samplingRate: 1, steps: 1 }], delta));
  });

  it('counts for a client alone, and for whoever takes its place, the rounds it has stated that no release here was of', async () => {
    const [{ client: one }, { client: other }, { client: heir }] = [await member(1), await member(2), await member(3)];
    const event = { noiseMultiplier: 1.5, samplingRate: 1, steps: 1 };
    const stated = [2, 3, 4].map((round) => ({ client: one.id, round, event }));
    const terms = { ...centralTerms, epsilonBudget: after(4) };
    const successions = [{ id: heir.id, predecessor: one.id }];
    const budget = centralBudget(charges(2), terms, { charges: stated, successions });
    const all = [one, heir, other].map(({ id }) => id);
    expect(all.map((id) => budget.epsilonOf(id))).toEqual([after(4), after(4), after(2)]);
    expect(all.map((id) => budget.affordsRound(id))).toEqual([false, false, true]);
  });

  it('affords a release up to the budget exactly, and refuses the one that would pass it', async () => {
    const { client } = await member(1);
    const terms = { ...centralTerms, epsilonBudget: after(3) };
    expect(centralBudget(charges(2), terms).affordsRound(client.id)).toBe(true);
    expect(budgetSpent(charges(2), terms)).toBeUndefined();
    expect(centralBudget(charges(3), terms).affordsRound(client.id)).toBe(false);
    expect(budgetSpent(charges(3), terms)?.refusal.code).toBe('budget-exhausted');
  });
});
