// The federation itself in the database: written once with its initial model, its configuration amended later.

import { InvariantError } from '../../shared/invariant-error.ts';
import type { FederationStore } from '../model/model-store.ts';
import type { FederationScope } from './federation-scope.ts';
import { fromModelRow, toModelRow } from './prisma-models.ts';
import { told } from './write-batch.ts';

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
      scope.write(async (transaction) => {
        if (initialModel.round !== 0)
          throw new InvariantError(`the initial model is of round 0, not ${initialModel.round}`);
        await transaction.federation.create({ data: { federation, config, foundedAt } });
        await transaction.modelVersion.create({ data: toModelRow(federation, initialModel) });
        return told(undefined, [event]);
      }),
    amend: (config, event) =>
      scope.write(async (transaction) => {
        await transaction.federation.update({ where: { federation }, data: { config } });
        return told(undefined, [event]);
      }),
  };
}
