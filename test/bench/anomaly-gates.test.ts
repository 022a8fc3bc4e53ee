import { describe, expect, it } from 'vitest';
import { anomalyAttackNames, privacyNames, splitNames } from '../../bench/anomaly-cohorts.ts';
import { passGates } from '../../bench/anomaly-gates.ts';
import type { Judged } from '../../bench/anomaly-shares.ts';

/** Every attack detected and no honest update, in every setting; then what `changes` says. */
const judgedWith = (changes: (one: Judged) => number | undefined): readonly Judged[] =>
  anomalyAttackNames.flatMap((attack) =>
    splitNames.flatMap((split) =>
      privacyNames.map((privacy) => {
        const lies = attack !== 'none';
        const one: Judged = { attack, split, privacy, phase: 'early', lies, layers: [], severity: lies ? 2 : 0 };
        return { ...one, severity: changes(one) ?? one.severity };
      }),
    ),
  );
const missedWith = (changes: (one: Judged) => number | undefined, falseBans = 0) =>
  passGates(judgedWith(changes), falseBans);

describe('the gates of the anomaly bench', () => {
  it('are all passed where every liar is found and nobody else', () => {
    const { missed, context } = missedWith(() => undefined);
    expect(missed).toBe(0);
    expect(context).toMatchObject({ missed: '', 'false-alarms': 0, 'false-bans': 0, scale: 1, 'sign-flip': 1 });
  });

  it.each(['scale', 'gaussian', 'identical', 'noiseless-flip', 'shared-noise', 'sign-flip'] as const)(
    'are missed where %s passes unseen',
    (attack) => {
      const { missed, context } = missedWith((one) => (one.attack === attack ? 0 : undefined));
      expect(missed).toBe(1);
      expect(context).toMatchObject({ missed: attack, [attack]: 0 });
    },
  );

  it('are missed by false alarms and false bans', () => {
    expect(missedWith((one) => (one.attack === 'none' ? 2 : undefined)).context['missed']).toBe('false-alarms');
    expect(missedWith(() => undefined, 0.0011).context['missed']).toBe('false-bans');
  });

  it('are held to the settings that they name, with the other splits beside them', () => {
    const elsewhere = missedWith(({ attack, split }) => (attack === 'scale' && split !== 'iid' ? 0 : undefined));
    expect(elsewhere.missed).toBe(0);
    expect(elsewhere.context).toMatchObject({ scale: 1, 'scale-dirichlet-0.5': 0, 'scale-dirichlet-0.1': 0 });
    const underNoise = missedWith(({ attack, privacy }) =>
      attack === 'sign-flip' && privacy === 'local' ? 0 : undefined,
    );
    expect(underNoise.missed).toBe(0);
    const skewed = missedWith(({ attack, split }) => (attack === 'noiseless-flip' && split !== 'iid' ? 0 : undefined));
    expect(skewed.context['missed']).toBe('noiseless-flip');
  });
});
