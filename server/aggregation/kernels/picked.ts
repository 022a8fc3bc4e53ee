import { InvariantError } from '../../../shared/invariant-error.ts';

/** Those alone, in that order. @throws InvariantError for a number that none has. */
export function picked<T>(all: readonly T[], numbers: readonly number[]): readonly T[] {
  return numbers.map((number) => {
    const one = all[number];
    if (one === undefined) throw new InvariantError(`row ${number} of a cohort of ${all.length}`);
    return one;
  });
}
