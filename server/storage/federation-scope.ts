// What every store of one federation is made from.

import type { FederationId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import type { PrismaClient } from './generated/client.ts';

export interface FederationScope {
  readonly database: PrismaClient;
  readonly federation: FederationId;
  readonly clock: Clock;
}
