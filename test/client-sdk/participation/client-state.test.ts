import { describe, expect, it } from 'vitest';
import {
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  stepClient,
} from '../../../client-sdk/participation/client-state.ts';
import { fc } from '../../support/properties.ts';

type StateKind = ClientState['kind'];
/** Events about round 5, the one under way; `new` is the offer of round 6, `old` that of round 4. */
type EventName = 'offer' | 'offer-written' | 'new' | 'new-written' | 'old' | Exclude<ClientEvent['kind'], 'offered'>;
type Expected = readonly [StateKind, number | null, ClientEffect | null];

const states: Record<StateKind, ClientState> = {
  idle: { kind: 'idle' },
  training: { kind: 'training', round: 5 },
  submitting: { kind: 'submitting', round: 5 },
  waiting: { kind: 'waiting', round: 5 },
  left: { kind: 'left' },
};

const events: Record<EventName, ClientEvent> = {
  offer: { kind: 'offered', round: 5, written: false },
  'offer-written': { kind: 'offered', round: 5, written: true },
  new: { kind: 'offered', round: 6, written: false },
  'new-written': { kind: 'offered', round: 6, written: true },
  old: { kind: 'offered', round: 4, written: false },
  trained: { kind: 'trained', round: 5 },
  declined: { kind: 'declined', round: 5 },
  answered: { kind: 'answered', round: 5 },
  'round-closed': { kind: 'round-closed', round: 5 },
  left: { kind: 'left' },
};

const left: Expected = ['left', null, 'stop'];
const laterOffers = { new: ['training', 6, 'train'], 'new-written': ['submitting', 6, 'submit'] } as const;
const stays = (kind: StateKind): Expected => [kind, kind === 'idle' || kind === 'left' ? null : 5, null];
const unmoved = (kind: StateKind): Record<EventName, Expected> => {
  const stay = stays(kind);
  const [offer, old, trained, declined, answered] = [stay, stay, stay, stay, stay];
  const others = { 'offer-written': stay, new: stay, 'new-written': stay, 'round-closed': stay, left: stay };
  return { offer, old, trained, declined, answered, ...others };
};
const closes: Expected = ['idle', null, 'report'];

const table: Record<StateKind, Record<EventName, Expected>> = {
  idle: {
    ...unmoved('idle'),
    ...laterOffers,
    offer: ['training', 5, 'train'],
    'offer-written': ['submitting', 5, 'submit'],
    old: ['training', 4, 'train'],
    left,
  },
  training: {
    ...unmoved('training'),
    ...laterOffers,
    trained: ['submitting', 5, 'submit'],
    declined: ['waiting', 5, null],
    'round-closed': closes,
    left,
  },
  submitting: {
    ...unmoved('submitting'),
    ...laterOffers,
    answered: ['waiting', 5, null],
    'round-closed': closes,
    left,
  },
  waiting: { ...unmoved('waiting'), ...laterOffers, 'round-closed': closes, left },
  left: unmoved('left'),
};

const keysOf = <Key extends string>(record: Record<Key, unknown>): readonly string[] => Object.keys(record);
const roundOf = (state: ClientState): number | null => ('round' in state ? state.round : null);

describe('stepClient', () => {
  const rows = Object.entries(table).flatMap(([kind, row]) =>
    Object.entries(row).map(([name, expected]) => ({ kind, name, expected })),
  );
  it.each(rows)('in $kind takes $name to $expected', ({ kind, name, expected }) => {
    const from = Object.values(states).find((state) => state.kind === kind);
    const [, event] = Object.entries(events).find(([each]) => each === name) ?? [];
    if (!from || !event) throw new Error(`expected a state ${kind} and an event ${name}`);
    const { state, effect } = stepClient(from, event);
    expect([state.kind, roundOf(state), effect]).toEqual(expected);
  });

  it('is asked about every event in every state', () => {
    expect(rows).toHaveLength(keysOf(states).length * keysOf(events).length);
  });

  it.each(['training', 'submitting', 'waiting'] as const)('in %s leaves events of other rounds aside', (kind) => {
    for (const event of ['trained', 'declined', 'answered', 'round-closed'] as const) {
      for (const round of [4, 6]) {
        expect(stepClient(states[kind], { kind: event, round })).toEqual({ state: states[kind], effect: null });
      }
    }
  });
});

const round = fc.integer({ min: 1, max: 4 });
const anyEvent: fc.Arbitrary<ClientEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('offered'), round, written: fc.boolean() }) },
  fc.record({ kind: fc.constantFrom('trained', 'declined', 'answered', 'round-closed'), round }),
  { weight: 1, arbitrary: fc.constant<ClientEvent>({ kind: 'left' }) },
);

interface Step {
  readonly before: ClientState;
  readonly event: ClientEvent;
  readonly after: ClientState;
  readonly effect: ClientEffect | null;
}

function trace(happened: readonly ClientEvent[]): readonly Step[] {
  let before: ClientState = { kind: 'idle' };
  return happened.map((event) => {
    const { state: after, effect } = stepClient(before, event);
    const step = { before, event, after, effect };
    before = after;
    return step;
  });
}

const law = (check: (steps: readonly Step[]) => void): void =>
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (happened) => check(trace(happened))),
    { seed: 3, numRuns: 500 },
  );

describe('whatever happens', () => {
  it('work begins only on an offer, for the round that was offered, or goes on from training to sending', () => {
    law((steps) => {
      for (const { before, event, after, effect } of steps) {
        if (effect === 'train') expect([event.kind, after.kind]).toEqual(['offered', 'training']);
        if (effect === 'submit') expect(['offered', 'trained']).toContain(event.kind);
        if (effect === 'submit' && event.kind === 'trained') expect(roundOf(after)).toBe(roundOf(before));
        if (effect === 'submit' || effect === 'train') expect('round' in event && event.round).toBe(roundOf(after));
      }
    });
  });

  it('a round whose update is written is never trained', () => {
    law((steps) => {
      for (const { event, effect } of steps) {
        if (event.kind === 'offered' && event.written) expect(effect).not.toBe('train');
      }
    });
  });

  it('a round under way gives way only to a later one, to its end or to leaving', () => {
    law((steps) => {
      for (const { before, event, after } of steps) {
        const [from, to] = [roundOf(before), roundOf(after)];
        if (from === null || to === from) continue;
        if (to === null) expect(['round-closed', 'left']).toContain(event.kind);
        else expect(to).toBeGreaterThan(from);
      }
    });
  });

  it('nothing is sent for a round after it has closed, until it is offered again', () => {
    law((steps) => {
      const closed = new Set<number>();
      for (const { event, after, effect } of steps) {
        if (event.kind === 'offered') closed.delete(event.round);
        if (effect === 'submit') expect(closed).not.toContain(roundOf(after));
        if (event.kind === 'round-closed') closed.add(event.round);
      }
    });
  });

  it('each time a round is entered it is reported at most once', () => {
    law((steps) => {
      let entered: number | null = null;
      for (const { event, after, effect } of steps) {
        if (effect === 'train' || (effect === 'submit' && event.kind === 'offered')) entered = roundOf(after);
        if (effect !== 'report') continue;
        expect('round' in event && event.round).toBe(entered);
        entered = null;
      }
    });
  });

  it('leaving is for good', () => {
    law((steps) => {
      const leaving = steps.findIndex(({ event }) => event.kind === 'left');
      if (leaving < 0) return;
      expect(steps.slice(0, leaving).map(({ effect }) => effect)).not.toContain('stop');
      expect(steps[leaving]?.effect).toBe('stop');
      for (const { after, effect } of steps.slice(leaving + 1)) expect([after.kind, effect]).toEqual(['left', null]);
    });
  });
});
