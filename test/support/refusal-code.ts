// A stage's outcome, as the code of its refusal or else its kind: what most tests of a stage ask for.

import { isRefused } from '../../shared/protocol/refusals.ts';

export const codeOf = (outcome: { readonly kind: string }): string =>
  isRefused(outcome) ? outcome.refusal.code : outcome.kind;
