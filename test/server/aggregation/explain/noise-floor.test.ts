import { describe, expect, it } from 'vitest';
import { noiseFloorWarning } from '../../../../server/aggregation/explain/noise-floor.ts';
import { explain } from '../../../../server/aggregation/explain/explain.ts';
import { ruleOf } from '../../../../server/aggregation/rules.ts';
import { accepted } from '../../../../shared/protocol/refusals.ts';
import { seededRandomSource, standardNormals } from '../../../../shared/random-source.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { fc } from '../../../support/properties.ts';

const D = 400;
const NOISE = 0.05;

/** Ten updates: a signal of that length in one direction, and the declared noise, of length 1. */
const noisyRows = (signal: number): readonly Float32Array[] =>
  Array.from({ length: 10 }, (_, client) =>
    Float32Array.from(
      standardNormals(seededRandomSource(client, 'row'), D),
      (normal) => signal / Math.sqrt(D) + NOISE * normal,
    ),
  );

async function warningsOf(name: string, signal: number, noiseStdDev: number): Promise<string> {
  const rule = accepted(ruleOf({ name })).made;
  const cohort = plainCohort(noisyRows(signal));
  const aggregate = accepted(await rule.aggregate({ cohort, f: 2, seed: null, reference: null }));
  return (await explain({ cohort, rule, aggregate, f: 2, noiseStdDev })).warnings.join('\n');
}

describe('a rule below the noise floor', () => {
  it.each(['krum', 'multi-krum'])(
    'is warned about where %s picks among updates with more noise than signal',
    async (rule) => {
      expect(await warningsOf(rule, 0.5, NOISE)).toContain('below the noise floor');
      expect(await warningsOf(rule, 2, NOISE)).not.toContain('noise floor');
    },
  );

  it('is no matter where every update was picked in the end', () => {
    const rows = { squaredNorms: new Float64Array(3).fill(D * NOISE ** 2), d: D, noiseStdDev: NOISE };
    expect(noiseFloorWarning({ selected: [0, 1, 2] }, rows)).toBeNull();
    expect(noiseFloorWarning({ selected: [0, 2] }, rows)).toContain('noise floor');
  });

  it('is no matter for a rule that takes all, nor where no noise is declared', async () => {
    expect(await warningsOf('mean', 0.5, NOISE)).not.toContain('noise floor');
    expect(await warningsOf('median', 0.5, NOISE)).not.toContain('noise floor');
    expect(await warningsOf('krum', 0.5, 0)).not.toContain('noise floor');
  });

  it('is warned about exactly while most squared norms are below twice that of the noise', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 10, noNaN: true }), fc.nat(3), (ratio, louder) => {
        fc.pre(Math.abs(ratio - 2) > 1e-6);
        // At most 3 of 7 are louder: the median is that of the others.
        const squaredNorms = Float64Array.from({ length: 7 }, (_, i) => (i < louder ? 1e6 : ratio) * D * NOISE ** 2);
        const warning = noiseFloorWarning({ selected: [0] }, { squaredNorms, d: D, noiseStdDev: NOISE });
        expect(warning !== null).toBe(ratio < 2);
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});
