import type { FederationId } from '../../../shared/ids.ts';
import type { StagedUpdate } from '../stages.ts';
import type { UpdateRow } from './update-store.ts';

/** A row with the receipt it was given; undefined when it is not staged. */
export function stagedFrom(row: UpdateRow, federation: FederationId): StagedUpdate | undefined {
  const { round, client, digest: updateDigest, stagedAt, figures } = row;
  if (row.state !== 'staged' || !stagedAt || !figures) return undefined;
  return { kind: 'staged', receipt: { federation, round, client, updateDigest, stagedAt }, figures };
}
