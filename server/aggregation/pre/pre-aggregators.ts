// The pre-aggregators by name, as a federation file or a command line names them.

import { closest } from 'fastest-levenshtein';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import type { Declared } from '../../../shared/declare.ts';
import { arcDeclared } from './arc.ts';
import { bucketingDeclared } from './bucketing.ts';
import { clipDeclared } from './clip.ts';
import { clipToMedianDeclared } from './clip-to-median.ts';
import { nnmDeclared } from './nnm.ts';
import type { PreAggregator } from './pre-aggregator.ts';

const declarations: readonly Declared<PreAggregator>[] = [
  clipDeclared,
  clipToMedianDeclared,
  arcDeclared,
  nnmDeclared,
  bucketingDeclared,
];

export const preNames: readonly string[] = declarations.map(({ name }) => name);

/** By name, beside its own options. */
export interface PreChoice {
  readonly name: string;
  readonly [option: string]: unknown;
}

/** Refuses unknown-rule and bad-option. */
export function preAggregatorOf({
  name,
  ...options
}: PreChoice): { readonly kind: 'made'; readonly made: PreAggregator } | Refused {
  const declared = declarations.find((one) => one.name === name);
  if (declared) return declared.make(options);
  return refuse('unknown-rule', {
    message: 'no such pre-aggregator',
    expected: preNames.join(', '),
    found: name,
    hint: `did you mean "${closest(name, [...preNames])}"?`,
  });
}
