import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pldAccountant } from '../../../shared/accounting/pld-accountant.ts';
import { sampledGaussian } from '../../../shared/accounting/privacy-event.ts';
import { rdpAccountant } from '../../../shared/accounting/rdp-accountant.ts';

const mechanismSchema = z.tuple([z.number(), z.number(), z.number()]);
const rowSchema = z.object({
  history: z.array(mechanismSchema).transform((of) => of.map((each) => sampledGaussian(...each))),
  delta: z.number(),
  rdpOpacus: z.object({ epsilon: z.number(), order: z.number() }),
  rdpGoogle: z.number(),
  prv: z.tuple([z.number(), z.number(), z.number()]),
  pldGoogle: z.number(),
  deltaAtHalf: z.number(),
});
const text = readFileSync(new URL('../../oracles/accounting_peers.json', import.meta.url), 'utf8');
const rows = z.array(rowSchema).parse(JSON.parse(text));

describe('over random histories', () => {
  it('there are enough of them, with one mechanism and with two', () => {
    expect(rows.filter(({ history }) => history.length === 1)).toHaveLength(20);
    expect(rows.filter(({ history }) => history.length === 2)).toHaveLength(6);
  });

  it.each(rows)(
    'RDP is Opacus’s to 1e-8, and not above dp_accounting’s: %#',
    ({ history, delta, rdpOpacus, rdpGoogle }) => {
      const { epsilon, order } = rdpAccountant.epsilon(history, delta);
      expect(Math.abs(epsilon / rdpOpacus.epsilon - 1)).toBeLessThan(1e-8);
      expect(order).toBe(rdpOpacus.order);
      expect(epsilon).toBeLessThanOrEqual(rdpGoogle * (1 + 1e-9));
    },
  );

  it.each(rows)(
    'PLD lies between PRV’s bounds and within 1e-3 of dp_accounting’s: %#',
    ({ history, delta, prv: [lower, , upper], pldGoogle, deltaAtHalf }) => {
      const { epsilon } = pldAccountant.epsilon(history, delta);
      expect(epsilon).toBeGreaterThan(lower);
      expect(epsilon).toBeLessThan(upper);
      expect(Math.abs(epsilon - pldGoogle)).toBeLessThan(1e-3);
      const half = pldAccountant.delta(history, pldGoogle / 2).delta;
      // Its grid of 1e-4 is coarse where epsilon is as small: it is up to 3 % high there.
      expect(half / deltaAtHalf).toBeLessThan(1.001);
      expect(half / deltaAtHalf).toBeGreaterThan(pldGoogle > 0.02 ? 0.999 : 0.96);
    },
  );
});
