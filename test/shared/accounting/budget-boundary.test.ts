import { describe, expect, it } from 'vitest';
import { closeBracket, findBracket, type Trial } from '../../../shared/accounting/budget-boundary.ts';
import { fc } from '../../support/properties.ts';

const PRECISION = 1e-9;
/** Four for each halving of a bracket of 2^16 at most, and the way to it. */
const MOST_TRIALS = 4 * (4 + Math.log2(1 / PRECISION)) + 10;

interface Searched {
  readonly found: number;
  readonly trials: readonly number[];
}

/** The least figure whose cost is at most the budget, of a cost that falls with the figure. */
function search(costOf: (figure: number) => number, from: number): Searched {
  const trials: number[] = [];
  const trialAt = (at: number): Trial => {
    trials.push(at);
    return { at, excess: Math.log(costOf(at)) };
  };
  const bracket = findBracket({
    trialAt,
    from,
    ratio: 2,
    cheaper: (at, factor) => Math.min(at * factor, 2 ** 40),
    dearer: (at, factor) => Math.max(at / factor, 2 ** -40),
  });
  if ('at' in bracket) return { found: bracket.at, trials };
  const found = closeBracket(bracket, {
    excessAt: (at) => trialAt(at).excess,
    snap: (at, { fails, meets }) =>
      Math.min(Math.max(at, fails.at * (1 + PRECISION / 2)), meets.at * (1 - PRECISION / 2)),
    isClosed: ({ fails, meets }) => meets.at <= fails.at * (1 + PRECISION),
  });
  return { found, trials };
}

const boundary = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const from = fc.double({ min: 1e-3, max: 1e3, noNaN: true });

describe('the boundary of a budget', () => {
  it.each<[string, (ratio: number) => number]>([
    ['a power', (ratio) => ratio ** -1.3],
    ['a curve', (ratio) => Math.exp(1 - ratio)],
    ['a curve that is nearly flat on one side', (ratio) => (ratio < 1 ? 1 + 1e-3 * (1 - ratio) : ratio ** -20)],
    ['stairs', (ratio) => 2 ** Math.ceil(-Math.log2(ratio) * 8 - 1e-12)],
    ['a cliff', (ratio) => (ratio < 1 ? Infinity : 0)],
  ])('is found on the side that meets it, in few trials, where the cost is %s', (_, shape) => {
    fc.assert(
      fc.property(boundary, from, (edge, start) => {
        const costOf = (figure: number): number => shape(figure / edge);
        const { found, trials } = search(costOf, start);
        expect(costOf(found)).toBeLessThanOrEqual(1);
        expect(costOf(found * (1 - 3 * PRECISION))).toBeGreaterThan(1);
        expect(trials.length).toBeLessThan(MOST_TRIALS);
      }),
    );
  });

  it('takes a dozen trials where the cost is smooth', () => {
    expect(search((figure) => Math.exp(7 - figure) + 0.1 / figure, 1).trials.length).toBeLessThan(16);
  });

  it('is the last figure there is where that meets the budget or even that does not', () => {
    expect(search(() => 0.5, 1).found).toBe(2 ** -40);
    expect(search(() => 2, 1).found).toBe(2 ** 40);
  });
});
