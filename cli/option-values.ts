// Values of options, read and refused in one form.

import { closest } from 'fastest-levenshtein';
import { isOrganisationId, type OrganisationId } from '../shared/ids.ts';
import { type RefusalCode, RefusedError, refuse } from '../shared/protocol/refusals.ts';
import { isTolerance } from '../server/aggregation/tolerance.ts';

export const misfit = (option: string, expected: string, found: string): RefusedError =>
  new RefusedError(refuse('bad-option', { message: `${option} does not fit`, expected, found }).refusal);

/** @throws RefusedError unless `text` is a whole number of at least `least` and at most `most`. */
export function wholeNumber(option: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const limit = most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`;
    throw misfit(option, `a whole number from ${least} ${limit}`, text);
  };
}

/** @throws RefusedError unless `text` is a number above 0. */
export function positiveNumber(option: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    throw misfit(option, 'a number above 0', text);
  };
}

/** A list with commas between, of what `read` takes. @throws RefusedError as it does. */
export const listOf =
  <Value>(read: (text: string) => Value): ((text: string) => readonly Value[]) =>
  (text) =>
    text.split(',').map(read);

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
    throw misfit(option, 'a whole number, or a share of the clients below 1', text);
  };
}

/** @throws RefusedError unless `text` is a share from 0 to below 1. */
export function share(option: string): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value < 1) return value;
    throw misfit(option, 'a share from 0 to below 1', text);
  };
}

/** @throws RefusedError unless `text` is a number above 0 and at most 1. */
export function samplingRate(option: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (value > 0 && value <= 1) return value;
    throw misfit(option, 'a number above 0 and at most 1', text);
  };
}

/** @throws RefusedError unless `text` is a number from `least` to below 1. */
export function probability(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (value >= least && value < 1) return value;
    throw misfit(option, `a number from ${least} to below 1`, text);
  };
}

/** @throws RefusedError unless `text` names an organisation. */
export function organisation(option: string): (text: string) => OrganisationId {
  return (text) => {
    if (isOrganisationId(text)) return text;
    throw misfit(option, '1-64 of a-z, 0-9 and "-", beginning with a letter', text);
  };
}

/** @throws RefusedError unless `text` is an http or https address without a path. @returns its origin */
export function publicUrl(option: string): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
    throw misfit(option, 'an address such as https://fl.example.org, without a path', text);
  };
}
