import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { receivePlainly } from '../../bench/admission-baseline.ts';
import { openReceivingWorld } from '../../bench/admission-world.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { asFederationId } from '../../shared/ids.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const tensors = [{ name: 'kernel', shape: [2, 3] }];
const values = Float32Array.of(0.1, -0.2, 0.3, 0, 0.5, 0.6);

describe('the two sides of the admission bench', () => {
  it.each([false, true])(
    'receive the same bytes durably, ours with the whole record: private %s',
    async (isPrivate) => {
      const dir = temporaryFolder();
      const plain = join(dir, 'plain');
      mkdirSync(plain);
      const world = await openReceivingWorld({ dir: join(dir, 'ours'), tensors, isPrivate });
      const sending = await world.prepare(values);
      await world.receive(sending);
      await receivePlainly(sending, plain);
      await world.close();
      const { updateDigest, client } = sending.envelope;
      expect(Uint8Array.from(readFileSync(join(plain, updateDigest)))).toEqual(sending.bytes);
      const folder = accepted(await readDataFolder(join(dir, 'ours')));
      const stores = folder.storeOf(asFederationId('admission'));
      expect(await stores.updates.find({ round: 1, client })).toMatchObject({ state: 'staged', digest: updateDigest });
      expect(await folder.blobs.get(updateDigest)).toEqual(sending.bytes);
      expect(await stores.charges.charges()).toHaveLength(isPrivate ? 1 : 0);
      await folder.close();
    },
  );

  it('receive nothing that does not verify', async () => {
    const dir = temporaryFolder();
    const world = await openReceivingWorld({ dir: join(dir, 'ours'), tensors, isPrivate: true });
    const sending = await world.prepare(values);
    const altered = { ...sending, bytes: sending.bytes.map((byte, i) => (i === 90 ? byte ^ 1 : byte)) };
    await expect(world.receive(altered)).rejects.toThrow('not those the envelope names');
    await expect(receivePlainly(altered, dir)).rejects.toThrow('verify');
    await world.close();
  });
});
