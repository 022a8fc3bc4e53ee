// The rules that work by coordinates: of each, the mean over a window of its values in ascending order, and which rows lie
// within the window's ends. Sixteen coordinates at a time, one to a lane.

import { Tile, Windows } from './layout';
import { BLOCK, VECTOR, sortBlock } from './sort';
import { demoted, promotedHigh, promotedLow } from './vectors';

/** Four coordinates' values at one place of the ascending order. */
function at(lanes: usize, place: i32): v128 {
  return v128.load(lanes + <usize>place * BLOCK);
}

/** Of two float64 medians: whether what a window would lose is further from it than what it would gain. */
function nearer(lost: v128, gained: v128, median: v128): v128 {
  return f64x2.gt(f64x2.sub(median, lost), f64x2.sub(gained, median));
}

/**
 * Finds in each lane where the window begins, and writes its ends: the least values to `ends`, the largest a block further.
 * Once a window does not move up from a place, it would not from any further one: what it would lose comes nearer to the
 * median and what it would gain goes away, also when rounded. So the moves can be counted without looking back.
 */
function placeWindow(lanes: usize, rows: i32, windows: Windows, ends: usize): v128 {
  const below = at(lanes, (rows - 1) >> 1);
  const above = at(lanes, rows >> 1);
  const half = f64x2.splat(0.5);
  const medianLow = f64x2.mul(f64x2.add(promotedLow(below), promotedLow(above)), half);
  const medianHigh = f64x2.mul(f64x2.add(promotedHigh(below), promotedHigh(above)), half);
  let begin = i32x4.splat(windows.lowest);
  let least = at(lanes, windows.lowest);
  let largest = at(lanes, windows.lowest + windows.keep - 1);
  for (let place = windows.lowest; place < windows.highest; place++) {
    const lost = at(lanes, place);
    const gained = at(lanes, place + windows.keep);
    const movesLow = nearer(promotedLow(lost), promotedLow(gained), medianLow);
    const movesHigh = nearer(promotedHigh(lost), promotedHigh(gained), medianHigh);
    const moves = i32x4.shuffle(movesLow, movesHigh, 0, 2, 4, 6);
    begin = i32x4.sub(begin, moves);
    least = v128.bitselect(at(lanes, place + 1), least, moves);
    largest = v128.bitselect(gained, largest, moves);
  }
  v128.store(ends, least);
  v128.store(ends, largest, BLOCK);
  return begin;
}

/** In float64 ascending from +0, so that a sum of zeros is +0 whatever their signs. */
function averageWindow(lanes: usize, begin: v128, windows: Windows, out: usize): void {
  const keep = windows.keep;
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let place = windows.lowest, end = windows.highest + keep; place < end; place++) {
    let value = at(lanes, place);
    // At the margins a place lies in the windows of some lanes only; elsewhere in all of them.
    if (place < windows.highest || place >= windows.lowest + keep) {
      const begun = i32x4.gt_s(i32x4.splat(place + 1), begin);
      const going = i32x4.gt_s(begin, i32x4.splat(place - keep));
      value = v128.and(value, v128.and(begun, going));
    }
    low = f64x2.add(low, promotedLow(value));
    high = f64x2.add(high, promotedHigh(value));
  }
  const count = f64x2.splat(keep);
  v128.store(out, demoted(f64x2.div(low, count), f64x2.div(high, count)));
}

/** -1 in each lane whose value lies within the ends, both inclusive. */
function within(values: usize, ends: usize): v128 {
  const value = v128.load(values);
  return v128.and(f32x4.ge(value, v128.load(ends)), f32x4.le(value, v128.load(ends, BLOCK)));
}

function countWithin(tile: Tile, column: usize, ends: usize, counts: usize): void {
  for (let row: usize = 0; row < <usize>tile.rows; row++) {
    const values = tile.address + row * tile.stride + column;
    const first = i32x4.add(within(values, ends), within(values + 16, ends + 16));
    const second = i32x4.add(within(values + 32, ends + 32), within(values + 48, ends + 48));
    const count = counts + row * VECTOR;
    v128.store(count, i32x4.sub(v128.load(count), i32x4.add(first, second)));
  }
}

/** Writes the tile's means to `out`. */
export function coordinateWise(tile: Tile, windows: Windows, out: usize): void {
  for (let column: usize = 0; column < tile.bytes; column += BLOCK) {
    sortBlock(tile, column, windows);
    for (let lane: usize = 0; lane < BLOCK; lane += VECTOR) {
      const begin = placeWindow(windows.sorted + lane, tile.rows, windows, windows.ends + lane);
      averageWindow(windows.sorted + lane, begin, windows, out + column + lane);
    }
    countWithin(tile, column, windows.ends, windows.counts);
  }
}
