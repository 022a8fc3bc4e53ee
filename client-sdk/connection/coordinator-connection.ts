// One socket to one coordinator: says hello and joins at every (re)connection, asks and gets typed answers, each within
// a time limit, and passes on what the coordinator tells. Reconnecting is socket.io's; resuming is ours, since the
// coordinator keeps what matters and not the socket.

import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import type { SigningKey } from '../../shared/ed25519.ts';
import type { FederationId } from '../../shared/ids.ts';
import { type ClientToCoordinator, type CoordinatorToClient, TRANSPORT_LIMITS } from '../../shared/protocol/events.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import { type Joined, joinedSchema, refusedSchema, welcomeSchema } from '../../shared/protocol/messages.ts';
import { isRefused, type Refused, RefusedError } from '../../shared/protocol/refusals.ts';
import { PROTOCOL_VERSIONS } from '../../shared/protocol/version.ts';

/** No answer: the socket closed or the time limit passed. Whoever asked may ask again once joined. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

export interface ConnectionOptions {
  readonly url: string;
  readonly federation: FederationId;
  readonly key: SigningKey;
  readonly name: string;
  readonly invite: string | null;
  /** After every join, the first and those after a lost connection. */
  readonly onJoined: (joined: Joined) => void;
  /** The coordinator will not have us: nothing is tried again. */
  readonly onRefused: (error: RefusedError) => void;
}

const RETRY_DELAY_MS = 200;

type Messages = { [Event in keyof ClientToCoordinator]: Parameters<ClientToCoordinator[Event]>[0] };

export class CoordinatorConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket<CoordinatorToClient, ClientToCoordinator>;
  #joined: Joined | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = io(options.url, {
      transports: ['websocket'],
      timeout: TRANSPORT_LIMITS.connectTimeoutMs,
      reconnectionDelay: 200,
      reconnectionDelayMax: 5_000,
      forceNew: true,
      autoConnect: false,
    });
    this.#socket.on('connect', () => void this.#join());
    this.#socket.on('disconnect', () => (this.#joined = undefined));
  }

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    this.#joined = undefined;
    this.#socket.disconnect();
  }

  /** Bearer token of the present join. @throws ConnectionLostError when there is none. */
  get token(): string {
    if (!this.#joined) throw new ConnectionLostError('not joined');
    return this.#joined.token;
  }

  get limits(): Joined['limits'] {
    return this.#joined?.limits ?? TRANSPORT_LIMITS;
  }

  /** Calls `act` with each message of that event that fits its schema and is of our federation; no other is for us. */
  on<Schema extends z.ZodType<{ federation: FederationId }>>(
    event: keyof CoordinatorToClient,
    schema: Schema,
    act: (message: z.output<Schema>) => void,
  ): void {
    this.#socket.on(event, (input: unknown) => {
      const message = schema.safeParse(input);
      if (message.success && message.data.federation === this.#options.federation) act(message.data);
    });
  }

  /** Resolves at once when joined, else after the next join. @throws the signal's reason. */
  async whenJoined(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#joined) return;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  /** Runs `act` once joined, and again after every lost connection. @throws the signal's reason and any other fault. */
  async insist<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      await this.whenJoined(signal);
      try {
        return await act();
      } catch (fault) {
        if (!(fault instanceof ConnectionLostError)) throw fault;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }

  /** @throws ConnectionLostError when no answer comes, or one that is neither a refusal nor fits the schema. */
  async request<Event extends keyof ClientToCoordinator, Schema extends z.ZodType>(
    event: Event,
    message: Messages[Event],
    answer: Schema,
  ): Promise<z.output<Schema> | Refused> {
    const reply = await this.#ask(event, message);
    const refused = refusedSchema.safeParse(reply);
    if (refused.success) return refused.data;
    const parsed = answer.safeParse(reply);
    if (!parsed.success) throw new ConnectionLostError(`the answer to ${event} does not fit protocol version 1`);
    return parsed.data;
  }

  /** Asked only over an open socket: what socket.io buffers would arrive ahead of the next join. */
  async #ask(event: keyof ClientToCoordinator, message: object): Promise<unknown> {
    if (!this.#socket.connected) throw new ConnectionLostError(`not connected, ${event} was not sent`);
    const asking: { emitWithAck(event: string, message: object): Promise<unknown> } = this.#socket.timeout(
      TRANSPORT_LIMITS.answerTimeoutMs,
    );
    try {
      return await asking.emitWithAck(event, message);
    } catch (cause) {
      throw new ConnectionLostError(`no answer to ${event}`, { cause });
    }
  }

  async #join(): Promise<void> {
    try {
      const joined = await this.#greetAndJoin();
      if (isRefused(joined)) return this.#refused(joined);
      this.#joined = joined;
      this.#options.onJoined(joined);
      for (const proceed of this.#waiting.splice(0)) proceed();
    } catch {
      // The connection was lost half-way, or the coordinator is too busy to answer: socket.io tries again.
      this.#socket.disconnect().connect();
    }
  }

  async #greetAndJoin(): Promise<Joined | Refused> {
    const { federation, key, name, invite } = this.#options;
    const hello = { federation, protocolVersions: [...PROTOCOL_VERSIONS] };
    const welcome = await this.request('hello', hello, welcomeSchema);
    if (isRefused(welcome)) return welcome;
    const { challenge, protocolVersion } = welcome;
    const { publicKey } = key;
    const statement = joinTranscript({ federation, protocolVersion, challenge, publicKey, name });
    const join = { federation, publicKey, name, invite, signature: await key.sign(statement) };
    return await this.request('join', join, joinedSchema);
  }

  #refused({ refusal }: Refused): void {
    this.close();
    this.#options.onRefused(new RefusedError(refusal));
  }
}
