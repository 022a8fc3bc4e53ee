import { describe, expect, it } from 'vitest';
import { type FederationConfig, configText, parseFederation } from '../../../server/config.ts';
import { fixedDifference } from '../../../server/fixed-part.ts';
import type { ServerOptimiser } from '../../../server/optimiser/optimiser.ts';
import { optimiserFor, optimisers } from '../../../server/optimiser/optimisers.ts';
import { accepted, isRefused, type Refusal } from '../../../shared/protocol/refusals.ts';
import { compareText } from '../../../shared/ids.ts';
import { federation, terms } from '../../support/small-federation.ts';
import { fc } from '../../support/properties.ts';

const made = (name: string, options: Readonly<Record<string, unknown>> = {}): ServerOptimiser =>
  accepted(optimiserFor({ name, ...options })).made;

const D = 4;
/** float32 values whose squares neither vanish nor pass float32's range. */
const value = fc
  .float({ noNaN: true, min: -(2 ** 20), max: 2 ** 20 })
  .map((drawn) => (Math.abs(drawn) < 2 ** -20 ? 0 : drawn));
const aggregate = fc.array(value, { minLength: D, maxLength: D }).map((values) => Float32Array.from(values));
const rounds = fc.array(aggregate, { minLength: 1, maxLength: 6 });

/** The steps over some rounds, and what is remembered after the last. */
function run(optimiser: ServerOptimiser, aggregates: readonly Float32Array[]) {
  let state = optimiser.initialState(D);
  const steps = aggregates.map((each) => {
    const taken = optimiser.step(each, state);
    state = taken.state;
    return taken.step;
  });
  return { steps, state };
}

const scaled = (vector: Float32Array, by: number): Float32Array => vector.map((each) => by * each);
const withoutSign = (vectors: readonly Float32Array[]): readonly Float32Array[] =>
  vectors.map((each) => each.map((v) => v + 0));

describe('every server optimiser', () => {
  it.each(optimisers.map(({ name }) => name))('%s changes neither what it is given nor what it remembered', (name) => {
    const optimiser = made(name);
    fc.assert(
      fc.property(rounds, aggregate, (before, next) => {
        const { state } = run(optimiser, before);
        const [given, remembered] = [next.slice(), state.map((vector) => vector.slice())];
        const once = optimiser.step(next, state);
        expect(next).toEqual(given);
        expect(state).toEqual(remembered);
        expect(optimiser.step(next, state)).toEqual(once);
      }),
      { numRuns: 50 },
    );
  });

  it.each(optimisers.map(({ name }) => name))(
    '%s names as many vectors as it remembers, in the order of files',
    (name) => {
      const { remembers, initialState } = made(name);
      expect(initialState(D).map(({ length }) => length)).toEqual(remembers.map(() => D));
      expect(remembers).toEqual([...remembers].sort(compareText));
      expect(remembers.every((one) => remembers.every((other) => one === other || !other.startsWith(one)))).toBe(true);
    },
  );

  it.each(optimisers.map(({ name }) => name))('%s says in its variant every option that it runs with', (name) => {
    for (const option of optimisers.find((each) => each.name === name)?.optionNames ?? [])
      expect(made(name, { [option]: 0.625 }).variant).toContain(`${option} = 0.625`);
  });
});

describe('the plain step', () => {
  const anything = fc.float32Array({ minLength: D, maxLength: D });

  it('is the aggregate to the bit', () => {
    fc.assert(
      fc.property(anything, (values) => {
        const { step, state } = made('plain').step(values, []);
        expect(new Uint32Array(step.buffer)).toEqual(new Uint32Array(values.slice().buffer));
        expect(state).toEqual([]);
      }),
    );
  });
});

describe('momentum', () => {
  it('that keeps nothing of the past is the plain step', () => {
    fc.assert(
      fc.property(rounds, fc.constantFrom(1, 0.3), (aggregates, learningRate) => {
        const { steps } = run(made('momentum', { beta: 0, learningRate }), aggregates);
        // 0 times the past is +0, and -0 + 0 is 0.
        expect(withoutSign(steps)).toEqual(withoutSign(run(made('plain', { learningRate }), aggregates).steps));
      }),
    );
  });

  it('grows under a steady aggregate to 1 / (1 - beta) times it', () => {
    const steady = Float32Array.from([1, -2, 0, 0.5]);
    const { steps } = run(
      made('momentum', { beta: 0.9 }),
      Array.from({ length: 400 }, () => steady),
    );
    for (const [i, reached] of (steps.at(-1) ?? []).entries()) expect(reached).toBeCloseTo(10 * (steady[i] ?? NaN), 4);
  });

  it('scales with the aggregates', () => {
    fc.assert(
      fc.property(rounds, (aggregates) => {
        const twice = run(
          made('momentum'),
          aggregates.map((each) => scaled(each, 2)),
        );
        expect(twice.steps).toEqual(run(made('momentum'), aggregates).steps.map((each) => scaled(each, 2)));
      }),
    );
  });
});

describe('an adaptive optimiser', () => {
  const names = ['adam', 'yogi'];

  it.each(names)('%s takes the same steps when aggregates and tau are scaled alike', (name) => {
    fc.assert(
      fc.property(rounds, fc.constantFrom(2 ** -3, 2, 2 ** 5), (aggregates, by) => {
        const alike = run(
          made(name, { tau: 0.125 * by }),
          aggregates.map((each) => scaled(each, by)),
        );
        expect(alike.steps).toEqual(run(made(name, { tau: 0.125 }), aggregates).steps);
      }),
    );
  });

  it.each(names)('%s takes no longer a step than the plain one over 2 tau at first', (name) => {
    fc.assert(
      fc.property(aggregate, (first) => {
        const [step = new Float32Array()] = run(made(name, { beta1: 0, learningRate: 1, tau: 0.125 }), [first]).steps;
        for (const [i, taken] of step.entries()) {
          const delta = first[i] ?? NaN;
          expect(Math.sign(taken)).toBe(Math.sign(delta));
          // v stays above 0.99 tau^2, whatever the square.
          expect(Math.abs(taken)).toBeLessThanOrEqual(Math.abs(delta) / (1.99 * 0.125));
        }
      }),
    );
  });

  it.each(names)('%s never remembers a second moment below 0', (name) => {
    fc.assert(
      fc.property(rounds, (aggregates) => {
        const [, second = new Float32Array([NaN])] = run(made(name, { beta2: 0 }), aggregates).state;
        expect(second.every((moment) => moment >= 0)).toBe(true);
      }),
    );
  });

  it('forgets a burst slowly as Yogi and by a share of it as Adam', () => {
    const burst = [Float32Array.of(100, 0, 0, 0), ...Array.from({ length: 20 }, () => Float32Array.of(0.1, 0, 0, 0))];
    const [adam, yogi] = names.map((name) => run(made(name, { beta2: 0.9 }), burst).state[1]?.[0] ?? NaN);
    expect(adam).toBeLessThan(0.13 * 1000);
    expect(yogi).toBeGreaterThan(0.99 * 1000);
  });
});

describe('the optimiser of a federation', () => {
  const { training, privacy, tensors } = terms;
  const file = { federation, rounds: 15, training, privacy, model: { tensors } };
  const parsed = (optimiser?: object): FederationConfig =>
    accepted(parseFederation({ ...file, ...(optimiser && { optimiser }) }));
  const refusalOf = (optimiser: object): Refusal | undefined => {
    const outcome = parseFederation({ ...file, optimiser });
    return isRefused(outcome) ? outcome.refusal : undefined;
  };

  it('is the plain step unless another is named, with every default filled in', () => {
    expect(parsed().optimiser).toEqual({ name: 'plain', learningRate: 1 });
    expect(parsed({ name: 'momentum' }).optimiser).toEqual({ name: 'momentum', beta: 0.9, learningRate: 1 });
    const adaptive = { beta1: 0.9, beta2: 0.99, tau: 1e-3, learningRate: 0.01 };
    expect(parsed({ name: 'adam' }).optimiser).toEqual({ name: 'adam', ...adaptive });
    expect(parsed({ name: 'yogi', tau: 0.5 }).optimiser).toEqual({ name: 'yogi', ...adaptive, tau: 0.5 });
  });

  it.each(['plain', 'momentum', 'adam', 'yogi'])('%s runs with what the file was filled in to', (name) => {
    const { made: configured } = accepted(optimiserFor(parsed({ name }).optimiser));
    expect(configured.variant).toBe(made(name).variant);
  });

  it('is refused under another name, with an option that is not its own, or beyond the bounds', () => {
    expect(refusalOf({ name: 'adamax' })).toMatchObject({
      code: 'bad-config',
      expected: expect.stringContaining('yogi'),
    });
    expect(refusalOf({ name: 'momentum', betta: 0.5 })?.hint).toBe('did you mean "beta"?');
    expect(refusalOf({ name: 'plain', beta: 0.5 })?.code).toBe('bad-config');
    for (const beyond of [{ beta: 1 }, { beta: -0.1 }, { learningRate: 0 }, { learningRate: Infinity }, { beta: NaN }])
      expect(refusalOf({ name: 'momentum', ...beyond })?.code).toBe('bad-config');
    for (const beyond of [{ tau: 0 }, { beta1: 1 }, { beta2: 1 }])
      expect(refusalOf({ name: 'adam', ...beyond })?.code).toBe('bad-config');
    expect(optimiserFor({ name: 'adamax' })).toMatchObject({ refusal: { code: 'bad-option' } });
  });

  it('is part of what no later start may change', () => {
    const [before, after] = [{ name: 'momentum' }, { name: 'momentum', beta: 0.8 }].map((one) =>
      configText(parsed(one)),
    );
    expect(fixedDifference(before ?? '', after ?? '')).toEqual({
      expected: 'optimiser.beta 0.9',
      found: 'optimiser.beta 0.8',
    });
    expect(fixedDifference(before ?? '', before ?? '')).toBeUndefined();
  });
});
