// Values of options, read and refused in one form.

import { closest } from 'fastest-levenshtein';
import { type RefusalCode, RefusedError, refuse } from '../shared/protocol/refusals.ts';
import { isTolerance } from '../server/aggregation/tolerance.ts';

/** @throws RefusedError unless `text` is a whole number of at least `least` and at most `most`. */
export function wholeNumber(option: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const limit = most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`;
    const expected = `a whole number from ${least} ${limit}`;
    throw new RefusedError(refuse('bad-option', { message: `${option} does not fit`, expected, found: text }).refusal);
  };
}

/** @throws RefusedError unless `text` is a number above 0. */
export function positiveNumber(option: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    const message = `${option} does not fit`;
    throw new RefusedError(refuse('bad-option', { message, expected: 'a number above 0', found: text }).refusal);
  };
}

/** @throws RefusedError with the nearest known name unless `text` is one of `known`. */
export function oneOf<Name extends string>(known: readonly Name[], code: RefusalCode): (text: string) => Name {
  return (text) => {
    const name = known.find((each) => each === text);
    if (name !== undefined) return name;
    const hint = `did you mean ${closest(text, [...known])}?`;
    throw new RefusedError(refuse(code, { expected: known.join(', '), found: text, hint }).refusal);
  };
}

/** @throws RefusedError unless `text` is a whole number or a share below 1. */
export function tolerance(option: string): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (isTolerance(value)) return value;
    const facts = { expected: 'a whole number, or a share of the clients below 1', found: text };
    throw new RefusedError(refuse('bad-option', { message: `${option} does not fit`, ...facts }).refusal);
  };
}
