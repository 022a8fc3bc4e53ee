// The cohorts that implementations of the field print expectations for.

/** ByzFL, tests/unit_test_*.py (LPD-EPFL/byzfl@69bd1ac). */
export const V = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
] as const;

/** fedlib's tests, the aggregators of Blades (lishenghui/fedlib@8428019). */
export const F4 = [
  [1, 2, 3],
  [-1, 4, -1],
  [2, 2, 3],
  [3, 1, 3],
] as const;

/** Of our own, f = 2: it tells the field's variants of Krum apart. Figures derived twice, in numpy and in Node. */
export const P7 = [
  [4, 4],
  [5, 6],
  [2, 7],
  [5, 4],
  [1, 0],
  [1, 1],
  [1, 2],
] as const;
