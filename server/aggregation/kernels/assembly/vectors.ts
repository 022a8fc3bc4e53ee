// What the kernels share: float32 values read as float64 and back. Addresses are bytes in the linear memory.

/** The two float32 values at `address`, as float64. */
export function promoted(address: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(address));
}

export function promotedLow(vector: v128): v128 {
  return f64x2.promote_low_f32x4(vector);
}

export function promotedHigh(vector: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(vector, vector, 1, 1));
}

/** Four float64 values, each rounded to float32 once. */
export function demoted(low: v128, high: v128): v128 {
  return i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

export function sumOfLanes(vector: v128): f64 {
  return f64x2.extract_lane(vector, 0) + f64x2.extract_lane(vector, 1);
}

/** Adds to the float64 at `sum`. */
export function addTo(sum: usize, value: f64): void {
  store<f64>(sum, load<f64>(sum) + value);
}
