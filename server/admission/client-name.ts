// Names that clients choose, for people to read: a name as sent in, one that can be shown or a refusal out; and which of
// the names already there it could be taken for. Ids decide everything else: a name only keeps people from mistaking one
// client for another (Unicode TR 36, sections 2.1-2.5; UTS 39, section 4, whose table of confusables is `unhomoglyph`).

import { distance as editDistance } from 'fastest-levenshtein';
import skeleton from 'unhomoglyph';
import type { ClientId } from '../../shared/ids.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';

export interface VettedName {
  readonly kind: 'name';
  /** As it is shown: NFKC, trimmed, single spaces. */
  readonly name: string;
  readonly key: string;
}

export interface NamedClient {
  readonly client: ClientId;
  readonly name: string;
}

export interface LookAlike extends NamedClient {
  /** Edits between the two keys; 0 where they are the same to the eye. */
  readonly distance: number;
}

/** i is l, as its capital is; two letters side by side that look like one are that one. */
const LOOK_LIKE_ONE = [
  ['i', 'l'],
  ['vv', 'w'],
] as const;
/** In code points. */
const MAX_LENGTH = 100;
/** Control, format and bidi characters, private use, unassigned, lone surrogates, and what is drawn as nothing at all. */
const unshowable = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u;
/** More marks on one letter than any language writes cover the lines around the name (UTS 39, section 5.4). */
const markPile = /\p{M}{5,}/u;
/** Marks of one script alone, such as Devanagari's vowel signs, tell words apart and stay. */
const separatorsAndMarks = /[\p{Z}\p{P}]|(?=\p{Script=Inherited})\p{M}/gu;
/** Once in NFKC form, which full-width digits are not. */
const foreignDigits = /(?![0-9\uFF10-\uFF19])\p{Nd}/u;
const numbers = /\p{Nd}+/gu;
const numbersApart = /(?<![\p{L}\p{M}\p{N}])\p{Nd}+(?![\p{L}\p{M}\p{N}])/gu;
/** Stands for a number inside a word; no name holds it. */
const NUMBER = '\0';

/** Refuses bad-name. */
export function vetName(name: string): VettedName | Refused {
  const normal = name.normalize('NFKC');
  const hidden = unshowable.exec(normal);
  if (hidden) return badName('no control, formatting, invisible or unassigned character', codePointOf(hidden[0]));
  const shown = normal.trim().replace(/\s+/gu, ' ');
  const { length } = Array.from(shown);
  if (length > MAX_LENGTH) return badName(`1-${MAX_LENGTH} characters`, `${length}`);
  if (!/[\p{L}\p{N}]/u.test(shown)) return badName('at least one letter or digit', `${length} others`);
  if (markPile.test(shown)) return badName('at most 4 marks on a letter', 'a pile of them');
  return { kind: 'name', name: shown, key: nameKey(shown) };
}

/**
 * The key under which two names are the same to the eye. Skeleton before and after lower-casing, so that neither the
 * look of a capital (I as l, Greek Nu as N) nor that of its small letter goes unseen; i is l, as its capital is.
 * Names that differ in the case of ASCII letters, in NFKC form, separators or diacritics have one key.
 */
export function nameKey(name: string): string {
  let key = name;
  for (let before = ''; before !== key;) {
    before = key;
    const bare = skeleton(key.normalize('NFKC')).toLowerCase().normalize('NFKD').replace(separatorsAndMarks, '');
    key = LOOK_LIKE_ONE.reduce((text, [pair, one]) => text.replaceAll(pair, one), bare).normalize('NFKC');
  }
  return key;
}

/**
 * The nearest of `others` that `name` could be taken for, the first of equally near ones: the same key, or at most one
 * edit between keys of 5-8 characters and two between longer ones. Names of a series, which differ only in their numbers
 * ("ward 7", "ward 8"), are meant to be told apart and look alike only under one key.
 */
export function lookAlike(name: string, others: readonly NamedClient[]): LookAlike | undefined {
  let nearest: LookAlike | undefined;
  for (const { client, name: other } of others) {
    const distance = Math.min(
      likeness(name, other),
      // Some capitals and small letters of one name have different looks: Вова, вова.
      likeness(name.toLowerCase(), other.toLowerCase()),
    );
    if (distance < (nearest?.distance ?? Infinity)) nearest = { client, name: other, distance };
  }
  return nearest;
}

/** Edits between the keys; Infinity where nobody takes one for the other. */
function likeness(name: string, other: string): number {
  const [key, otherKey] = [nameKey(name), nameKey(other)];
  if (key === otherKey) return 0;
  if (areOfOneSeries(name, other)) return Infinity;
  const distance = editDistance(key, otherKey);
  return distance <= editsAllowed(Math.min(key.length, otherKey.length)) ? distance : Infinity;
}

function editsAllowed(length: number): number {
  if (length < 5) return 0;
  return length <= 8 ? 1 : 2;
}

/** A number set apart may be missing on one side ("phone", "phone 2"), one inside a word may not ("paypal", "paypal1"). */
function areOfOneSeries(name: string, other: string): boolean {
  // Digits of two scripts may be one number.
  if (foreignDigits.test(name) !== foreignDigits.test(other)) return false;
  return wordsOf(name) === wordsOf(other) && numbersOf(name) !== numbersOf(other);
}

function wordsOf(name: string): string {
  return nameKey(name.normalize('NFKC').replace(numbersApart, '').replace(numbers, NUMBER));
}

/** Without leading zeros: 7 and 07 are no series. */
function numbersOf(name: string): string {
  const found = name.normalize('NFKC').match(numbers) ?? [];
  return found.map((digits) => digits.replace(/^0+(?=.)/u, '')).join(' ');
}

function badName(expected: string, found: string): Refused {
  return refuse('bad-name', { expected, found, hint: 'choose a name of visible letters, digits and spaces' });
}

/** U+202E for the override itself, which must not reach a screen. */
function codePointOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
