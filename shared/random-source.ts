// Randomness is an argument everywhere. Two sources: the system's secure generator (privacy noise, sampling, keys)
// and a seeded one (simulation). Under one interface, so that a trainer cannot tell which it was given, and the
// record can: a run whose noise was seeded is declared privacy void.

import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

export interface RandomSource {
  /** Uniform on [0, 1), 53 random bits. */
  uniform(): number;
  /** Overwrites `words` with 32 random bits each. Many at once are far cheaper than as many calls of `uniform`. */
  fillWords(words: Uint32Array<ArrayBuffer>): void;
  /** Of the system's secure generator alone: nobody can know what it draws, so that its noise may be claimed as private. */
  readonly secure?: true;
}

const BUFFERED_DRAWS = 4096;
/** WebCrypto fills 65,536 bytes in one call. */
const WORDS_PER_CALL = 2 ** 14;
const TWO_POW_53 = 2 ** 53;

/** 53 bits out of two random 32-bit words. */
function unitInterval(high: number, low: number): number {
  return ((high >>> 6) * 2 ** 27 + (low >>> 5)) / TWO_POW_53;
}

/** The operating system's generator through WebCrypto, drawn in blocks because single draws cost a call each. */
export function secureRandomSource(): RandomSource {
  const words = new Uint32Array(2 * BUFFERED_DRAWS);
  let next = words.length;
  return {
    secure: true,
    uniform() {
      if (next === words.length) {
        globalThis.crypto.getRandomValues(words);
        next = 0;
      }
      const value = unitInterval(words[next] ?? 0, words[next + 1] ?? 0);
      words[next] = 0;
      words[next + 1] = 0;
      next += 2;
      return value;
    },
    fillWords(out) {
      for (let start = 0; start < out.length; start += WORDS_PER_CALL) {
        globalThis.crypto.getRandomValues(out.subarray(start, start + WORDS_PER_CALL));
      }
    },
  };
}

/**
 * A reproducible stream. Streams of different labels are independent for every practical purpose, so that what one
 * client draws does not depend on how many draws another made. Not for privacy: whoever knows the seed knows the noise.
 */
export function seededRandomSource(seed: number, ...labels: readonly (string | number)[]): RandomSource {
  const generator = xoroshiro128plusFromState(streamState([seed, ...labels].join('/')));
  return {
    uniform: () => unitInterval(generator.next(), generator.next()),
    fillWords(words) {
      for (let i = 0; i < words.length; i++) words[i] = generator.next();
    },
  };
}

/** Fills `out` with independent N(0, 1) draws by Box and Muller's transform, for simulations: privacy has fill-normals.ts. */
export function fillStandardNormals(random: RandomSource, out: Float64Array): void {
  for (let i = 0; i < out.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}

/** `count` independent N(0, 1) draws, as `fillStandardNormals`. */
export function standardNormals(random: RandomSource, count: number): Float64Array {
  const normals = new Float64Array(count);
  fillStandardNormals(random, normals);
  return normals;
}

/** Integer uniform on 0 .. bound - 1; the bias of 2^-53 x bound is far below any use made of it. */
export function uniformInteger(random: RandomSource, bound: number): number {
  return Math.floor(random.uniform() * bound);
}

/** A new, uniformly shuffled copy: sorted by independent uniform keys. */
export function shuffled<T>(random: RandomSource, items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: random.uniform() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** Four words of state out of a label: MurmurHash3's mixing steps over its characters, once per word. */
function streamState(label: string): [number, number, number, number] {
  const word = (salt: number): number => {
    let hash = salt;
    for (const character of label) {
      hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0xcc9e2d51);
      hash = (hash << 15) | (hash >>> 17);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  };
  return [word(0x9e3779b9), word(0x243f6a88), word(0xb7e15162), word(0x452821e6)];
}
