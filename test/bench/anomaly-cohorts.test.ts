import { describe, expect, it } from 'vitest';
import {
  anomalyAttackNames,
  type CleanFederation,
  cohortsFor,
  type ObservedRound,
} from '../../bench/anomaly-cohorts.ts';
import { asFederationId } from '../../shared/ids.ts';
import { simulatedTask } from '../simulation/task.ts';

const { schema, training, privacy } = simulatedTask();
const vector = (...of: readonly number[]): Float32Array =>
  Float32Array.from({ length: 3 }, (_, i) => of.reduce((sum, part, at) => sum + part * (i + 1) ** at, 0));

function observed(round: number): ObservedRound {
  return {
    round,
    phase: round < 10 ? 'early' : 'late',
    baseModel: vector(round),
    previousStep: round === 1 ? null : vector(0, round),
    updates: Array.from({ length: 6 }, (_, client) => vector(round, client)),
    clean: [vector(1, round, 2), vector(4, round, 2)],
    labelFlipped: [vector(1, round, -2), vector(4, round, -2)],
  };
}

const federation: CleanFederation = {
  setting: { split: 'iid', privacy: 'local', seed: 1 },
  terms: { federation: asFederationId('digits'), tensors: schema, training, privacy, rounds: 15 },
  liars: [1, 4],
  rounds: [observed(1), observed(14)],
};

describe('the cohorts of the anomaly bench', () => {
  it.each(anomalyAttackNames.slice(1))(
    'under %s differ from the clean round in every liar’s update and no other',
    (attack) => {
      const cohorts = cohortsFor(federation, attack);
      expect(cohorts).toHaveLength(2);
      cohorts.forEach(({ updates, liars, ...rest }, at) => {
        const { round, phase, baseModel, previousStep, updates: clean = [] } = federation.rounds[at] ?? {};
        expect(rest).toEqual({ attack, round, phase, baseModel, previousStep });
        expect([...liars]).toEqual([1, 4]);
        const replaced = updates.flatMap((update, client) => (update === clean[client] ? [] : [client]));
        expect(replaced).toEqual([1, 4]);
      });
    },
  );

  it('under none are the clean rounds, without a liar', () => {
    for (const [at, { updates, liars }] of cohortsFor(federation, 'none').entries()) {
      expect(updates).toEqual(federation.rounds[at]?.updates);
      expect(liars.size).toBe(0);
    }
  });

  it('give each liar its own lie', () => {
    const [first] = cohortsFor(federation, 'label-flip');
    expect([first?.updates[1], first?.updates[4]]).toEqual(observed(1).labelFlipped);
    const [flipped] = cohortsFor(federation, 'sign-flip');
    expect(flipped?.updates[4]).toEqual(vector(1, 4).map((value) => -value));
    const [noiseless] = cohortsFor(federation, 'noiseless-flip');
    expect(noiseless?.updates[4]).toEqual(vector(4, 1, 2).map((value) => -3 * value));
  });

  it('are the same again, and draw anew in another round', () => {
    expect(cohortsFor(federation, 'gaussian')).toEqual(cohortsFor(federation, 'gaussian'));
    const [early, late] = cohortsFor(federation, 'gaussian');
    expect(late?.updates[1]).not.toEqual(early?.updates[1]);
  });
});
