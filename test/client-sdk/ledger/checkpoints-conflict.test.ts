import { expect, it } from 'vitest';
import { checkpointsConflict } from '../../../client-sdk/ledger/checkpoints-conflict.ts';
import { asDigest } from '../../../shared/ids.ts';
import { RefusedError } from '../../../shared/protocol/refusals.ts';
import { FakeLedger } from '../../support/fake-ledger.ts';

const model = asDigest('ab'.repeat(32));

async function twoTales(): Promise<{
  told: FakeLedger;
  retold: FakeLedger;
  ledger: { federation: string; ledgerKey: string };
}> {
  const told = await FakeLedger.found(model);
  await told.append({ type: 'verdict', round: 1 });
  const retold = await told.fork(1);
  return { told, retold, ledger: { federation: 'study', ledgerKey: told.publicKey } };
}

it('finds a fork that was shown to two clients when they meet, without the coordinator', async () => {
  const { told, retold, ledger } = await twoTales();
  expect(await checkpointsConflict(told.note, retold.note, ledger)).toBe(true);
});

it('finds none in one note, nor between two sizes, which only a proof can settle', async () => {
  const { told, retold, ledger } = await twoTales();
  expect(await checkpointsConflict(told.note, told.note, ledger)).toBe(false);
  expect(await checkpointsConflict(told.noteAt(1), retold.note, ledger)).toBe(false);
});

it('takes no accusation that the ledger’s key has not signed, on either side', async () => {
  const { told, retold, ledger } = await twoTales();
  const forged = (await FakeLedger.found(asDigest('cd'.repeat(32)), '2e'.repeat(32))).note;
  for (const [one, other] of [
    [told.noteAt(1), forged],
    [forged, told.noteAt(1)],
    [told.note, retold.note.replace('\n2\n', '\n3\n')],
  ]) {
    await expect(checkpointsConflict(one ?? '', other ?? '', ledger)).rejects.toMatchObject({
      refusal: { code: 'bad-checkpoint' },
    });
  }
  for (const wrong of [{ federation: 'other-study' }, { federation: 'No Name' }, { ledgerKey: 'ee'.repeat(32) }]) {
    await expect(checkpointsConflict(told.note, retold.note, { ...ledger, ...wrong })).rejects.toThrow(RefusedError);
  }
});
