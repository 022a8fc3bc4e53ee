import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accountants, calibrateNoiseMultiplier, counted, sampledGaussian } from '../../../shared/accounting/index.ts';
import { repositoryRoot } from '../../support/fixture-repository.ts';

const packageSchema = z.object({ exports: z.object({ './accounting': z.record(z.string(), z.string()) }) });

describe('the door muster-fl/accounting', () => {
  it('is what the build makes of this file', () => {
    const { exports } = packageSchema.parse(JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')));
    const built = Object.values(exports['./accounting']);
    expect(built).toHaveLength(2);
    for (const path of built) {
      const source = path.replace('./dist/', '').replace(/(\.d\.ts|\.js)$/, '.ts');
      expect(existsSync(join(repositoryRoot, source))).toBe(true);
      expect(source).toBe('shared/accounting/index.ts');
    }
  });

  it('does what shared/README.md shows', () => {
    const round = sampledGaussian(1.1, 0.01, 10);
    const { epsilon } = accountants.rdp.epsilon([counted(round, 100)], 1e-5);
    expect(epsilon).toBeCloseTo(1.7117700912, 9);
    const target = { samplingRate: 0.01, steps: 1000, epsilon, delta: 1e-5 };
    expect(calibrateNoiseMultiplier(target)).toBeCloseTo(1.1, 6);
  });
});
