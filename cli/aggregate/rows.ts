// Values out of JSON -> rows of float32 for `muster aggregate`, and the order in which they are computed. What does not
// stay finite as a float32 is refused: no rule may ever see it.

import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';

/** `length` zeros, where worker threads read them without a copy. */
export const sharedRow = (length: number): Float32Array =>
  new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));

/** Refuses cohort-too-small for an empty list, bad-format, bad-shape and not-finite. */
export function vectorsOf(updates: unknown): readonly Float32Array[] | Refused {
  if (!Array.isArray(updates))
    return refuse('bad-format', { message: 'the file holds no updates', expected: 'updates: a list of lists' });
  if (updates.length === 0)
    return refuse('cohort-too-small', { expected: 'at least 1 update', found: 'an empty list of updates' });
  const rows: Float32Array[] = [];
  for (const [i, values] of updates.entries()) {
    const row = vectorOf(values, { place: `updates[${i}]`, length: rows[0]?.length });
    if (isRefused(row)) return row;
    rows.push(row);
  }
  return rows;
}

interface Place {
  /** Where the list stands in the file. */
  readonly place: string;
  /** How many values it has to have; undefined: any number from 1. */
  readonly length: number | undefined;
}

/** Rounded to float32. Refuses bad-format, bad-shape and not-finite. */
export function vectorOf(values: unknown, { place, length }: Place): Float32Array | Refused {
  if (!Array.isArray(values)) return notA('a list of numbers', place, values);
  if (values.length !== (length ?? Math.max(1, values.length))) {
    const message = length === undefined ? 'an update holds no values' : 'lists of values are of unequal length';
    const expected = length === undefined ? 'at least 1 value' : `${length} values`;
    return refuse('bad-shape', { message, expected, found: `${values.length} in ${place}` });
  }
  const row = sharedRow(values.length);
  for (let k = 0; k < values.length; k++) {
    const value: unknown = values[k];
    const rounded = typeof value === 'number' ? Math.fround(value) : NaN;
    if (!Number.isFinite(rounded)) return valueComplaint(value, `${place}[${k}]`);
    row[k] = rounded;
  }
  return row;
}

/** As numpy, pandas and others write what is not finite into JSON. */
const NOT_FINITE_WORD = /^[+-]?(?:nan|inf(?:inity)?)$/i;

function valueComplaint(value: unknown, place: string): Refused {
  const isNotFinite =
    value === null || typeof value === 'number' || (typeof value === 'string' && NOT_FINITE_WORD.test(value));
  if (!isNotFinite) return notA('a number', place, value);
  return refuse('not-finite', { expected: 'values that are finite as float32', found: `${String(value)} at ${place}` });
}

function notA(expected: string, place: string, value: unknown): Refused {
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value;
  return refuse('bad-format', { message: 'the file holds no updates', expected, found: `${found} at ${place}` });
}

/** Refuses bad-format unless there is an id for each of n rows, and each its own. */
export function idsComplaint(ids: readonly string[], n: number): Refused | undefined {
  const message = 'ids do not fit the updates';
  if (ids.length !== n) return refuse('bad-format', { message, expected: `${n} ids`, found: `${ids.length}` });
  const order = rowOrder(ids);
  const again = order.find((position, r) => r > 0 && compareBytes(ids, position, order[r - 1] ?? position) === 0);
  if (again === undefined) return undefined;
  return refuse('bad-format', {
    message,
    expected: 'every id once',
    found: `"${ids[again]?.slice(0, 64)}" more than once`,
  });
}

/** Positions of ids in the order of their UTF-8 bytes: that in which their rows are computed. */
export const rowOrder = (ids: readonly string[]): readonly number[] =>
  ids.map((_, position) => position).sort((a, b) => compareBytes(ids, a, b));

const compareBytes = (ids: readonly string[], a: number, b: number): number =>
  Buffer.compare(Buffer.from(ids[a] ?? ''), Buffer.from(ids[b] ?? ''));
