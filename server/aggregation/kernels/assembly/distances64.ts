// Squared distances in float64 throughout, from float32 rows: exact differences up to 2^-53, no range to be left.

import { Tile } from './layout';
import { addTo, promoted, sumOfLanes } from './vectors';

function square(difference: v128): v128 {
  return f64x2.mul(difference, difference);
}

/** Of two rows of `bytes`, whole vectors. */
export function squaredDistance64(a: usize, b: usize, bytes: usize): f64 {
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  for (const end = a + bytes; a < end; a += 16, b += 16) {
    even = f64x2.add(even, square(f64x2.sub(promoted(a), promoted(b))));
    odd = f64x2.add(odd, square(f64x2.sub(promoted(a + 8), promoted(b + 8))));
  }
  return sumOfLanes(f64x2.add(even, odd));
}

/** Of row `a` to four rows from `b` on: the bits of `squaredDistance64`, but `a` is promoted once. */
function addFour(a: usize, b: usize, stride: usize, bytes: usize, sums: usize): void {
  let even0 = f64x2.splat(0);
  let even1 = f64x2.splat(0);
  let even2 = f64x2.splat(0);
  let even3 = f64x2.splat(0);
  let odd0 = f64x2.splat(0);
  let odd1 = f64x2.splat(0);
  let odd2 = f64x2.splat(0);
  let odd3 = f64x2.splat(0);
  let b1 = b + stride;
  let b2 = b1 + stride;
  let b3 = b2 + stride;
  for (const end = a + bytes; a < end; a += 16) {
    const even = promoted(a);
    const odd = promoted(a + 8);
    even0 = f64x2.add(even0, square(f64x2.sub(even, promoted(b))));
    odd0 = f64x2.add(odd0, square(f64x2.sub(odd, promoted(b + 8))));
    even1 = f64x2.add(even1, square(f64x2.sub(even, promoted(b1))));
    odd1 = f64x2.add(odd1, square(f64x2.sub(odd, promoted(b1 + 8))));
    even2 = f64x2.add(even2, square(f64x2.sub(even, promoted(b2))));
    odd2 = f64x2.add(odd2, square(f64x2.sub(odd, promoted(b2 + 8))));
    even3 = f64x2.add(even3, square(f64x2.sub(even, promoted(b3))));
    odd3 = f64x2.add(odd3, square(f64x2.sub(odd, promoted(b3 + 8))));
    b += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
  }
  addTo(sums, sumOfLanes(f64x2.add(even0, odd0)));
  addTo(sums + 8, sumOfLanes(f64x2.add(even1, odd1)));
  addTo(sums + 16, sumOfLanes(f64x2.add(even2, odd2)));
  addTo(sums + 24, sumOfLanes(f64x2.add(even3, odd3)));
}

/** Adds the tile's part to the sums of all pairs, (1,0), (2,0), (2,1) … */
export function distances64(tile: Tile, sums: usize): void {
  for (let other = 0; other < tile.rows; other += 4)
    for (let row = other + 1; row < tile.rows; row++) {
      const a = tile.address + <usize>row * tile.stride;
      const b = tile.address + <usize>other * tile.stride;
      const sum = sums + ((<usize>row * (row - 1)) / 2 + other) * 8;
      if (row >= other + 4) addFour(a, b, tile.stride, tile.bytes, sum);
      else
        for (let k: usize = 0; k < <usize>(row - other); k++)
          addTo(sum + k * 8, squaredDistance64(a, b + k * tile.stride, tile.bytes));
    }
}

/** Adds the tile's part to one sum a row: its squared distance to the row at `point`. */
export function distancesToPoint(tile: Tile, point: usize, sums: usize): void {
  for (let row: usize = 0; row < <usize>tile.rows; row++)
    addTo(sums + row * 8, squaredDistance64(tile.address + row * tile.stride, point, tile.bytes));
}
