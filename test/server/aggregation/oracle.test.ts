import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { krum } from '../../../server/aggregation/krum.ts';
import { multiKrum } from '../../../server/aggregation/multi-krum.ts';
import { asClientId } from '../../../shared/ids.ts';
import { pythonWithNumpy } from '../../support/python.ts';
import { aggregateOf } from './cohorts.ts';

const byRule = <T extends z.ZodType>(value: T) => z.strictObject({ krum: value, default: value, fixed: value });
const casesSchema = z.array(
  z.strictObject({
    exact: z.boolean(),
    f: z.number(),
    m: z.number(),
    updates: z.array(z.strictObject({ client: z.string(), values: z.array(z.number()) })),
    scores: z.array(z.number()),
    selected: byRule(z.array(z.string())),
    aggregate: byRule(z.array(z.number())),
  }),
);

const pinnedText = readFileSync(new URL('../../oracles/krum.json', import.meta.url), 'utf8');
const pinned = casesSchema.parse(JSON.parse(pinnedText));
const python = pythonWithNumpy();

describe('the numpy oracle (test/oracles/krum.py)', () => {
  it.each(pinned.map((one, index) => ({ index, ...one })))('agrees on case $index', (one) => {
    const updates = one.updates.map(({ client, values }) => ({
      client: asClientId(client),
      values: Float32Array.from(values),
    }));
    const outcomes = {
      krum: aggregateOf(krum, updates, one.f),
      default: aggregateOf(multiKrum(), updates, one.f),
      fixed: aggregateOf(multiKrum(one.m), updates, one.f),
    };
    for (const name of ['krum', 'default', 'fixed'] as const) {
      expect(outcomes[name].selected).toEqual(one.selected[name]);
      expect([...outcomes[name].values]).toEqual(one.aggregate[name]);
    }
    updates.forEach(({ client }, i) => {
      const expected = one.scores[i] ?? NaN;
      const tolerance = one.exact ? 0 : 1e-13 * expected;
      expect(Math.abs((outcomes.krum.scores.get(client) ?? NaN) - expected)).toBeLessThanOrEqual(tolerance);
    });
  });

  it('still derives the pinned cases', ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const script = fileURLToPath(new URL('../../oracles/krum.py', import.meta.url));
    const { stdout } = spawnSync(python.command, [script], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    const withoutScores = (cases: typeof pinned) => cases.map((one) => ({ ...one, scores: [] }));
    const derived = casesSchema.parse(JSON.parse(stdout));
    expect(withoutScores(derived)).toEqual(withoutScores(pinned)); // another numpy may sum scores in another order
  });
});
