import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../server/transport/token-bucket.ts';
import { fc } from '../../support/properties.ts';

const rate = { burst: 6, perSecond: 4 };

const taken = (bucket: TokenBucket, atMs: number, times: number): number =>
  Array.from({ length: times }, () => bucket.take(atMs)).filter(Boolean).length;

describe('a token bucket', () => {
  it('lets a burst through and no more, then one message for each fraction of a second', () => {
    const bucket = new TokenBucket(rate, 1_000);
    expect(taken(bucket, 1_000, 20)).toBe(6);
    expect(taken(bucket, 1_249, 20)).toBe(0);
    expect(taken(bucket, 1_250, 20)).toBe(1);
    expect(taken(bucket, 2_250, 20)).toBe(4);
  });

  it('never saves more than a burst, however long nobody asks', () => {
    const bucket = new TokenBucket(rate, 0);
    expect(taken(bucket, 3_600_000, 20)).toBe(6);
  });

  it('lets through at most a burst and the rate times the time, whatever the asking', () => {
    const gaps = fc.array(fc.nat({ max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, (waits) => {
        const bucket = new TokenBucket(rate, 0);
        let [nowMs, passed] = [0, 0];
        for (const waitMs of waits) {
          nowMs += waitMs;
          if (bucket.take(nowMs)) passed += 1;
          expect(passed).toBeLessThanOrEqual(rate.burst + (nowMs / 1_000) * rate.perSecond + 1e-9);
        }
      }),
    );
  });

  it('is full when it has saved a burst, as a new one is', () => {
    const bucket = new TokenBucket(rate, 0);
    expect(bucket.isFull(0)).toBe(true);
    expect(taken(bucket, 0, 2)).toBe(2);
    expect([bucket.isFull(0), bucket.isFull(499), bucket.isFull(500)]).toEqual([false, false, true]);
  });

  it('gives nothing for a clock that is set back, and goes on from there', () => {
    const bucket = new TokenBucket(rate, 1_000_000);
    expect(taken(bucket, 1_000_000, 6)).toBe(6);
    expect(taken(bucket, 0, 20)).toBe(0);
    expect(taken(bucket, 250, 20)).toBe(1);
  });
});
