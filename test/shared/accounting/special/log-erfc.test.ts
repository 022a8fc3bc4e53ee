import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { erfc, logErfc, scaledErfc } from '../../../../shared/accounting/special/log-erfc.ts';

const exact = z
  .array(z.strictObject({ x: z.number(), erfc: z.string(), logErfc: z.string() }))
  .parse(JSON.parse(readFileSync(new URL('../../../oracles/log_erfc.json', import.meta.url), 'utf8')))
  .map((row) => ({ x: row.x, erfc: Number(row.erfc), logErfc: Number(row.logErfc) }));

const relativeError = (found: number, expected: number): number =>
  expected === 0 ? Math.abs(found) : Math.abs(found / expected - 1);

describe('the complementary error function', () => {
  it('has a relative error below 1e-13 as far as doubles reach', () => {
    const rows = exact.filter((row) => row.erfc > 1e-300);
    expect(rows.length).toBeGreaterThan(60);
    for (const row of rows) expect(relativeError(erfc(row.x), row.erfc), `erfc(${row.x})`).toBeLessThan(1e-13);
  });

  it('has a logarithm with a relative error below 1e-13 at any distance', () => {
    for (const row of exact) expect(relativeError(logErfc(row.x), row.logErfc), `at ${row.x}`).toBeLessThan(1e-13);
  });

  it('scaled by e^x^2 keeps its digits where it is itself 0', () => {
    const rows = exact.filter(({ x, logErfc: log }) => x >= 0 && log > -700);
    for (const row of rows) {
      const bound = 1e-13 + Number.EPSILON * row.x ** 2;
      expect(relativeError(scaledErfc(row.x), row.erfc * Math.exp(row.x ** 2)), `at ${row.x}`).toBeLessThan(bound);
    }
    expect(scaledErfc(1e5) * 1e5 * Math.sqrt(Math.PI)).toBeCloseTo(1, 9);
  });

  it('comes to its limits at both infinities', () => {
    expect([erfc(Infinity), erfc(-Infinity), logErfc(Infinity), logErfc(-Infinity)]).toEqual([
      0,
      2,
      -Infinity,
      Math.LN2,
    ]);
  });

  it('hands NaN on', () => {
    expect([erfc(NaN), logErfc(NaN)]).toEqual([NaN, NaN]);
  });
});
