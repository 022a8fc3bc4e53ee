// How an admin names a client or an invite: by the first characters of its id. Text in, the one row that is meant or a
// refusal out: never a guess, and never one of several.

import { distance } from 'fastest-levenshtein';
import { type RefusalCode, type Refused, refuse } from '../../shared/protocol/refusals.ts';

export interface Sought<Row> {
  readonly rows: readonly Row[];
  idOf(row: Row): string;
  /** What else a person may have written in the id's place. */
  nameOf?(row: Row): string;
  /** Where nothing is found. */
  readonly code: RefusalCode;
}

export interface Found<Row> {
  readonly kind: 'found';
  readonly row: Row;
}

/** Fewer are typed by accident, and soon ambiguous. */
const LEAST_PREFIX = 6;
const MOST_LISTED = 5;
const form = new RegExp(`^[0-9a-f]{${LEAST_PREFIX},64}$`);

/** Refuses `code`, and not-applicable where several rows are meant. */
export function findByPrefix<Row>(text: string, sought: Sought<Row>): Found<Row> | Refused {
  const prefix = text.trim().toLowerCase();
  const meant = form.test(prefix) ? sought.rows.filter((row) => sought.idOf(row).startsWith(prefix)) : [];
  const [row, ...others] = meant;
  if (row === undefined) return notFound(prefix, sought);
  return others.length === 0 ? { kind: 'found', row } : ambiguous(meant.map(sought.idOf));
}

function notFound<Row>(prefix: string, sought: Sought<Row>): Refused {
  const nearest = sought.rows
    .map((row) => ({ row, edits: editsTo(row, prefix, sought) }))
    .sort((a, b) => a.edits - b.edits)
    .at(0);
  return refuse(sought.code, {
    expected: `at least ${LEAST_PREFIX} of the first hexadecimal characters of an id`,
    found: prefix.slice(0, 100),
    hint: nearest ? `did you mean ${shortId(nearest.row, sought)}?` : 'there is none yet',
  });
}

function editsTo<Row>(row: Row, prefix: string, { idOf, nameOf }: Sought<Row>): number {
  const toId = distance(prefix, idOf(row).slice(0, prefix.length));
  return nameOf ? Math.min(toId, distance(prefix, nameOf(row).toLowerCase())) : toId;
}

function shortId<Row>(row: Row, { idOf, nameOf }: Sought<Row>): string {
  const id = idOf(row).slice(0, 12);
  return nameOf ? `${id} (${nameOf(row)})` : id;
}

function ambiguous(ids: readonly string[]): Refused {
  const listed = ids.slice(0, MOST_LISTED).join(', ');
  return refuse('not-applicable', {
    message: 'several begin with these characters',
    expected: 'as many characters as only one begins with',
    found: ids.length > MOST_LISTED ? `${ids.length}, such as ${listed}` : listed,
  });
}
