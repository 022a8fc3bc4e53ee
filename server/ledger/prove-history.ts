// What the coordinator can show of its own history to a client that holds an older checkpoint: that the newer history
// extends it, that a model was committed, and, where the history does not extend it, whether a restored backup is why.
// A checkpoint signed by our own key that is not of our history is evidence, and goes onto the ledger.

import type { ClientId, Digest, FederationId } from '../../shared/ids.ts';
import { openCheckpoint, originOf } from '../../shared/ledger/checkpoint.ts';
import type { EntryProof, LedgerProof, LedgerProofRequest } from '../../shared/protocol/messages.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { ModelStore } from '../model/model-store.ts';
import type { LedgerRow, LedgerStore } from './ledger-store.ts';

export interface History {
  readonly federation: FederationId;
  readonly ledger: LedgerStore;
  readonly models: ModelStore;
}

/** Refuses unknown-checkpoint for a size that was never signed and bad-checkpoint for a note that is not ours. */
export async function proveHistory(
  { size, held, model }: LedgerProofRequest,
  client: ClientId,
  history: History,
): Promise<LedgerProof | Refused> {
  const { ledger } = history;
  if (!(await ledger.headAt(size))) return refuse('unknown-checkpoint', { found: `size ${size}` });
  const consistency = held === null ? [] : await extension({ held, size, client }, history);
  if (consistency !== null && isRefused(consistency)) return consistency;
  const recovered = await ledger.lastOf('ledger-recovered');
  return {
    kind: 'ledger-proof',
    consistency: consistency === null ? null : [...consistency],
    recovered: await entryProof(recovered, size, ledger),
    model: model === null ? null : await entryProof(await commitOf({ model, size }, history), size, ledger),
  };
}

/** Null where the history of `size` entries does not extend what the client holds. */
async function extension(
  { held, size, client }: { readonly held: string; readonly size: number; readonly client: ClientId },
  { federation, ledger }: History,
): Promise<readonly Digest[] | null | Refused> {
  const opened = await openCheckpoint(held, { origin: originOf(federation), publicKey: ledger.publicKey });
  if (isRefused(opened)) return opened;
  const ours = await ledger.headAt(opened.size);
  if (ours?.root === opened.root) return opened.size <= size ? await ledger.consistencyProof(opened.size, size) : null;
  // Not as it came: lines of signatures of others are a client’s free text.
  await ledger.dispute(client, opened.note);
  return null;
}

async function entryProof(row: LedgerRow | undefined, size: number, ledger: LedgerStore): Promise<EntryProof | null> {
  if (!row || row.sequence > size) return null;
  const { text: entry, sequence } = row;
  return { entry, index: sequence - 1, proof: [...(await ledger.inclusionProof(sequence, size))] };
}

/** The last commit of that model among the first `size` entries: clients go back to no older one. */
async function commitOf(
  { model, size }: { readonly model: Digest; readonly size: number },
  { ledger, models }: History,
): Promise<LedgerRow | undefined> {
  let version = await models.byDigest(model);
  while (version) {
    const { round } = version;
    const row = await (round === 0 ? ledger.lastOf('federation-founded') : ledger.lastOf('round-committed', round));
    if (row && row.sequence <= size) return row;
    version = await models.byDigest(model, round);
  }
  return undefined;
}
