// What receiving an update durably costs at least: its signature and its digest checked, its bytes written under a
// temporary name, synced, renamed, and the folder synced. Nothing is recorded and nothing else is looked at.

import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../shared/digest.ts';
import { verifySignature } from '../shared/ed25519.ts';
import { InvariantError } from '../shared/invariant-error.ts';
import { envelopeBytes } from '../shared/protocol/envelope.ts';
import type { Sending } from './admission-world.ts';

export async function receivePlainly({ client, envelope, signature, bytes }: Sending, folder: string): Promise<void> {
  const signed = await verifySignature(client.publicKey, signature, envelopeBytes(envelope));
  const digest = await sha256(bytes);
  if (!signed || digest !== envelope.updateDigest) throw new InvariantError('a sending that does not verify');
  const temporary = join(folder, `${randomUUID()}.tmp`);
  const file = await open(temporary, 'wx', 0o600);
  await file.writeFile(bytes);
  await file.sync();
  await file.close();
  await rename(temporary, join(folder, digest));
  const directory = await open(folder, 'r');
  await directory.sync();
  await directory.close();
}
