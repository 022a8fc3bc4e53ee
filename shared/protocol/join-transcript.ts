// What a client signs to prove that it holds its key: bound to the federation, the protocol version, the address that it
// means to reach and a challenge that is good once and for half a minute, so that no other signature of the client's can
// be replayed as a join, and nobody in between can pass a join on to another coordinator.

import { canonicalBytes } from '../canonical-json.ts';

export interface JoinStatement {
  readonly federation: string;
  readonly protocolVersion: number;
  readonly challenge: string;
  /** Origin of the address that the client connects to, such as https://fl.example.org. */
  readonly audience: string;
  readonly publicKey: string;
  readonly name: string;
}

const DOMAIN = 'muster/join/v1';

export function joinTranscript({
  federation,
  protocolVersion,
  challenge,
  audience,
  publicKey,
  name,
}: JoinStatement): Uint8Array<ArrayBuffer> {
  return canonicalBytes({ domain: DOMAIN, federation, protocolVersion, challenge, audience, publicKey, name });
}
