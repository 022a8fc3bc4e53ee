// Who is offered the next round: everyone present when they fit, else a uniform random draw.

import { type ClientId, compareText } from '../../shared/ids.ts';
import { type RandomSource, shuffled } from '../../shared/random-source.ts';

/** At most `size` of `present`, in the order of ids. */
export function selectCohort(present: readonly ClientId[], size: number, random: RandomSource): readonly ClientId[] {
  const drawn = present.length <= size ? [...present] : shuffled(random, present).slice(0, size);
  return drawn.sort(compareText);
}
