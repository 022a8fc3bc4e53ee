import { describe, expect, it } from 'vitest';
import { ArrivedUpdates } from '../../../../server/update/staging/arrived-updates.ts';
import { asClientId } from '../../../../shared/ids.ts';
import { plainKernel } from '../../../support/plain-kernel.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((digit) => asClientId(digit.repeat(64)));
const values = Float32Array.of(1, 2);
const twoUpdates = 2 * values.byteLength;

function arrivedWith(...clients: readonly (typeof a)[]): ArrivedUpdates {
  const arrived = new ArrivedUpdates({ kernel: plainKernel, parameters: 2, memoryBudgetBytes: twoUpdates });
  for (const client of clients) if (client !== undefined) arrived.keep(1, client, values);
  return arrived;
}

const held = (arrived: ArrivedUpdates): readonly boolean[] => {
  const growing = arrived.take(1);
  return [a, b, c, d].map((client) => client !== undefined && growing.has(client));
};

describe('updates that have arrived', () => {
  it('are held up to the memory budget', () => {
    expect(held(arrivedWith(a, b))).toEqual([true, true, false, false]);
  });

  it('are all let go with the first that passes the budget, and none is held after it', () => {
    expect(held(arrivedWith(a, b, c))).toEqual([false, false, false, false]);
    expect(held(arrivedWith(a, b, c, d))).toEqual([false, false, false, false]);
  });

  it('are held anew in the next round', () => {
    const arrived = arrivedWith(a, b, c);
    if (d !== undefined) arrived.keep(2, d, values);
    expect(d !== undefined && arrived.take(2).has(d)).toBe(true);
  });

  it('count once where a client sends again', () => {
    expect(held(arrivedWith(a, a, b, a))).toEqual([true, true, false, false]);
  });
});
