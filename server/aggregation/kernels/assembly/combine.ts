// Weighted sums of rows over a divisor. Each column is summed in float64 in the order of the terms, from +0, so that a sum of
// zeros is +0 whatever their signs and their order; and it is rounded to float32 once.

import { Term, WeightedSum } from './layout';
import { demoted, promoted } from './vectors';

/** Sixteen columns, a line of the cache: their eight sums stay in registers while all rows go by. */
const BLOCK: usize = 64;

function add(sum: v128, weight: v128, values: usize): v128 {
  return f64x2.add(sum, f64x2.mul(weight, promoted(values)));
}

/** Writes `bytes` of float32 values to `out`, whole blocks. */
export function combine(sum: WeightedSum, out: usize, bytes: usize): void {
  const terms = changetype<usize>(sum) + offsetof<WeightedSum>();
  const end = sum.end;
  const by = f64x2.splat(sum.divisor);
  for (let column: usize = 0; column < bytes; column += BLOCK, out += BLOCK) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    let s4 = f64x2.splat(0);
    let s5 = f64x2.splat(0);
    let s6 = f64x2.splat(0);
    let s7 = f64x2.splat(0);
    for (let address = terms; address < end; address += offsetof<Term>()) {
      const term = changetype<Term>(address);
      const values = term.row + column;
      const weight = f64x2.splat(term.weight);
      s0 = add(s0, weight, values);
      s1 = add(s1, weight, values + 8);
      s2 = add(s2, weight, values + 16);
      s3 = add(s3, weight, values + 24);
      s4 = add(s4, weight, values + 32);
      s5 = add(s5, weight, values + 40);
      s6 = add(s6, weight, values + 48);
      s7 = add(s7, weight, values + 56);
    }
    v128.store(out, demoted(f64x2.div(s0, by), f64x2.div(s1, by)));
    v128.store(out, demoted(f64x2.div(s2, by), f64x2.div(s3, by)), 16);
    v128.store(out, demoted(f64x2.div(s4, by), f64x2.div(s5, by)), 32);
    v128.store(out, demoted(f64x2.div(s6, by), f64x2.div(s7, by)), 48);
  }
}
