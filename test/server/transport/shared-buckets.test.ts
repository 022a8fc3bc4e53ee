import { describe, expect, it } from 'vitest';
import { SharedBuckets } from '../../../server/transport/shared-buckets.ts';
import { TokenBucket } from '../../../server/transport/token-bucket.ts';
import { fc } from '../../support/properties.ts';

const rate = { burst: 4, perSecond: 2 };
const REFILL_MS = 2_000;

describe('buckets by key', () => {
  it('answer as if each key had a bucket of its own for ever', () => {
    const askings = fc.array(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 3_000 })), { maxLength: 200 });
    fc.assert(
      fc.property(askings, (found) => {
        const shared = new SharedBuckets<number>(rate);
        const own = new Map<number, TokenBucket>();
        let nowMs = 0;
        for (const [key, waitMs] of found) {
          nowMs += waitMs;
          const bucket = own.get(key) ?? new TokenBucket(rate, nowMs);
          own.set(key, bucket);
          expect(shared.take(key, nowMs)).toBe(bucket.take(nowMs));
        }
      }),
    );
  });

  it('are forgotten once they are full again, and not before', () => {
    const shared = new SharedBuckets<number>(rate);
    for (let key = 0; key < 1_000; key++) shared.take(key, REFILL_MS);
    expect(shared.size).toBe(1_000);
    for (let i = 0; i < rate.burst; i++) shared.take(0, 2 * REFILL_MS - 1);
    shared.take(-1, 2 * REFILL_MS);
    expect(shared.size).toBe(2);
    expect(shared.take(0, 2 * REFILL_MS)).toBe(false);
  });

  it('are forgotten by a clock that was set back, too', () => {
    const shared = new SharedBuckets<number>(rate);
    shared.take(1, 86_400_000);
    shared.take(2, 0);
    shared.take(2, REFILL_MS);
    expect(shared.size).toBe(1);
  });
});
