import { describe, expect, it } from 'vitest';
import { composeEvents } from '../../../shared/accounting/compose-events.ts';
import {
  composed,
  counted,
  gaussian,
  type PrivacyEvent,
  sampledGaussian,
} from '../../../shared/accounting/privacy-event.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import { anyEvent } from '../../support/privacy-events.ts';
import { fc } from '../../support/properties.ts';

describe('a history', () => {
  it('is the same whether k composes or composed k times, for every event', () => {
    fc.assert(
      fc.property(anyEvent, fc.integer({ min: 0, max: 9 }), (event, k) => {
        const repeated = Array.from({ length: k }, () => event);
        expect(composeEvents([counted(event, k)])).toEqual(composeEvents(repeated));
        expect(composeEvents([composed(...repeated)])).toEqual(composeEvents(repeated));
      }),
    );
  });

  it('does not depend on the order of its events', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 5 }), (events) => {
        expect(composeEvents(events.toReversed())).toEqual(composeEvents(events));
      }),
    );
  });

  it('counts every step of every mechanism once', () => {
    const step = sampledGaussian(1.5, 0.02);
    const twice = composed(step, gaussian(2), composed(sampledGaussian(1.5, 0.02, 3)));
    expect(composeEvents([counted(twice, 5), gaussian(2), sampledGaussian(1.5, 0.5)])).toEqual([
      { noiseMultiplier: 1.5, samplingRate: 0.02, steps: 20 },
      { noiseMultiplier: 1.5, samplingRate: 0.5, steps: 1 },
      { noiseMultiplier: 2, samplingRate: 1, steps: 6 },
    ]);
  });

  it('takes what is stored in a ledger, whatever else stands beside it', () => {
    const entry = {
      federation: 'digits',
      round: 3,
      state: 'spent',
      noiseMultiplier: 1.5,
      samplingRate: 0.02,
      steps: 7,
    };
    expect(composeEvents([entry])).toEqual([{ noiseMultiplier: 1.5, samplingRate: 0.02, steps: 7 }]);
  });

  it.each<[string, PrivacyEvent]>([
    ['steps', counted(sampledGaussian(1, 0.1, -1), 0)],
    ['releases', counted(gaussian(1), -1)],
    ['releases', counted(gaussian(1), 0.5)],
    ['noise', composed(gaussian(1), gaussian(-1))],
    ['rate', counted(composed(sampledGaussian(1, 1.5)), 2)],
    ['fewer than 2', counted(sampledGaussian(1, 0.1, 2 ** 40), 2 ** 20)],
  ])('with unsound %s anywhere within is charged to nobody', (words, event) => {
    expect(() => composeEvents([event])).toThrow(InvariantError);
    expect(() => composeEvents([event])).toThrow(words);
  });
});

describe('a privacy event', () => {
  it('cannot be changed, nor through the list it was made of', () => {
    const list = [gaussian(1)];
    const event = composed(...list);
    list.push(gaussian(2));
    expect(event.events).toHaveLength(1);
    for (const each of [event, event.events, gaussian(1), sampledGaussian(1, 0.1), counted(event, 2)]) {
      expect(Object.isFrozen(each)).toBe(true);
    }
  });
});
