// How many examples there are and the public sampling rate in, the indices of one batch out; only sampled-gaussian.ts
// calls it. Poisson sampling is the only sampler: the accountant's theorem (Mironov, Talwar and Zhang, arXiv 1908.10530,
// section 3.3) holds for independent draws and for nothing else; shuffled batches of a fixed size leak up to four times
// as much.

import { InvariantError } from '../../shared/invariant-error.ts';
import type { RandomSource } from '../../shared/random-source.ts';

/** Each example enters with probability `samplingRate`, independently of all others; the batch may be empty. */
export function poissonSample(random: RandomSource, exampleCount: number, samplingRate: number): Uint32Array {
  if (!(samplingRate > 0 && samplingRate <= 1)) {
    throw new InvariantError(`expected a sampling rate above 0 and at most 1, found ${samplingRate}`);
  }
  const drawn: number[] = [];
  for (let example = 0; example < exampleCount; example++) {
    if (random.uniform() < samplingRate) drawn.push(example);
  }
  return Uint32Array.from(drawn);
}
