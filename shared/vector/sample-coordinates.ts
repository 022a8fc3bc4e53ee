// Which coordinates a statistic looks at where all of them would cost too much: drawn without replacement (Robert Floyd's
// algorithm, Bentley 1987, Commun. ACM 30(9)), so that the work depends on the size of the sample and not on d. Whoever
// can foretell the draw can hide in the other coordinates: its seed must not be known before the round closes.

import { type RandomSource, uniformInteger } from '../random-source.ts';

/** Ascending; all of 0 to `length` - 1 where these are no more than `most`. */
export function sampleCoordinates(random: RandomSource, length: number, most: number): Uint32Array {
  if (length <= most) return Uint32Array.from({ length }, (_, i) => i);
  const drawn = new Set<number>();
  for (let last = length - most; last < length; last++) {
    const draw = uniformInteger(random, last + 1);
    drawn.add(drawn.has(draw) ? last : draw);
  }
  return Uint32Array.from(drawn).sort();
}
