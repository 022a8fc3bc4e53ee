// Where in ascending order the window of a coordinate may lie.

import { InvariantError } from '../../../shared/invariant-error.ts';
import type { CoordinateWindow } from '../cohort.ts';

/** It begins at one of the places `lowest` to `highest`, counted from 0, and holds `keep` values. */
export interface WindowPlaces {
  readonly lowest: number;
  readonly highest: number;
  readonly keep: number;
}

/** Of `n` values. @throws InvariantError where the window would hold none of them, or more. */
export function windowPlaces(window: CoordinateWindow, n: number): WindowPlaces {
  const places = placesOf(window, n);
  if (places.keep >= 1 && places.keep <= n) return places;
  throw new InvariantError(`a window of ${places.keep} of ${n} values: ${JSON.stringify(window)}`);
}

function placesOf(window: CoordinateWindow, n: number): WindowPlaces {
  const [below, above] = [(n - 1) >> 1, n >> 1];
  switch (window.kind) {
    case 'median':
      return { lowest: below, highest: below, keep: above - below + 1 };
    case 'trimmed':
      return { lowest: window.trim, highest: window.trim, keep: n - 2 * window.trim };
    case 'around-median': {
      // The nearest to the median lie on both sides of it: the window ends at the lower middle at least, and begins at the
      // upper middle at most.
      const { keep } = window;
      return { lowest: Math.max(0, below - keep + 1), highest: Math.min(n - keep, above), keep };
    }
  }
}
