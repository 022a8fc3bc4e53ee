import { expect, it } from 'vitest';
import { stateSpent } from '../../../client-sdk/participation/state-spent.ts';
import { verifySignature } from '../../../shared/ed25519.ts';
import { spentRoundsSchema, type SpentRounds } from '../../../shared/protocol/messages.ts';
import { refuse } from '../../../shared/protocol/refusals.ts';
import { spentStatementBytes } from '../../../shared/protocol/spent-statement.ts';
import { federation, keyAt } from '../../support/small-federation.ts';

const key = await keyAt(1);

/** What was said, each part answered with a refusal. */
async function said(rounds: readonly number[]): Promise<readonly SpentRounds[]> {
  const heard: SpentRounds[] = [];
  const connection = {
    insistInThisJoin: <T>(act: () => Promise<T>) => act(),
    request: (_event: string, message: object) => {
      heard.push(spentRoundsSchema.parse(message));
      return Promise.resolve(refuse('malformed-message'));
    },
  };
  await stateSpent(rounds, { federation, key, connection }, new AbortController().signal);
  return heard;
}

it('rounds spent are stated in parts that a coordinator reads, each signed, all of them, whatever it makes of them', async () => {
  const rounds = Array.from({ length: 2_300 }, (_, i) => 2 * i + 1);
  const heard = await said(rounds);
  expect(heard.flatMap((each) => each.rounds)).toEqual(rounds);
  expect(heard.map((each) => each.rounds.length)).toEqual([1_000, 1_000, 300]);
  for (const { rounds: stated, signature } of heard) {
    const statement = spentStatementBytes({ federation, client: key.clientId, rounds: stated });
    expect(await verifySignature(key.publicKey, signature, statement)).toBe(true);
  }
});

it('nothing is said where there is nothing to say', async () => {
  expect(await said([])).toEqual([]);
});
