// A connection of the SDK to a fake coordinator, with a fixed key and waits short enough for a test. Closed with the test.

import { onTestFinished } from 'vitest';
import type { ConnectionOptions } from '../../client-sdk/connection/connection-options.ts';
import { CoordinatorConnection } from '../../client-sdk/connection/coordinator-connection.ts';
import { type SigningKey, signingKeyFromSeed } from '../../shared/ed25519.ts';
import type { Joined } from '../../shared/protocol/messages.ts';
import type { Refusal, RefusedError } from '../../shared/protocol/refusals.ts';
import { Arrivals } from './arrivals.ts';
import { type FakeCoordinator, federation } from './fake-coordinator.ts';
import { SHORT } from './sdk-client.ts';

export interface FakeConnection {
  readonly connection: CoordinatorConnection;
  readonly key: SigningKey;
  readonly joins: Arrivals<Joined>;
  readonly refusals: Arrivals<RefusedError>;
  readonly delays: Arrivals<Refusal | null>;
}

export async function openConnection(
  { url }: Pick<FakeCoordinator, 'url'>,
  { timing = {}, ...changes }: Partial<Pick<ConnectionOptions, 'timing' | 'clock' | 'meet'>> = {},
): Promise<FakeConnection> {
  const key = await signingKeyFromSeed('07'.repeat(32));
  const joins = new Arrivals<Joined>();
  const refusals = new Arrivals<RefusedError>();
  const delays = new Arrivals<Refusal | null>();
  const connection = new CoordinatorConnection({
    url,
    federation,
    key,
    name: 'test',
    invite: null,
    onJoined: async (joined) => await Promise.resolve(joins.push(joined)),
    onRefused: (error) => refusals.push(error),
    onDelayed: (refusal) => delays.push(refusal),
    meet: () => undefined,
    timing: { ...SHORT, ...timing },
    ...changes,
  });
  onTestFinished(() => connection.close());
  connection.open();
  return { connection, key, joins, refusals, delays };
}
