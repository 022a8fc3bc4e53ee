import { describe, expect, it } from 'vitest';
import type { PrivacyCharge } from '../../../server/privacy/charge-store.ts';
import { clientBudgets } from '../../../server/privacy/client-budget.ts';
import { ACCOUNTANT, epsilonOf } from '../../../shared/accounting/epsilon.ts';
import type { FederationTerms, LocalPrivacyTerms } from '../../../shared/protocol/terms.ts';
import { openTerms, terms, threeMembers } from '../../support/small-federation.ts';

const [
  {
    client: { id: anna },
  },
  {
    client: { id: ben },
  },
  {
    client: { id: carol },
  },
] = await threeMembers();

const event = { noiseMultiplier: 1.03, samplingRate: 0.1, steps: 10 };
const after = (rounds: number): number => epsilonOf([{ ...event, steps: 10 * rounds }], 1e-4);
const charges = (client: PrivacyCharge['client'], rounds: number): PrivacyCharge[] =>
  Array.from({ length: rounds }, (_, i) => ({ client, round: i + 1, event }));

function termsWith(changes: Partial<LocalPrivacyTerms>): FederationTerms {
  if (terms.privacy.mode !== 'local') throw new Error('private terms');
  return { ...terms, privacy: { ...terms.privacy, ...changes } };
}

describe('the budgets of clients', () => {
  it('count each client’s own rounds, composed as one history', () => {
    const budgets = clientBudgets([...charges(anna, 3), ...charges(ben, 1)], terms);
    expect(budgets.epsilonOf(anna)).toBeCloseTo(after(3), 12);
    expect(budgets.epsilonOf(ben)).toBeCloseTo(after(1), 12);
    expect(after(3)).toBeLessThan(3 * after(1));
    expect(budgets.accountant).toBe(ACCOUNTANT);
  });

  it('show 0 for a client that has spent nothing', () => {
    expect(clientBudgets(charges(ben, 2), terms).epsilonOf(anna)).toBe(0);
  });

  it('afford a round that ends exactly at the budget, and none that would pass it', () => {
    const exact = termsWith({ epsilonBudget: after(3) });
    expect(clientBudgets(charges(anna, 2), exact).affordsRound(anna)).toBe(true);
    expect(clientBudgets(charges(anna, 3), exact).affordsRound(anna)).toBe(false);
    const less = termsWith({ epsilonBudget: after(3) * (1 - 1e-9) });
    expect(clientBudgets(charges(anna, 2), less).affordsRound(anna)).toBe(false);
    expect(clientBudgets(charges(anna, 2), less).affordsRound(ben)).toBe(true);
  });

  it('afford nothing where one round alone passes the budget', () => {
    expect(clientBudgets([], termsWith({ epsilonBudget: 0.01 })).affordsRound(anna)).toBe(false);
  });

  it('count what a predecessor has spent, and its predecessor, for whoever took their place', () => {
    const succession = [
      { id: anna, predecessor: null },
      { id: ben, predecessor: anna },
      { id: carol, predecessor: ben },
    ];
    const spent = [...charges(anna, 3), ...charges(ben, 2), ...charges(carol, 1)];
    const budgets = clientBudgets(spent, termsWith({ epsilonBudget: after(6) }), succession);
    expect(budgets.epsilonOf(anna)).toBeCloseTo(after(3), 12);
    expect(budgets.epsilonOf(ben)).toBeCloseTo(after(5), 12);
    expect(budgets.epsilonOf(carol)).toBeCloseTo(after(6), 12);
    expect([anna, ben, carol].map((id) => budgets.affordsRound(id))).toEqual([true, true, false]);
  });

  it('are no fresh ones for a key that has spent nothing yet itself', () => {
    const exact = termsWith({ epsilonBudget: after(3) });
    const succession = [{ id: ben, predecessor: anna }];
    expect(clientBudgets(charges(anna, 3), exact).affordsRound(ben)).toBe(true);
    expect(clientBudgets(charges(anna, 3), exact, succession).affordsRound(ben)).toBe(false);
    expect(clientBudgets(charges(anna, 2), exact, succession).affordsRound(ben)).toBe(true);
    expect(clientBudgets(charges(anna, 3), exact, succession).epsilonOf(ben)).toBeCloseTo(after(3), 12);
  });

  it('claim no epsilon where the noise was seeded, and keep to the budget all the same', () => {
    const seeded = clientBudgets(charges(anna, 3), termsWith({ void: true, epsilonBudget: after(3) }));
    expect([seeded.epsilonOf(anna), seeded.accountant, seeded.affordsRound(anna)]).toEqual([null, null, false]);
  });

  it('are none where no privacy is declared', () => {
    const open = clientBudgets(charges(anna, 300), openTerms);
    expect([open.epsilonOf(anna), open.accountant, open.affordsRound(anna)]).toEqual([null, null, true]);
  });
});
