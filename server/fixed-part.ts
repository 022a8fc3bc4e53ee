// Two configurations of one federation, before and after -> the first key that no later start may change and that has
// changed all the same. All may be said anew that is not in it: the total of rounds and the privacy budget.

import { type FederationConfig, readConfigText } from './config.ts';

export interface Difference {
  /** "rule.f 4": the key and what stands there. */
  readonly expected: string;
  readonly found: string;
}

/** `before`, `after`: canonical texts of whole configurations. */
export function fixedDifference(before: string, after: string): Difference | undefined {
  return difference(fixedPart(readConfigText(before)), fixedPart(readConfigText(after)), '');
}

function fixedPart({ privacy, ...config }: FederationConfig): FederationConfig {
  return { ...config, rounds: 1, privacy: privacy.mode === 'none' ? privacy : { ...privacy, epsilonBudget: 1 } };
}

function difference(before: unknown, after: unknown, at: string): Difference | undefined {
  if (!isRecord(before) || !isRecord(after)) {
    if (before === after) return undefined;
    return { expected: `${at} ${said(before)}`, found: `${at} ${said(after)}` };
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const found = difference(before[key], after[key], at === '' ? key : `${at}.${key}`);
    if (found) return found;
  }
  return undefined;
}

/** A list is one too, its places being the keys. */
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const said = (value: unknown): string => (value === undefined ? '(not given)' : JSON.stringify(value));
