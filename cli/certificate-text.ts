// How far at most f liars can have moved an aggregate, as people read it: of a round, and of muster aggregate.

import { counted, rounded } from './text.ts';

interface ShownCertificate {
  /** L2; infinite or null where all may lie. */
  readonly bound: number | null;
  readonly exact: boolean;
}

export function certificateText({ bound, exact }: ShownCertificate, f: number): string {
  if (bound === null || bound === Infinity) return `none: with ${counted(f, 'liar')} nobody need be honest`;
  const kind = exact ? 'exact' : 'proven, and possibly larger than necessary';
  return `${rounded(bound)} (${kind}): with at most ${counted(f, 'liar')} the mean of the honest is no further away (L2)`;
}
