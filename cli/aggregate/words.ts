// Options of a rule and steps in front of it, as they are written on a command line: tau=10, clip:norm=2.

import type { PreWish } from './input.ts';
import { misfit } from '../option-values.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number, true or false, else the word itself. */
function valueOf(word: string): unknown {
  if (NUMBER.test(word)) return Number(word);
  return word === 'true' || word === 'false' ? word === 'true' : word;
}

/** @throws RefusedError unless `text` has the form KEY=VALUE. */
function setting(option: string, text: string): readonly [key: string, value: unknown] {
  const [, key, word] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (key === undefined || word === undefined) throw misfit(option, 'KEY=VALUE', text);
  return [key, valueOf(word)];
}

/** For an option that may be repeated; the last of a key counts. */
export const withSetting = (
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> => Object.fromEntries([...Object.entries(before), setting('--option', text)]);

/** For an option that may be repeated: NAME, or NAME:KEY=VALUE,KEY=VALUE. */
export function withStep(text: string, before: readonly PreWish[] = []): readonly PreWish[] {
  const [name = '', ...rest] = text.split(':');
  const settings = rest.length === 0 ? [] : rest.join(':').split(',');
  return [...before, { ...Object.fromEntries(settings.map((each) => setting('--pre', each))), name }];
}
