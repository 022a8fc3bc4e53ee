// What a client signs to prove that it holds its key: bound to the federation, the protocol version and a challenge of
// the coordinator's that is good once, so that no other signature of the client's can be replayed as a join.

import { canonicalBytes } from '../canonical-json.ts';

export interface JoinStatement {
  readonly federation: string;
  readonly protocolVersion: number;
  readonly challenge: string;
  readonly publicKey: string;
  readonly name: string;
}

const DOMAIN = 'muster/join/v1';

export function joinTranscript({
  federation,
  protocolVersion,
  challenge,
  publicKey,
  name,
}: JoinStatement): Uint8Array<ArrayBuffer> {
  return canonicalBytes({ domain: DOMAIN, federation, protocolVersion, challenge, publicKey, name });
}
