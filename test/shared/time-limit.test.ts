import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { timeLimit } from '../../shared/time-limit.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('a time limit', () => {
  it('aborts when the time is over, and says how long it was', () => {
    const clock = new FakeClock();
    const { signal } = timeLimit(50, [], clock);
    clock.advance(49);
    expect(signal.aborted).toBe(false);
    clock.advance(1);
    expect(signal.reason).toEqual(new Error('nothing within 50 ms'));
  });

  it('aborts with any other signal, for its reason, also one that was aborted before', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { signal } = timeLimit(50, [one.signal, other.signal], new FakeClock());
    other.abort('left');
    expect(signal.reason).toBe('left');
    one.abort('late');
    expect(signal.reason).toBe('left');
    expect(timeLimit(50, [one.signal], new FakeClock()).signal.reason).toBe('late');
  });

  it('aborts no more once it is lifted, and leaves no timer', () => {
    const clock = new FakeClock();
    const other = new AbortController();
    const { signal, lift } = timeLimit(50, [other.signal], clock);
    lift();
    clock.advance(100);
    other.abort();
    expect(signal.aborted).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('comes although nobody but its listener holds it', async () => {
    setFlagsFromString('--expose-gc');
    const abort = once(timeLimit(100, [new AbortController().signal]).signal, 'abort');
    // Nothing is collected in the turn that made it.
    await setImmediate();
    runInNewContext('gc()');
    await expect(abort).resolves.toHaveLength(1);
  }, 2_000);
});
