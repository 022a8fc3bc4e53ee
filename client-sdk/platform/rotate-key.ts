// A client's folder -> the same folder under a fresh key, as after a theft: what was spent and the history held are of
// the data and stay. The old key is kept beside it under its client's name. Statements signed by it are dropped before
// the fresh key is in place, so that none can ever be sent as the new client's.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import type { ClientId } from '../../shared/ids.ts';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { lockClientFolder } from './client-folder-lock.ts';
import { writeDurably } from './durable-file.ts';
import { PrivacyLedger } from '../privacy/privacy-ledger.ts';
import { keptKeyIn, makeKeyIn, nodeClientStore } from './node-client-store.ts';

/** Characters of the old client's id in the name of its key's file. */
const ID_PREFIX = 12;

/**
 * The new client's id. `privacyLedger`: as it was given to `joinFederation`, where it was. It takes the old one's place when it joins with an invite that its admin made for that.
 * @throws RefusedError folder-in-use while a client uses the folder, not-enrolled where it holds no key.
 */
export async function rotateKey(folder: string, privacyLedger = folder): Promise<ClientId> {
  const { release } = accepted(await lockClientFolder(folder));
  try {
    const path = join(folder, 'key');
    const old = await keptKeyIn(path);
    if (old === undefined) throw new RefusedError(noKey(folder).refusal);
    const client = await clientOf(old);
    await writeDurably(`${path}.${client.slice(0, ID_PREFIX)}`, `${old}\n`);
    await rm(join(folder, 'submissions'), { recursive: true, force: true });
    const ledger = await PrivacyLedger.open(await nodeClientStore(folder, privacyLedger), {
      client,
      dataset: null,
      examples: null,
    });
    await ledger.release();
    return await clientOf(await makeKeyIn(path));
  } finally {
    await release();
  }
}

const clientOf = async (seed: string): Promise<ClientId> => (await signingKeyFromSeed(seed)).clientId;

const noKey = (folder: string): ReturnType<typeof refuse> =>
  refuse('not-enrolled', {
    message: 'there is no key to rotate',
    expected: 'the folder of a client',
    found: `${folder} without a key`,
    hint: 'name the folder that the client joins with',
  });
