// A ledger in one JSON file, for whoever wants to check it elsewhere: the texts of its entries and the notes of its
// checkpoints. Reading one takes whatever is in the file for hostile: sizes are capped and a misfit is refused.

import { z } from 'zod';
import type { FederationId } from '../../shared/ids.ts';
import { MAX_CHECKPOINT_LENGTH } from '../../shared/ledger/checkpoint.ts';
import { federationIdSchema } from '../../shared/protocol/envelope.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { LedgerRow, SignedHead } from '../ledger/ledger-store.ts';

const EXPORT_FORM = 'muster-ledger/1';
/** Some hundred thousand entries. */
export const MAX_EXPORT_BYTES = 256 * 1024 * 1024;
const MAX_ENTRY_LENGTH = 8 * 1024 * 1024;

export const ledgerKeySchema = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters');

const exportSchema = z.strictObject({
  form: z.literal(EXPORT_FORM),
  federation: federationIdSchema,
  ledgerKey: ledgerKeySchema,
  entries: z.array(z.string().max(MAX_ENTRY_LENGTH)),
  checkpoints: z.array(z.string().max(MAX_CHECKPOINT_LENGTH)),
});
export type LedgerExport = z.infer<typeof exportSchema>;

export interface StoredLedger {
  readonly federation: FederationId;
  readonly rows: readonly LedgerRow[];
  readonly heads: readonly SignedHead[];
}

export function exportLedger({ federation, rows, heads }: StoredLedger, ledgerKey: string): LedgerExport {
  return {
    form: EXPORT_FORM,
    federation,
    ledgerKey,
    entries: rows.map(({ text }) => text),
    checkpoints: heads.map(({ note }) => note),
  };
}

/** Refuses ledger-damaged for a text that is no export. */
export function readExport(text: string): (LedgerExport & { readonly kind: 'export' }) | Refused {
  const parsed = exportSchema.safeParse(parseJson(text));
  if (parsed.success) return { kind: 'export', ...parsed.data };
  const [issue] = parsed.error.issues;
  const at = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  return notAnExport(`${at}${issue?.message ?? ''}`.slice(0, 200));
}

export function notAnExport(found: string): Refused {
  return refuse('ledger-damaged', {
    message: 'the file is no export of a ledger',
    expected: `a file of the form ${EXPORT_FORM}, at most ${MAX_EXPORT_BYTES} bytes`,
    found,
    hint: 'write one with: muster ledger export FILE',
  });
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
