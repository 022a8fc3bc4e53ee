import { describe, expect, it } from 'vitest';
import { BearerToken } from '../../../client-sdk/connection/bearer-token.ts';
import { HandClock } from '../../support/hand-clock.ts';

function granted(expiresInMs: number, fault?: Error) {
  const clock = new HandClock();
  let renewals = 0;
  const renew = async () => {
    renewals++;
    if (fault) throw fault;
    return await Promise.resolve({ token: `renewed ${renewals}`, expiresInMs });
  };
  return { clock, token: new BearerToken({ token: 'first', expiresInMs }, renew, clock), count: () => renewals };
}

describe('BearerToken', () => {
  it.each([
    ['half a minute', 600_000, 570_000],
    ['half of a short life', 40_000, 20_000],
  ])('is the same until less than %s is left, then it is renewed once', async (_left, expiresInMs, goodForMs) => {
    const { clock, token, count } = granted(expiresInMs);
    expect([await token.current(), await token.current(), count()]).toEqual(['first', 'first', 0]);
    clock.elapse(goodForMs);
    expect(await Promise.all([token.current(), token.current()])).toEqual(['renewed 1', 'renewed 1']);
    expect([await token.current(), count()]).toEqual(['renewed 1', 1]);
    clock.elapse(goodForMs);
    expect(await token.current()).toBe('renewed 2');
  });

  it('is asked for again after a renewal that failed', async () => {
    const { clock, token, count } = granted(600_000, new Error('nobody answered'));
    clock.elapse(570_000);
    await expect(token.current()).rejects.toThrow('nobody answered');
    await expect(token.current()).rejects.toThrow('nobody answered');
    expect(count()).toBe(2);
  });

  it('outlives no timer: a life of years is not an hour gone at once', () => {
    expect(granted(1e15).clock.running).toEqual([2 ** 31 - 1]);
  });

  it('leaves no timer behind, also when it is renewed while it ends', async () => {
    const { clock, token } = granted(600_000);
    clock.elapse(570_000);
    const renewing = token.current();
    token.end();
    await renewing;
    expect(clock.running).toEqual([]);
    const other = granted(600_000);
    other.token.end();
    expect(other.clock.running).toEqual([]);
  });
});
