// Privacy events of every kind, nested, for laws over accountants.

import {
  composed,
  counted,
  gaussian,
  type PrivacyEvent,
  sampledGaussian,
} from '../../shared/accounting/privacy-event.ts';
import { fc } from './properties.ts';

const noiseMultiplier = fc.constantFrom(0.7, 1, 1.1, 2.5, 5);
const samplingRate = fc.constantFrom(0.01, 0.05, 0.3);

const sampled = fc
  .tuple(noiseMultiplier, samplingRate, fc.integer({ min: 0, max: 20 }))
  .map((of) => sampledGaussian(...of));

/** Mechanisms from a small stock, so that some of them meet again. */
export const anyEvent: fc.Arbitrary<PrivacyEvent> = fc.letrec<{ event: PrivacyEvent }>((tie) => ({
  event: fc.oneof(
    { maxDepth: 2 },
    sampled,
    noiseMultiplier.map(gaussian),
    fc.array(tie('event'), { maxLength: 3 }).map((events) => composed(...events)),
    fc.tuple(tie('event'), fc.integer({ min: 0, max: 4 })).map(([event, count]) => counted(event, count)),
  ),
})).event;
