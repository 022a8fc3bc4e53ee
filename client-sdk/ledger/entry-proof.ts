// What a proven entry of the ledger says. The text is believed only once it is shown to be under the head, and only as
// canonical JSON: another text could be read in two ways.

import { z } from 'zod';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Digest, FederationId } from '../../shared/ids.ts';
import type { TreeHead } from '../../shared/ledger/checkpoint.ts';
import { entryHash } from '../../shared/ledger/ledger-hash.ts';
import { verifyInclusion } from '../../shared/ledger/merkle-proofs.ts';
import type { EntryProof } from '../../shared/protocol/messages.ts';

interface Place {
  /** The entry has to be under it. */
  readonly head: TreeHead;
  readonly federation: FederationId;
}

const commitSchema = z.looseObject({
  type: z.enum(['round-committed', 'federation-founded']),
  federation: z.string(),
  model: z.string(),
});
const recoverySchema = z.looseObject({
  type: z.literal('ledger-recovered'),
  federation: z.string(),
});

/**
 * Index, from 0, of the entry, where it says that the federation committed this model, or was founded on it; undefined
 * where nothing is proven.
 */
export function provenCommit(
  proof: EntryProof | null,
  { model, head, federation }: Place & { readonly model: Digest },
): number | undefined {
  const commit = commitSchema.safeParse(entryUnder(proof, head));
  const isMeant = commit.success && commit.data.federation === federation && commit.data.model === model;
  return proof && isMeant ? proof.index : undefined;
}

/** Hash of the entry, where it says that a backup of this federation was restored; undefined where nothing is proven. */
export function provenRecovery(proof: EntryProof | null, { head, federation }: Place): Digest | undefined {
  const recovery = recoverySchema.safeParse(entryUnder(proof, head));
  return proof && recovery.success && recovery.data.federation === federation ? entryHash(proof.entry) : undefined;
}

/** Undefined unless it is proven and canonical. */
function entryUnder(proven: EntryProof | null, { size, root }: TreeHead): unknown {
  if (!proven) return undefined;
  const { entry, index, proof } = proven;
  return verifyInclusion({ leaf: entryHash(entry), index, size, proof, root }) ? fromCanonical(entry) : undefined;
}

function fromCanonical(text: string): unknown {
  try {
    const value = z.json().parse(JSON.parse(text));
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    // No JSON at all.
    return undefined;
  }
}
