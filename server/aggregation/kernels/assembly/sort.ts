// Sixteen coordinates sorted at once, each in a lane of its own, by the comparators of ../sorting-network.ts.

import { Tile, Windows } from './layout';

/** Bytes of sixteen float32 values, a line of the cache. */
export const BLOCK: usize = 64;
/** Bytes of four. */
export const VECTOR: usize = 16;

/** Exchanges lanes or leaves them: pmin and pmax pick one of their arguments, here always different ones, also of -0 and +0. */
function compare(first: usize, second: usize): void {
  const x = v128.load(first);
  const y = v128.load(second);
  v128.store(first, f32x4.pmin(x, y));
  v128.store(second, f32x4.pmax(y, x));
}

/** Row by row at `windows.sorted`, a block each: the values of the tile's block at `column` in ascending order. */
export function sortBlock(tile: Tile, column: usize, windows: Windows): void {
  const sorted = windows.sorted;
  for (let row: usize = 0; row < <usize>tile.rows; row++)
    for (let lane: usize = 0; lane < BLOCK; lane += VECTOR)
      v128.store(sorted + row * BLOCK + lane, v128.load(tile.address + row * tile.stride + column + lane));
  for (let comparator = windows.comparators; comparator < windows.end; comparator += 8) {
    const first = sorted + load<u32>(comparator);
    const second = sorted + load<u32>(comparator, 4);
    compare(first, second);
    compare(first + 16, second + 16);
    compare(first + 32, second + 32);
    compare(first + 48, second + 48);
  }
}
