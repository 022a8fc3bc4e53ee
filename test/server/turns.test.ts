import { describe, expect, it } from 'vitest';
import { Turns } from '../../server/turns.ts';
import { settlement } from '../../shared/settlement.ts';
import { fc } from '../support/properties.ts';

interface Asked {
  /** Undefined: exclusive. */
  readonly key: string | undefined;
  readonly fails: boolean;
  /** Microtasks that the act takes. */
  readonly length: number;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  key: fc.constantFrom('a', 'a', 'b', 'c', undefined),
  fails: fc.boolean(),
  length: fc.integer({ min: 0, max: 20 }),
});

const fault = new Error('disk full');

/** What was under way when each act began, in the order of beginning; asked for in order, `pause` microtasks apart. */
async function course(acts: readonly Asked[], pause: number): Promise<readonly { at: number; beside: number[] }[]> {
  const turns = new Turns();
  const underWay = new Set<number>();
  const begun: { at: number; beside: number[] }[] = [];
  const outcomes: Promise<unknown>[] = [];
  for (const [at, { key, fails, length }] of acts.entries()) {
    const act = async (): Promise<number> => {
      begun.push({ at, beside: [...underWay] });
      underWay.add(at);
      for (let i = 0; i < length; i++) await Promise.resolve();
      underWay.delete(at);
      if (fails) throw fault;
      return at;
    };
    const turn = key === undefined ? turns.run(act) : turns.share(key, act);
    outcomes.push(turn.catch((reason: unknown) => reason));
    for (let i = 0; i < pause; i++) await Promise.resolve();
  }
  expect(await Promise.all(outcomes)).toEqual(acts.map(({ fails }, at) => (fails ? fault : at)));
  return begun;
}

describe('turns', () => {
  it('run an exclusive act alone, in its place among all others, and the acts of one key in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { maxLength: 12 }), fc.nat({ max: 6 }), async (acts, pause) => {
        const begun = await course(acts, pause);
        expect(begun.map(({ at }) => at).sort((a, b) => a - b)).toEqual(acts.map((_, at) => at));
        const placeOf = new Map(begun.map(({ at }, place) => [at, place]));
        for (const { at, beside } of begun) {
          const key = acts[at]?.key;
          for (const other of beside) expect([key, acts[other]?.key]).not.toContain(undefined);
          for (const other of beside) expect(acts[other]?.key).not.toBe(key);
          for (const [earlier, { key: theirs }] of acts.slice(0, at).entries()) {
            const inOrder = theirs === undefined || key === undefined || theirs === key;
            if (inOrder) expect(placeOf.get(earlier)).toBeLessThan(placeOf.get(at) ?? NaN);
          }
        }
      }),
      { numRuns: 300, seed: 20260304 },
    );
  });

  it('run acts of different keys at the same time', async () => {
    const turns = new Turns();
    const gate = settlement<void>();
    const held = turns.share('a', () => gate.promise);
    expect(await turns.share('b', () => Promise.resolve('beside it'))).toBe('beside it');
    gate.resolve();
    await held;
  });

  it('come to an exclusive act however many shared ones keep asking', async () => {
    const turns = new Turns();
    const gates = [settlement<void>(), settlement<void>()];
    const asking = new AbortController();
    const askAgain = async (key: string, gate: Promise<void>): Promise<void> => {
      let under = turns.share(key, () => gate);
      while (!asking.signal.aborted) {
        // The next of the same key is asked for before this one has ended.
        const next = turns.share(key, () => Promise.resolve());
        await under;
        under = next;
      }
      await under;
    };
    const crowd = gates.map(({ promise }, index) => askAgain(`${index}`, promise));
    const closed = turns.run(() => Promise.resolve('closed'));
    for (const { resolve } of gates) resolve();
    expect(await closed).toBe('closed');
    asking.abort();
    await Promise.all(crowd);
  });

  it('hold back shared acts that are asked for while an exclusive one waits', async () => {
    const turns = new Turns();
    const gate = settlement<void>();
    const log: string[] = [];
    const note = (line: string) => (): Promise<void> => {
      log.push(line);
      return Promise.resolve();
    };
    const before = turns.share('a', () => gate.promise.then(note('before')));
    const closed = turns.run(note('closed'));
    const after = turns.share('b', note('after'));
    await Promise.resolve();
    gate.resolve();
    await Promise.all([before, closed, after]);
    expect(log).toEqual(['before', 'closed', 'after']);
  });

  it('never begin at once, so that whoever asks has finished its own step', async () => {
    const turns = new Turns();
    let begun = 0;
    const act = (): Promise<void> => {
      begun++;
      return Promise.resolve();
    };
    const both = [turns.share('a', act), turns.run(act)];
    expect(begun).toBe(0);
    await Promise.all(both);
    expect(begun).toBe(2);
  });
});
