// All stores of one federation: the ports that the rooms declare, over one database.

import type { EnrolmentStore } from '../admission/enrolment-store.ts';
import type { LedgerStore } from '../ledger/ledger-store.ts';
import type { FederationStore, ModelStore } from '../model/model-store.ts';
import type { ChargeStore, ReleaseLog } from '../privacy/charge-store.ts';
import type { RoundStore } from '../round/round-store.ts';
import type { UpdateStore } from '../update/staging/update-store.ts';
import type { FederationScope } from './federation-scope.ts';
import { prismaCharges, prismaReleases } from './prisma-charges.ts';
import { prismaEnrolment } from './prisma-enrolment.ts';
import { prismaFederation } from './prisma-federation.ts';
import { prismaLedger } from './prisma-ledger.ts';
import { prismaModels } from './prisma-models.ts';
import { prismaRounds } from './prisma-rounds.ts';
import { prismaUpdates } from './prisma-updates.ts';

export interface FederationStores {
  readonly federation: FederationStore;
  readonly enrolment: EnrolmentStore;
  readonly updates: UpdateStore;
  readonly rounds: RoundStore;
  readonly models: ModelStore;
  readonly charges: ChargeStore;
  readonly releases: ReleaseLog;
  readonly ledger: LedgerStore;
}

export function prismaStores(scope: FederationScope): FederationStores {
  return {
    federation: prismaFederation(scope),
    enrolment: prismaEnrolment(scope),
    updates: prismaUpdates(scope),
    rounds: prismaRounds(scope),
    models: prismaModels(scope),
    charges: prismaCharges(scope),
    releases: prismaReleases(scope),
    ledger: prismaLedger(scope),
  };
}
