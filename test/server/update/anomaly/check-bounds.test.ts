import { describe, expect, it } from 'vitest';
import { checkBounds } from '../../../../server/update/anomaly/check-bounds.ts';
import { noiseStdDevPerParameter } from '../../../../shared/accounting/noise-scale.ts';
import type { LocalPrivacyTerms } from '../../../../shared/protocol/terms.ts';
import { fillStandardNormals, seededRandomSource } from '../../../../shared/random-source.ts';

const training = { learningRate: 2, stepsPerRound: 10, samplingRate: 0.1, expectedBatchSize: 40, clippingNormL2: 1 };
const noise = (noiseMultiplier: number): LocalPrivacyTerms => ({
  mode: 'local',
  noiseMultiplier,
  epsilonBudget: 8,
  delta: 1e-4,
  adjacency: 'add-remove',
  unit: 'example',
  void: false,
});
const federation = { training, parameters: 7850, checks: 300, pairs: 190, rounds: 15 };

describe('a bound on single values', () => {
  it('is refused before anything starts where the declared noise passes it, with the bound that would do', () => {
    const refused = checkBounds({ ...federation, privacy: noise(100) });
    expect(refused).toMatchObject({ kind: 'refused', refusal: { code: 'bad-config', found: '10' } });
    const least = Number(/at least ([\d.e+]+)/.exec(refused?.refusal.expected ?? '')?.[1]);
    expect(checkBounds({ ...federation, privacy: noise(100), maxAbsolute: 1.01 * least })).toBeUndefined();
  });

  it('stands where the noise fits, and where none is declared', () => {
    expect(checkBounds({ ...federation, privacy: noise(1.03) })).toBeUndefined();
    expect(checkBounds({ ...federation, privacy: { mode: 'none' }, maxAbsolute: 1e-9 })).toBeUndefined();
  });

  it('that just passes is not reached by a run of honest noise', () => {
    const privacy = noise(1);
    const s = noiseStdDevPerParameter(training, privacy);
    const draws = new Float64Array(7850 * 30);
    fillStandardNormals(seededRandomSource(3), draws);
    const largest = s * draws.reduce((most, draw) => Math.max(most, Math.abs(draw)), 0);
    expect(checkBounds({ ...federation, privacy, maxAbsolute: largest })).toMatchObject({ kind: 'refused' });
  });
});
