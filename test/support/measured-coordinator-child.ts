// A coordinator in a process of its own, started with --expose-gc, that answers each message of its parent with the bytes
// it holds after a collection: the JavaScript heap and what lies outside it (buffers), not what the allocator keeps for
// later. argv: the federation file, the data folder. Its first message says where it listens and with what invite.

import { InvariantError } from '../../shared/invariant-error.ts';
import { asOrganisationId } from '../../shared/ids.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { readFederationFile } from '../../server/config.ts';
import { serve } from '../../server/main.ts';

const [, , file = '', dir = ''] = process.argv;
const serving = accepted(
  await serve({
    dir,
    fallback: accepted(await readFederationFile(file)),
    port: 0,
    host: '127.0.0.1',
    publicUrl: null,
    invites: [{ organisation: asOrganisationId('clinic'), quota: 1_000 }],
    log: (line) => process.stdout.write(`${line}\n`),
  }),
);

process.on('message', () => process.send?.({ heldBytes: heldBytes() }));
process.send?.({ port: serving.port, invite: serving.invites[0] });

function heldBytes(): number {
  if (!globalThis.gc) throw new InvariantError('expected --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
