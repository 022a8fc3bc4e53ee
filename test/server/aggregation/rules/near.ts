// Figures as a matcher of vitest: each within half a unit of that decimal digit.

import { expect } from 'vitest';

export const near = (figures: readonly number[], digits = 6): readonly unknown[] =>
  figures.map((figure): unknown => expect.closeTo(figure, digits));
