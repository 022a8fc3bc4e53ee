// Rounds that are spent here and that the coordinator does not count, as after a backup of its folder was restored, are
// stated to it: the larger of both sides counts there too. What it makes of that changes nothing here.

import type { SigningKey } from '../../shared/ed25519.ts';
import type { FederationId } from '../../shared/ids.ts';
import { notedSchema } from '../../shared/protocol/messages.ts';
import { MAX_SPENT_ROUNDS, spentStatementBytes } from '../../shared/protocol/spent-statement.ts';
import type { CoordinatorConnection } from '../connection/coordinator-connection.ts';

export interface StatingPlace {
  readonly federation: FederationId;
  readonly key: SigningKey;
  readonly connection: Pick<CoordinatorConnection, 'insistInThisJoin' | 'request'>;
}

/** `rounds` ascending. @throws ConnectionLostError where this join ends first, and the signal's reason. */
export async function stateSpent(
  rounds: readonly number[],
  { federation, key, connection }: StatingPlace,
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < rounds.length; from += MAX_SPENT_ROUNDS) {
    const stated = rounds.slice(from, from + MAX_SPENT_ROUNDS);
    const signature = await key.sign(spentStatementBytes({ federation, client: key.clientId, rounds: stated }));
    const spent = { federation, rounds: stated, signature };
    await connection.insistInThisJoin(() => connection.request('spent-rounds', spent, notedSchema), signal);
  }
}
