import { describe, expect, it } from 'vitest';
import { settlement } from '../../shared/settlement.ts';

describe('a settlement', () => {
  it('is settled from outside, once', async () => {
    const { promise, resolve, reject } = settlement<number>();
    resolve(7);
    resolve(8);
    reject(new Error('late'));
    expect(await promise).toBe(7);
  });

  it('rejects with the very fault that it is given', async () => {
    const fault = new Error('disk full');
    const { promise, reject } = settlement<void>();
    reject(fault);
    await expect(promise).rejects.toBe(fault);
  });
});
