import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { erfc, erfcx, logErfc } from '../../../shared/accounting/log-erfc.ts';

const rowSchema = z.object({ x: z.number(), value: z.string().transform(Number) });
const figures = readFileSync(new URL('../../oracles/accounting_figures.json', import.meta.url), 'utf8');
const { logErfc: rows } = z.object({ logErfc: z.array(rowSchema) }).parse(JSON.parse(figures));

describe('log erfc', () => {
  it.each(rows)('at $x agrees with 30 digits to 1e-12', ({ x, value }) => {
    expect(Math.abs(logErfc(x) / value - 1)).toBeLessThan(1e-12);
    if (value > -700) expect(Math.abs(erfc(x) / Math.exp(value) - 1)).toBeLessThan(1e-12 + Math.abs(value) * 1e-15);
  });

  it('falls everywhere, also where its two forms meet', () => {
    const x = fc.double({ min: -6, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(x, fc.double({ min: 1e-6, max: 1, noNaN: true }), (at, further) => {
        expect(logErfc(at + further)).toBeLessThanOrEqual(logErfc(at));
      }),
      { examples: [[1.5 - 1e-9, 1e-6]] },
    );
  });

  it('is that of the scaled form', () => {
    fc.assert(
      fc.property(fc.double({ min: -20, max: 25, noNaN: true }), (x) => {
        expect(Math.log(erfcx(x)) - x * x - logErfc(x)).toBeCloseTo(0, 10);
      }),
    );
    expect(erfcx(1e200)).toBeGreaterThan(0);
  });
});
