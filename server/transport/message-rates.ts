// Who may ask, and how often: each socket, each client over all the sockets it joins with, and each address for what
// strangers ask. A client counts from its join on only, since before that anybody can name its key.

import type { ClientId } from '../../shared/ids.ts';
import { SERVER_LIMITS } from './limits.ts';
import { SharedBuckets } from './shared-buckets.ts';
import { TokenBucket } from './token-bucket.ts';

export interface Asking {
  readonly event: string;
  /** Who has joined on the socket. */
  readonly client: ClientId | undefined;
  readonly nowMs: number;
}

/** What one socket is held to. */
export interface SocketRate {
  /** False when the message has to be turned away unread. */
  allows(asking: Asking): boolean;
}

export class MessageRates {
  readonly #addresses = new SharedBuckets<string>(SERVER_LIMITS.greetings);
  readonly #clients = new SharedBuckets<ClientId>(SERVER_LIMITS.messages);
  readonly #statements = new SharedBuckets<ClientId>(SERVER_LIMITS.statements);

  /** Whether one more socket of that address may be opened. `address`: as addressBlock gives it. */
  allowsSocket(address: string, nowMs: number): boolean {
    return this.#addresses.take(address, nowMs);
  }

  ofSocket(address: string, openedAtMs: number): SocketRate {
    const socket = new TokenBucket(SERVER_LIMITS.messages, openedAtMs);
    return {
      allows: ({ event, client, nowMs }) => {
        // A joined client's chunks come as fast as they are acknowledged; anybody else's are messages like all others.
        if (event === 'upload-chunk' && client !== undefined) return true;
        if (!socket.take(nowMs)) return false;
        if (client !== undefined && !this.#clients.take(client, nowMs)) return false;
        if (client !== undefined && event === 'spent-rounds') return this.#statements.take(client, nowMs);
        return !isGreeting(event) || this.#addresses.take(address, nowMs);
      },
    };
  }
}

const isGreeting = (event: string): boolean => event === 'hello' || event === 'join';
