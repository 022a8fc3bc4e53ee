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
import { isRefused, type Refused, refusalCatalogue, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { PROTOCOL_VERSIONS } from '../../shared/protocol/version.ts';
import { settlement } from '../../shared/settlement.ts';

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
  /** After every join, the first and those after a lost connection. Whoever waits for the join goes on after it. */
  readonly onJoined: (joined: Joined) => Promise<void>;
  /** The coordinator will not have us: nothing is tried again. */
  readonly onRefused: (error: RefusedError) => void;
  readonly timing?: Partial<ConnectionTiming>;
}

export interface ConnectionTiming {
  /** How long to wait for one answer. Default 20,000. */
  readonly answerTimeoutMs: number;
  /** Wait before asking again for the first time, doubled at each further time up to ten seconds. Default 200. */
  readonly retryDelayMs: number;
  /** Wait before connecting anew after a join that failed, or when the coordinator closed the socket. Default 1,000. */
  readonly reopenDelayMs: number;
}

const DEFAULT_TIMING: ConnectionTiming = {
  answerTimeoutMs: TRANSPORT_LIMITS.answerTimeoutMs,
  retryDelayMs: 200,
  reopenDelayMs: 1_000,
};
const LONGEST_RETRY_DELAY_MS = 10_000;

type Messages = { [Event in keyof ClientToCoordinator]: Parameters<ClientToCoordinator[Event]>[0] };

export class CoordinatorConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket<CoordinatorToClient, ClientToCoordinator>;
  readonly #timing: ConnectionTiming;
  #joined: Joined | undefined;
  readonly #waiting = new Set<() => void>();
  /** Messages that arrived ahead of our reading the answer to the join: they are about what it says. */
  #early: (() => void)[] = [];
  #reopening: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#socket = io(options.url, {
      transports: ['websocket'],
      timeout: TRANSPORT_LIMITS.connectTimeoutMs,
      reconnectionDelay: 200,
      reconnectionDelayMax: 5_000,
      forceNew: true,
      autoConnect: false,
    });
    this.#socket.on('connect', () => void this.#join());
    this.#socket.on('disconnect', (reason) => {
      this.#joined = undefined;
      // Socket.io comes back by itself from a lost connection, but not from one that the coordinator closed.
      if (reason === 'io server disconnect') this.#reopenLater();
    });
  }

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    clearTimeout(this.#reopening);
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
    act: (message: z.output<Schema>) => unknown,
  ): void {
    this.#socket.on(event, (input: unknown) => {
      const message = schema.safeParse(input);
      if (!message.success || message.data.federation !== this.#options.federation) return;
      if (this.#joined) act(message.data);
      else this.#early.push(() => act(message.data));
    });
  }

  /** Resolves at once when joined, else after the next join. @throws the signal's reason. */
  async whenJoined(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#joined) return;
    const { promise, resolve, reject } = settlement<void>();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort);
    this.#waiting.add(resolve);
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(resolve);
    }
  }

  /** Runs `act` once joined, and again after every lost connection. @throws the signal's reason and any other fault. */
  async insist<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let delayMs = this.#timing.retryDelayMs; ; delayMs = Math.min(2 * delayMs, LONGEST_RETRY_DELAY_MS)) {
      await this.whenJoined(signal);
      try {
        return await act();
      } catch (fault) {
        if (!(fault instanceof ConnectionLostError)) throw fault;
      }
      await pause(delayMs, signal);
    }
  }

  /** @throws ConnectionLostError when no answer comes, none that fits the schema, or a refusal that is retryable. */
  async request<Event extends keyof ClientToCoordinator, Schema extends z.ZodType>(
    event: Event,
    message: Messages[Event],
    answer: Schema,
  ): Promise<z.output<Schema> | Refused> {
    const reply = await this.#ask(event, message);
    const refused = refusedSchema.safeParse(reply);
    if (refused.success) return finalOf(event, refused.data);
    const parsed = answer.safeParse(reply);
    if (!parsed.success) throw new ConnectionLostError(`the answer to ${event} does not fit protocol version 1`);
    return parsed.data;
  }

  /** Asked only over an open socket: what socket.io buffers would arrive ahead of the next join. */
  async #ask(event: keyof ClientToCoordinator, message: object): Promise<unknown> {
    if (!this.#socket.connected) throw new ConnectionLostError(`not connected, ${event} was not sent`);
    const asking: { emitWithAck(event: string, message: object): Promise<unknown> } = this.#socket.timeout(
      this.#timing.answerTimeoutMs,
    );
    try {
      return await asking.emitWithAck(event, message);
    } catch (cause) {
      throw new ConnectionLostError(`no answer to ${event}`, { cause });
    }
  }

  async #join(): Promise<void> {
    const { id } = this.#socket;
    this.#early = [];
    try {
      const joined = await this.#greetAndJoin();
      // The socket has been closed since, by either side: its next connection joins anew.
      if (this.#socket.id !== id) return;
      if (isRefused(joined)) return this.#refused(joined);
      this.#joined = joined;
      const welcomed = this.#options.onJoined(joined);
      for (const pass of this.#early.splice(0)) pass();
      await welcomed;
      if (this.#joined === joined) for (const proceed of this.#waiting) proceed();
    } catch {
      // No answer, or none that makes sense.
      if (this.#socket.id === id) this.#reopenLater();
    }
  }

  #reopenLater(): void {
    this.#socket.disconnect();
    clearTimeout(this.#reopening);
    this.#reopening = setTimeout(() => this.#socket.connect(), this.#timing.reopenDelayMs);
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
    const joined = await this.request('join', join, joinedSchema);
    return isRefused(joined) ? joined : ofFederation(federation, joined);
  }

  #refused({ refusal }: Refused): void {
    this.close();
    this.#options.onRefused(new RefusedError(refusal));
  }
}

/** @throws ConnectionLostError where asking again is the remedy. */
function finalOf(event: string, refused: Refused): Refused {
  const { code } = refused.refusal;
  if (refusalCatalogue[code].retryable) throw new ConnectionLostError(`${event} was refused for now: ${code}`);
  return refused;
}

/** Terms and offer of another federation would be trained on, and paid for, in vain. */
function ofFederation(expected: FederationId, joined: Joined): Joined | Refused {
  const { terms, offer } = joined;
  const found = [terms.federation, offer?.federation ?? expected].find((federation) => federation !== expected);
  return found === undefined ? joined : refuse('wrong-federation', { expected, found });
}

/** Ends early when the signal aborts: whoever waits looks at it next. */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = settlement<void>();
  const wake = (): void => resolve();
  const timer = setTimeout(wake, delayMs);
  signal.addEventListener('abort', wake);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
}
