import { describe, expect, it } from 'vitest';
import { privacyText } from '../../../cli/privacy/promise.ts';
import { epsilonByAdversary } from '../../../server/privacy/epsilon-by-adversary.ts';
import type { RoundRecord } from '../../../shared/protocol/round-record.ts';
import { centralTerms } from '../../support/central-terms.ts';
import { clientAt, record, verdict } from '../../support/federation-facts.ts';
import { terms } from '../../support/small-federation.ts';

/** One epsilon for each client. */
const recordOf = (number: number, epsilons: readonly (number | null)[]): RoundRecord => ({
  ...record(number),
  accountant: 'an-accountant/1',
  verdicts: epsilons.map((epsilon, i) => ({ ...verdict(number, clientAt(i)), epsilon })),
});

describe('what is promised against each adversary', () => {
  it('is the same against all of them under local privacy: the most that any client has spent', () => {
    const records = [recordOf(1, [0.5, 2]), recordOf(2, [1.25, null])];
    expect(epsilonByAdversary(terms.privacy, records)).toEqual({
      mode: 'local',
      afterRound: 2,
      delta: 1e-4,
      unit: 'example',
      adjacency: 'add-remove',
      accountant: 'an-accountant/1',
      epsilon: { modelReader: 2, ledgerReader: 2, coordinator: 2 },
    });
  });

  it('is nothing against whoever runs the coordinator under central privacy, and says so', () => {
    const promised = epsilonByAdversary(centralTerms, [recordOf(1, [3, 3])]);
    expect(promised).toMatchObject({ unit: 'client', epsilon: { modelReader: 3, ledgerReader: 3, coordinator: null } });
    const lines = privacyText(promised).split('\n');
    expect(lines[0]).toBe(
      'Privacy after round 1, of one client, add-remove adjacency, delta 0.00001, over the whole history, by an-accountant/1:',
    );
    expect(lines.find((line) => line.includes('runs the coordinator'))).toContain('no protection');
    expect(lines.filter((line) => line.includes('3.000'))).toHaveLength(2);
  });

  it.each([
    [{ mode: 'none' } as const, /the terms declare none/],
    [{ ...(terms.privacy.mode === 'local' ? terms.privacy : never()), void: true }, /void/],
  ])('is nothing at all where none is declared or it is void', (privacy, why) => {
    const promised = epsilonByAdversary(privacy, [recordOf(1, [null])]);
    expect(promised.epsilon).toEqual({ modelReader: null, ledgerReader: null, coordinator: null });
    expect([promised.delta, promised.unit]).toEqual([null, null]);
    expect(privacyText(promised)).toMatch(why);
  });
});

function never(): never {
  throw new Error('local terms');
}
