import { describe, expect, it } from 'vitest';
import { detectedShare, type Judged, judgedIn, rocOf, sharesByLayer } from '../../bench/anomaly-shares.ts';

const setting = { attack: 'scale', split: 'iid', privacy: 'off', phase: 'early' } as const;
const one = (severity: number, changes: Partial<Judged> = {}): Judged => ({
  ...setting,
  lies: true,
  layers: [],
  severity,
  ...changes,
});

describe('shares of what was judged', () => {
  it('count what lies above the threshold, which is 1 unless said otherwise', () => {
    const judged = [one(0.6), one(1), one(1.2), one(Infinity)];
    expect(detectedShare(judged)).toBe(0.5);
    expect(rocOf(judged)).toEqual([1, 0.75, 0.5, 0.25, 0.25]);
  });

  it('are of the settings that are asked for', () => {
    const judged = [one(1), one(2, { privacy: 'local' }), one(3, { lies: false }), one(4, { split: 'dirichlet-0.1' })];
    const severities = (wanted: Parameters<typeof judgedIn>[1]) =>
      judgedIn(judged, wanted).map(({ severity }) => severity);
    expect(severities({})).toEqual([1, 2, 3, 4]);
    expect(severities({ privacy: 'off' })).toEqual([1, 3, 4]);
    expect(severities({ split: 'iid', lies: true })).toEqual([1, 2]);
    expect(severities({ attack: 'alie' })).toEqual([]);
    expect(severities({ phase: 'late' })).toEqual([]);
  });

  it('tell for each layer how many it found, an update that several found with each', () => {
    const shares = sharesByLayer([one(2, { layers: ['norm-outlier', 'sign-outlier'] }), one(0)]);
    expect(shares).toMatchObject({ 'by-norm-outlier': 0.5, 'by-sign-outlier': 0.5, 'by-absolute': 0 });
    expect(Object.keys(shares)).toHaveLength(8);
  });
});
