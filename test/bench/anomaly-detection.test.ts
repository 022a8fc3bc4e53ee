import { describe, expect, it } from 'vitest';
import { Detector } from '../../bench/anomaly-detection.ts';
import { asFederationId } from '../../shared/ids.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import { seededRandomSource } from '../../shared/random-source.ts';
import { noiseOf, noiseStdDev, parameters, privacy, training } from '../server/update/anomaly/intact-updates.ts';

const CLIENTS = 20;
const tensors = [{ name: 'kernel', shape: [parameters] }];
const local: FederationTerms = { federation: asFederationId('digits'), tensors, training, privacy, rounds: 15 };
const honest = (stdDev: number): Float32Array[] => {
  const random = seededRandomSource(31, 'detection');
  return Array.from({ length: CLIENTS }, () => noiseOf(random, stdDev));
};

/** What becomes of an honest cohort in which the first two send `lies`. */
async function judge(terms: FederationTerms, lies: (own: Float32Array, other: Float32Array) => Float32Array) {
  const updates = honest(terms.privacy.mode === 'none' ? 0.01 : noiseStdDev);
  const [first = new Float32Array()] = updates;
  const detector = await Detector.of(terms, CLIENTS);
  const sent = updates.map((own, i) => (i < 2 ? lies(own, first) : own));
  return detector.judge({ updates: sent, previousStep: null });
}

describe('the layers as the anomaly bench runs them', () => {
  it.each([local, { ...local, privacy: { mode: 'none' } } as const])('see nothing in honest updates', async (terms) => {
    const found = await judge(terms, (own) => own);
    expect(found).toHaveLength(CLIENTS);
    for (const { layers, severity } of found) {
      expect(layers).toEqual([]);
      expect(severity).toBeLessThanOrEqual(1);
      expect(severity).toBeGreaterThan(0);
    }
  });

  it.each([
    ['absolute', (own: Float32Array) => own.map((value) => 100 * value)],
    ['noise-witness', (own: Float32Array) => own.map((value) => 0.1 * value)],
    ['shared-noise', (own: Float32Array, other: Float32Array) => own.map((_, i) => (other[i] ?? NaN) + (i % 7) / 1000)],
  ])('name the one that refused or left out the update: %s', async (layer, lies) => {
    const found = await judge(local, lies);
    expect(found.slice(0, 2)).toEqual(Array.from({ length: 2 }, () => ({ layers: [layer], severity: Infinity })));
    expect(found.slice(2).flatMap(({ layers }) => layers)).toEqual([]);
  });

  it('name every flag that is raised, with the largest severity', async () => {
    const found = await judge({ ...local, privacy: { mode: 'none' } }, (own) => own.map((value) => 3 * value));
    for (const { layers, severity } of found.slice(0, 2)) {
      expect(layers).toContain('norm-outlier');
      expect(severity).toBeGreaterThan(1);
    }
    const copies = await judge({ ...local, privacy: { mode: 'none' } }, (own, other) => (own === other ? own : other));
    expect(copies.slice(0, 2).map(({ layers }) => layers)).toEqual(
      Array.from({ length: 2 }, () => ['near-duplicate', 'spectral-outlier']),
    );
  });
});
