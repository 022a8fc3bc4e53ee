// Batcher's odd-even merge sort as a list of comparators (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M):
// the same steps whatever the values, so that one step sorts as many coordinates as there are lanes.

export interface Places {
  readonly first: number;
  readonly last: number;
}

/**
 * Pairs of places, one pair after the other: of the two values there the lesser goes to the first. After all of them the
 * places `first` to `last` of `n` hold what they hold in ascending order; comparators on which these do not depend are left
 * out.
 */
export function sortingNetwork(n: number, { first, last }: Places): Uint32Array {
  const all = oddEvenMergeSort(n);
  const kept = new Uint32Array(all.length);
  const needed = new Uint8Array(n).fill(1, first, last + 1);
  let begin = kept.length;
  for (let comparator = all.length - 2; comparator >= 0; comparator -= 2) {
    const [low = 0, high = 0] = [all[comparator], all[comparator + 1]];
    if (!needed[low] && !needed[high]) continue;
    needed[low] = needed[high] = 1;
    kept[--begin] = high;
    kept[--begin] = low;
  }
  return kept.slice(begin);
}

function oddEvenMergeSort(n: number): readonly number[] {
  const comparators: number[] = [];
  let top = 1;
  while (2 * top < n) top *= 2;
  for (let p = top; p >= 1; p /= 2) {
    let [q, r, distance] = [top, 0, p];
    while (distance > 0) {
      for (let i = 0; i < n - distance; i++) if ((i & p) === r) comparators.push(i, i + distance);
      [distance, q, r] = [q - p, q / 2, p];
    }
  }
  return comparators;
}
