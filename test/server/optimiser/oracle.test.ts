import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { optimiserFor } from '../../../server/optimiser/optimisers.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';

const vector = z.array(z.number());
const casesSchema = z.array(
  z.object({
    name: z.string(),
    options: z.record(z.string(), z.number()),
    rounds: z.array(z.object({ aggregate: vector, step: vector, state: z.array(vector) })),
  }),
);
const cases = casesSchema.parse(JSON.parse(readFileSync('test/oracles/optimisers.json', 'utf8')));

/** A unit in the last place of float32: another machine may round once the other way. */
const CLOSE = 2 ** -23;

function expectClose(found: Float32Array | undefined, expected: readonly number[]): void {
  expect(found?.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs((found?.[i] ?? NaN) - value)).toBeLessThanOrEqual(CLOSE * Math.abs(value));
}

describe('the optimisers of test/oracles/optimisers.py', () => {
  it.each(cases)('make the same steps and remember the same, $name with $options', ({ name, options, rounds }) => {
    const { made } = accepted(optimiserFor({ name, ...options }));
    let state = made.initialState(rounds[0]?.aggregate.length ?? 0);
    for (const round of rounds) {
      const { step, state: next } = made.step(Float32Array.from(round.aggregate), state);
      expectClose(step, round.step);
      expect(next.length).toBe(round.state.length);
      for (const [i, expected] of round.state.entries()) expectClose(next[i], expected);
      state = next;
    }
  });
});
