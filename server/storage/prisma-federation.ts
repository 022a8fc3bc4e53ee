// The federation itself in the database: written once with its initial model, its configuration amended later.

import { InvariantError } from '../../shared/invariant-error.ts';
import type { FederationStore } from '../model/model-store.ts';
import { appendLedgerEntries } from './append-ledger-entry.ts';
import type { FederationScope } from './federation-scope.ts';
import { fromModelRow, toModelRow } from './prisma-models.ts';

export function prismaFederation(scope: FederationScope): FederationStore {
  const { database, federation } = scope;
  return {
    async founding() {
      const founded = await database.federation.findUnique({ where: { federation } });
      if (founded === null) return undefined;
      const initial = await database.modelVersion.findUniqueOrThrow({
        where: { federation_round: { federation, round: 0 } },
      });
      return { config: founded.config, initialModel: fromModelRow(initial), foundedAt: founded.foundedAt };
    },
    found: ({ config, initialModel, foundedAt }, event) =>
      database.$transaction(async (transaction) => {
        if (initialModel.round !== 0)
          throw new InvariantError(`the initial model is of round 0, not ${initialModel.round}`);
        await transaction.federation.create({ data: { federation, config, foundedAt } });
        await transaction.modelVersion.create({ data: toModelRow(federation, initialModel) });
        await appendLedgerEntries(transaction, scope, [event]);
      }),
    amend: (config, event) =>
      database.$transaction(async (transaction) => {
        await transaction.federation.update({ where: { federation }, data: { config } });
        await appendLedgerEntries(transaction, scope, [event]);
      }),
  };
}
