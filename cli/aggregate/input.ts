// Updates in a JSON file for `muster aggregate`: its form, and what of it is refused before anything is computed. Values
// are looked at one by one and not by a schema, since there may be millions of them.

import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { expectedBy, foundBy } from '../../shared/issue-words.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { idsComplaint, vectorOf, vectorsOf } from './rows.ts';

/** One step in front of the rule: a name, and options of its own. */
export interface PreWish {
  readonly name: string;
  readonly [option: string]: unknown;
}

/** What a file says about the rule; flags say the same and go before it. */
export interface RuleWish {
  readonly rule?: string | undefined;
  readonly f?: number | undefined;
  readonly m?: number | undefined;
  readonly pre?: readonly PreWish[] | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  readonly seed?: number | undefined;
}

export interface UpdatesFile {
  readonly kind: 'updates';
  /** At least one, of equal length, finite. */
  readonly rows: readonly Float32Array[];
  /** One for each row and all different; null: rows are named by their position, from 0. */
  readonly ids: readonly string[] | null;
  readonly reference: Float32Array | null;
  readonly wish: RuleWish;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isPreWish = (value: unknown): value is PreWish => isRecord(value) && typeof value['name'] === 'string';

const preSchema = z.union([z.string().transform((name) => ({ name })), z.custom<PreWish>(isPreWish)], {
  error: 'a name, or an object with a name and options',
});

const fileSchema = z.object({
  updates: z.unknown().optional(),
  ids: z.array(z.string()).nullish(),
  reference: z.unknown().optional(),
  rule: z.string().optional(),
  f: z.int().nonnegative().optional(),
  m: z.int().positive().nullish(),
  pre: z.array(preSchema).optional(),
  options: z.custom<Readonly<Record<string, unknown>>>(isRecord, { error: 'an object' }).optional(),
  seed: z.int().nonnegative().optional(),
});
const keys = Object.keys(fileSchema.shape);
/** Of these a value that does not fit is a bad option; all others make up the updates themselves. */
const optionKeys: ReadonlySet<unknown> = new Set(['rule', 'f', 'm', 'pre', 'options', 'seed']);

/** Refuses bad-format, bad-shape, not-finite, cohort-too-small and, for what it says about the rule, bad-option. */
export function parseUpdates(text: string): UpdatesFile | Refused {
  const parsed = parseJson(text);
  if (!isRecord(parsed)) return notUpdates(text);
  const unknown = Object.keys(parsed).find((key) => !keys.includes(key));
  if (unknown !== undefined) return unknownKey(unknown);
  const file = fileSchema.safeParse(parsed, { reportInput: true });
  if (!file.success) return misfit(file.error);
  const { updates, ids = null, reference, m, ...wish } = file.data;
  const rows = vectorsOf(updates);
  if (isRefused(rows)) return rows;
  const complaint = ids && idsComplaint(ids, rows.length);
  if (complaint) return complaint;
  const point = reference == null ? null : vectorOf(reference, { place: 'reference', length: rows[0]?.length });
  if (point && isRefused(point)) return point;
  return { kind: 'updates', rows, ids, reference: point, wish: { ...wish, m: m ?? undefined } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Some writers of JSON put down what JSON does not have. */
const BARE_NOT_FINITE = /[[,:]\s*[+-]?(?:NaN|Infinity)\s*[\],}]/;

function notUpdates(text: string): Refused {
  const expected = 'a JSON object such as {"updates": [[1, 2], [3, 4]], "rule": "median"}';
  if (BARE_NOT_FINITE.test(text)) return refuse('not-finite', { expected, found: 'NaN or Infinity among the values' });
  return refuse('bad-format', { message: 'the file holds no updates', expected, found: 'something else' });
}

function unknownKey(found: string): Refused {
  const hint = `did you mean "${closest(found, keys)}"?`;
  const message = 'the file has a key that is not known';
  return refuse('bad-format', { message, expected: keys.join(', '), found: found.slice(0, 64), hint });
}

function misfit({ issues: [issue] }: z.ZodError): Refused {
  const code = optionKeys.has(issue?.path[0]) ? 'bad-option' : 'bad-format';
  const place = issue?.path.join('.') ?? '';
  const facts = { expected: expectedBy(issue), found: foundBy(issue) };
  return refuse(code, { message: `"${place}" of the file does not fit`, ...facts });
}
