import { describe, expect, it } from 'vitest';
import {
  type CohortGoal,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
  selecting,
  step,
} from '../../../server/round/round-state.ts';
import { asClientId, type ClientId } from '../../../shared/ids.ts';
import { fc } from '../../support/properties.ts';

const goal: CohortGoal = { minimum: 3, size: 5 };
const clientAt = (index: number): ClientId => asClientId(index.toString(16).padStart(64, '0'));
const [anna, ben, stranger] = [clientAt(1), clientAt(2), clientAt(9)];

type StateKind = RoundState['kind'];
type EventKind = RoundEvent['kind'];
type Expected = readonly [kind: StateKind, effect: RoundEffect | null];

const states: { readonly [Kind in StateKind]: Extract<RoundState, { kind: Kind }> } = {
  selecting: { kind: 'selecting', round: 4, present: 3, waiting: true },
  configuring: { kind: 'configuring', round: 4 },
  reporting: { kind: 'reporting', round: 4, awaited: new Set([anna]) },
  aggregating: { kind: 'aggregating', round: 4 },
  committed: { kind: 'committed', round: 4 },
  abandoned: { kind: 'abandoned', round: 4 },
};

const events: { readonly [Kind in EventKind]: Extract<RoundEvent, { kind: Kind }> } = {
  'population-changed': { kind: 'population-changed', present: 5 },
  'selection-timed-out': { kind: 'selection-timed-out' },
  'fell-short': { kind: 'fell-short' },
  offered: { kind: 'offered', awaited: new Set([anna, ben]) },
  reported: { kind: 'reported', client: anna, report: 'staged' },
  'deadline-passed': { kind: 'deadline-passed' },
  closed: { kind: 'closed', outcome: 'committed' },
};

/** An event that means nothing leaves a state as it is: the very same object. */
const nothing = (kind: StateKind): Record<EventKind, Expected> => ({
  'population-changed': [kind, null],
  'selection-timed-out': [kind, null],
  'fell-short': [kind, null],
  offered: [kind, null],
  reported: [kind, null],
  'deadline-passed': [kind, null],
  closed: [kind, null],
});

const table: Record<StateKind, Record<EventKind, Expected>> = {
  selecting: {
    ...nothing('selecting'),
    'population-changed': ['configuring', 'offer-round'],
    'selection-timed-out': ['configuring', 'offer-round'],
  },
  configuring: {
    ...nothing('configuring'),
    'fell-short': ['selecting', 'count-clients'],
    offered: ['reporting', 'start-deadline'],
  },
  reporting: {
    ...nothing('reporting'),
    reported: ['aggregating', 'close-round'],
    'deadline-passed': ['aggregating', 'close-round'],
  },
  aggregating: { ...nothing('aggregating'), closed: ['committed', 'finish-round'] },
  committed: nothing('committed'),
  abandoned: nothing('abandoned'),
};

const rows = Object.values(states).flatMap((state) =>
  Object.values(events).map((event) => ({ state, event, expected: table[state.kind][event.kind] })),
);

describe('one step of a round', () => {
  it.each(rows)('$state.kind and $event.kind: $expected', ({ state, event, expected: [kind, effect] }) => {
    const next = step(state, event, goal);
    expect([next.state.kind, next.effect]).toEqual([kind, effect]);
    expect(next.state.round).toBe(4);
    if (kind === state.kind) expect(next.state).toBe(state);
  });

  it('ends as the close says', () => {
    const { state } = step(states.aggregating, { kind: 'closed', outcome: 'abandoned' }, goal);
    expect(state).toEqual({ kind: 'abandoned', round: 4 });
  });

  it('closes at once when everybody offered has reported already, as after a restart', () => {
    const { state, effect } = step(states.configuring, { kind: 'offered', awaited: new Set() }, goal);
    expect([state.kind, effect]).toEqual(['aggregating', 'close-round']);
  });

  it('waits for the others after the report of one, and takes each once', () => {
    const both: RoundState = { kind: 'reporting', round: 4, awaited: new Set([anna, ben]) };
    const { state, effect } = step(both, events.reported, goal);
    expect(effect).toBeNull();
    expect(state).toEqual({ kind: 'reporting', round: 4, awaited: new Set([ben]) });
    expect(step(state, events.reported, goal)).toEqual({ state, effect: null });
  });

  it('heeds no report of somebody who is not awaited', () => {
    const { state, effect } = step(states.reporting, { kind: 'reported', client: stranger, report: 'refused' }, goal);
    expect(state).toBe(states.reporting);
    expect(effect).toBeNull();
  });
});

describe('the wait for clients', () => {
  const counted = (present: number): RoundEvent => ({ kind: 'population-changed', present });

  it('starts once with the minimum, is not started again, and offers when it ends', () => {
    const few = step(selecting(1), counted(2), goal);
    expect([few.state.kind, few.effect]).toEqual(['selecting', null]);
    const enough = step(few.state, counted(3), goal);
    expect([enough.state.kind, enough.effect]).toEqual(['selecting', 'wait-for-more-clients']);
    const more = step(enough.state, counted(4), goal);
    expect([more.state.kind, more.effect]).toEqual(['selecting', null]);
    expect(step(more.state, events['selection-timed-out'], goal).effect).toBe('offer-round');
  });

  it('offers nothing when too few are left at its end, and starts afresh when they come back', () => {
    const waiting = step(selecting(1), counted(3), goal);
    const left = step(waiting.state, counted(2), goal);
    const timedOut = step(left.state, events['selection-timed-out'], goal);
    expect([timedOut.state.kind, timedOut.effect]).toEqual(['selecting', null]);
    expect(step(timedOut.state, counted(3), goal).effect).toBe('wait-for-more-clients');
  });
});

const anyEvent: fc.Arbitrary<RoundEvent> = fc.oneof(
  fc.record({ kind: fc.constant('population-changed' as const), present: fc.nat({ max: 7 }) }),
  fc.constantFrom(events['selection-timed-out'], events['fell-short'], events['deadline-passed']),
  fc.record({
    kind: fc.constant('offered' as const),
    awaited: fc.uniqueArray(fc.integer({ min: 1, max: 4 })).map((found) => new Set(found.map(clientAt))),
  }),
  fc.record({
    kind: fc.constant('reported' as const),
    client: fc.integer({ min: 1, max: 6 }).map(clientAt),
    report: fc.constantFrom('staged' as const, 'refused' as const, 'declined' as const),
  }),
  fc.record({ kind: fc.constant('closed' as const), outcome: fc.constantFrom('committed', 'abandoned') }),
);

const order: readonly StateKind[] = ['selecting', 'configuring', 'reporting', 'aggregating', 'committed', 'abandoned'];

describe('any trace of events', () => {
  it('closes a round at most once, never reopens it and only ever goes forward once it is offered', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (trace) => {
        let [state, closes, finishes, present, awaited]: [RoundState, number, number, number, number] = [
          selecting(7),
          0,
          0,
          0,
          Infinity,
        ];
        for (const event of trace) {
          const next = step(state, event, goal);
          if (event.kind === 'population-changed' && state.kind === 'selecting') present = event.present;
          if (next.effect === 'offer-round') expect(present).toBeGreaterThanOrEqual(goal.minimum);
          if (next.effect === 'close-round') closes += 1;
          if (next.effect === 'finish-round') finishes += 1;
          const fellShort = event.kind === 'fell-short' && state.kind === 'configuring';
          if (!fellShort) expect(order.indexOf(next.state.kind)).toBeGreaterThanOrEqual(order.indexOf(state.kind));
          if (next.state.kind === 'reporting') {
            expect(next.state.awaited.size).toBeGreaterThan(0);
            expect(next.state.awaited.size).toBeLessThanOrEqual(awaited);
            awaited = next.state.awaited.size;
          }
          expect(next.state.round).toBe(7);
          state = next.state;
        }
        expect(closes).toBe(['aggregating', 'committed', 'abandoned'].includes(state.kind) ? 1 : 0);
        expect(finishes).toBe(['committed', 'abandoned'].includes(state.kind) ? 1 : 0);
      }),
      { seed: 20260301, numRuns: 2000 },
    );
  });
});
