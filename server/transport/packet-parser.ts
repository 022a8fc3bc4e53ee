// Bytes of a socket -> packets of socket.io, for those packets that a client of ours has any business to send. All else is
// refused on its text, before JSON.parse sees it. A refusal closes its socket: add() throws, socket.io catches.

import { Decoder, Encoder } from 'socket.io-parser';
import { SERVER_LIMITS } from './limits.ts';
import { isNestedDeeper } from './nesting.ts';

/**
 * Socket.IO protocol v5: CONNECT, DISCONNECT, EVENT, and BINARY_EVENT with one attachment; in the namespace `/`, with an
 * acknowledgement id that is an exact integer. The coordinator asks nothing that a client would acknowledge.
 */
const KNOWN_PACKET = /^(?:0(?:\{|$)|1$|(?:2|51-)\d{0,15}\[)/;

export interface PacketParser {
  readonly Encoder: typeof Encoder;
  readonly Decoder: new () => Decoder;
}

/** For the option `parser` of a socket.io server. `onRefused` hears why, in words of ours. */
export function packetParser(onRefused: (reason: string) => void): PacketParser {
  class GuardedDecoder extends Decoder {
    constructor() {
      super({ maxAttachments: 1 });
    }

    /** @throws Error when the packet is refused. */
    override add(chunk: unknown): void {
      const reason = typeof chunk === 'string' ? complaint(chunk) : undefined;
      if (reason === undefined) return this.#decode(chunk);
      onRefused(reason);
      throw new Error(reason);
    }

    #decode(chunk: unknown): void {
      try {
        super.add(chunk);
      } catch (cause) {
        const reason = 'a packet that cannot be decoded';
        onRefused(reason);
        throw new Error(reason, { cause });
      }
    }
  }
  return { Encoder, Decoder: GuardedDecoder };
}

function complaint(text: string): string | undefined {
  const { textLength, jsonDepth } = SERVER_LIMITS;
  if (text.length > textLength) return `a message of more than ${textLength} characters`;
  if (!KNOWN_PACKET.test(text)) return 'a packet that is not a client’s to send';
  if (isNestedDeeper(text, jsonDepth)) return `JSON nested deeper than ${jsonDepth}`;
  // In a string the quotation marks would be escaped.
  const placeholders = text.split('"_placeholder":').length - 1;
  const expected = text.startsWith('5') ? 1 : 0;
  return placeholders === expected ? undefined : 'placeholders that do not match the attachments';
}
