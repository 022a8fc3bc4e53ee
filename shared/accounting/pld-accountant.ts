// Numerical composition behind the common interface: the upper bound of `./pld/pld.ts`, adding and removing an example,
// the larger of both. What is above the truth through numerical work is stated as the error bound, with a warning where
// it is so much that another accountant may say less.

import type { Accountant } from './accountant.ts';
import { composeEvents } from './compose-events.ts';
import { PLD_ACCOUNTANT, pldDelta, pldEpsilon } from './pld/pld.ts';

/** Share of a figure that numerical work may make up before somebody is told. */
const LARGE_SHARE = 0.05;

export const pldAccountant: Accountant = {
  name: 'pld',
  version: PLD_ACCOUNTANT,
  complaint: () => undefined,
  epsilon(events, delta) {
    const { epsilon, errorBound } = pldEpsilon(composeEvents(events), delta);
    return { epsilon, errorBound, order: null, warnings: warningsOf(epsilon, errorBound) };
  },
  delta(events, epsilon) {
    const { delta, errorBound } = pldDelta(composeEvents(events), epsilon);
    return { delta, errorBound, order: null, warnings: warningsOf(delta, errorBound) };
  },
};

function warningsOf(figure: number, errorBound: number): readonly string[] {
  if (!(errorBound > LARGE_SHARE * figure) && figure < Infinity) return [];
  return ['numerical composition is loose here: the figure holds, and rdp may give less'];
}
