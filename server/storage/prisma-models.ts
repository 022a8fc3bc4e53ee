// Model versions in the database: one row for the initial model and one for each committed round.

import { asDigest, type FederationId } from '../../shared/ids.ts';
import type { ModelStore, ModelVersion } from '../model/model-store.ts';
import type { FederationScope } from './federation-scope.ts';
import type { ModelVersion as ModelRow } from './generated/client.ts';

export function prismaModels({ database, federation }: FederationScope): ModelStore {
  return {
    async versions() {
      const rows = await database.modelVersion.findMany({ where: { federation }, orderBy: { round: 'asc' } });
      return rows.map(fromModelRow);
    },
    async latest() {
      const row = await database.modelVersion.findFirst({ where: { federation }, orderBy: { round: 'desc' } });
      return row === null ? undefined : fromModelRow(row);
    },
    async byDigest(digest, beforeRound) {
      const where = { federation, digest, ...(beforeRound === undefined ? {} : { round: { lt: beforeRound } }) };
      const row = await database.modelVersion.findFirst({ where, orderBy: { round: 'desc' } });
      return row === null ? undefined : fromModelRow(row);
    },
  };
}

export function toModelRow(federation: FederationId, version: ModelVersion): ModelRow {
  const { digest, parent, round, byteLength, optimiserState } = version;
  return { federation, digest, parent, round, byteLength: BigInt(byteLength), optimiserState };
}

export function fromModelRow({ digest, parent, round, byteLength, optimiserState }: ModelRow): ModelVersion {
  return {
    digest: asDigest(digest),
    parent: parent === null ? null : asDigest(parent),
    round,
    byteLength: Number(byteLength),
    optimiserState: optimiserState === null ? null : asDigest(optimiserState),
  };
}
