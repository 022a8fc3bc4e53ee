// Squared distances of pairs of rows by direct differences in float32, summed up in float64 before their error grows.
// What a pair yields depends on its two rows and on the partition into tiles and runs alone, neither on the pairs beside it
// nor on the order of the two, since (a - b)^2 and (b - a)^2 have the same bits.
//
// Relative error, with u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1).
// Of one square in a lane of a run: the difference is rounded once and its factor 1 + u counts twice, the square once, the
// sum with its neighbour once, and the chain of a run's 12 such sums at most 11 times, since adding to zero is exact. All
// terms are >= 0, so nothing cancels and the whole run is within (1 + u)^15 - 1 < 8.95e-7. Everything after it is added in
// float64: a tile's runs, a shard's tiles, the shards, 2^-53 each, less than 1e-9 for any row that fits a memory.
//
// Range. Underflow: a difference is exact where it is subnormal, and so is a sum; a square is off by at most 2^-150. A tile
// of at most 1,024 columns is then off by less than 2^-139 beyond the error above, which is under 2^-24 of a sum that is at
// least LEAST, altogether below 9.6e-7. Overflow, of a difference, a square or a sum, makes the sum infinite, never NaN, since
// nothing is taken from it. So a pair whose sum in the tile is below LEAST or infinite is computed again in float64, whose
// range holds the square of every float32: the choice follows from the two rows, and `distances` and `distancesOfLast` share it.

import { squaredDistance64 } from './distances64';
import { Tile } from './layout';
import { addTo, promotedHigh, promotedLow, sumOfLanes } from './vectors';

/** Bytes of each row between two additions in float64: 24 vectors, 96 columns. */
const RUN: usize = 384;
/** A little above 2^-114. */
const LEAST: f64 = 5e-35;

function twoSquares(a: v128, aNext: v128, b: v128, bNext: v128): v128 {
  const first = f32x4.sub(a, b);
  const second = f32x4.sub(aNext, bNext);
  return f32x4.add(f32x4.mul(first, first), f32x4.mul(second, second));
}

function endRun(lanes: usize, run: v128): void {
  v128.store(lanes, f64x2.add(v128.load(lanes), f64x2.add(promotedLow(run), promotedHigh(run))));
}

/**
 * Row `a` with four others at once, which keeps two loads and three operations for eight columns of a pair: as much as a
 * core can do. `lanes` takes two float64 sums for each of the four.
 */
function sumRuns(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, bytes: usize, lanes: usize): void {
  for (let pair: usize = 0; pair < 64; pair += 16) v128.store(lanes + pair, f64x2.splat(0));
  for (const end = a + bytes; a < end;) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    const endOfRun = a + RUN;
    do {
      const x = v128.load(a);
      const xNext = v128.load(a, 16);
      s0 = f32x4.add(s0, twoSquares(x, xNext, v128.load(b0), v128.load(b0, 16)));
      s1 = f32x4.add(s1, twoSquares(x, xNext, v128.load(b1), v128.load(b1, 16)));
      s2 = f32x4.add(s2, twoSquares(x, xNext, v128.load(b2), v128.load(b2, 16)));
      s3 = f32x4.add(s3, twoSquares(x, xNext, v128.load(b3), v128.load(b3, 16)));
      a += 32;
      b0 += 32;
      b1 += 32;
      b2 += 32;
      b3 += 32;
    } while (a < endOfRun);
    endRun(lanes, s0);
    endRun(lanes + 16, s1);
    endRun(lanes + 32, s2);
    endRun(lanes + 48, s3);
  }
}

/** Of a row to at most four beside each other, all of which come before it: one sum each. */
function addBeside(tile: Tile, row: i32, other: i32, sums: usize, lanes: usize): void {
  const a = tile.address + <usize>row * tile.stride;
  const b = tile.address + <usize>other * tile.stride;
  const beside = min(4, row - other);
  const b1 = b + (beside > 1 ? tile.stride : 0);
  const b2 = b1 + (beside > 2 ? tile.stride : 0);
  const b3 = b2 + (beside > 3 ? tile.stride : 0);
  sumRuns(a, b, b1, b2, b3, tile.bytes, lanes);
  for (let k: usize = 0; k < <usize>beside; k++) {
    let squared = sumOfLanes(v128.load(lanes + k * 16));
    if (squared < LEAST || squared == Infinity) squared = squaredDistance64(a, b + k * tile.stride, tile.bytes);
    addTo(sums + k * 8, squared);
  }
}

/** Adds the tile's part to the sums of all pairs, (1,0), (2,0), (2,1) … `lanes` has room for 64 bytes. */
export function distances(tile: Tile, sums: usize, lanes: usize): void {
  for (let other = 0; other < tile.rows; other += 4)
    for (let row = other + 1; row < tile.rows; row++) {
      const pair = (<usize>row * (row - 1)) / 2 + other;
      addBeside(tile, row, other, sums + pair * 8, lanes);
    }
}

/** Adds the tile's part to the sums of the last row and each before it. `lanes` has room for 64 bytes. */
export function distancesOfLast(tile: Tile, sums: usize, lanes: usize): void {
  const last = tile.rows - 1;
  for (let other = 0; other < last; other += 4) addBeside(tile, last, other, sums + <usize>other * 8, lanes);
}
