import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { certify } from '../../../../server/aggregation/explain/certificate.ts';
import { conditionOf } from '../../../../server/aggregation/explain/condition.ts';
import { meanDeclared } from '../../../../server/aggregation/rules/mean.ts';
import { plainCohort } from '../../../support/plain-cohort.ts';
import { pythonWithNumpy } from '../../../support/python.ts';

const casesSchema = z.array(
  z.strictObject({
    f: z.number(),
    updates: z.array(z.array(z.number())),
    point: z.array(z.number()),
    reach: z.number(),
    spread: z.number(),
  }),
);

const pinnedText = readFileSync(new URL('../../../oracles/certificate.json', import.meta.url), 'utf8');
const pinned = casesSchema.parse(JSON.parse(pinnedText));
const python = pythonWithNumpy();

const mean = meanDeclared.make({});

describe('the numpy oracle (test/oracles/certificate.py)', () => {
  it.each(pinned.map((one, index) => ({ index, ...one })))('agrees on case $index', async (one) => {
    const cohort = plainCohort(one.updates);
    const [distances, squaredNorms] = [await cohort.squaredDistances(), await cohort.squaredDistancesTo()];
    const toAggregate = await cohort.squaredDistancesTo(Float32Array.from(one.point));
    const { bound, exact } = certify({ ...distances, relativeError: 2 ** -50 }, toAggregate, one.f);
    expect(exact).toBe(true);
    expect(Math.abs(bound - one.reach)).toBeLessThan(1e-6 * Math.sqrt(Math.max(...toAggregate)));
    if (mean.kind !== 'made') throw new Error('expected the mean');
    const largestSpread = { ratio: () => 1, source: 'none' };
    const rule = { ...mean.made, assumes: { ...mean.made.assumes, largestSpread } };
    expect(conditionOf(rule, { distances, squaredNorms, f: one.f })?.observed).toBeCloseTo(one.spread, 6);
  });

  it.skipIf('skip' in python)('gives the pinned figures when run again', () => {
    if ('skip' in python) return;
    const script = fileURLToPath(new URL('../../../oracles/certificate.py', import.meta.url));
    const { status, stdout, stderr } = spawnSync(python.command, [script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const found = casesSchema.parse(JSON.parse(stdout));
    expect(found.map(({ updates }) => updates)).toEqual(pinned.map(({ updates }) => updates));
    for (const [index, { reach }] of found.entries()) expect(reach).toBeCloseTo(pinned[index]?.reach ?? NaN, 6);
  });
});
