// One socket to one coordinator: says hello, looks whose ledger it keeps, and joins at every (re)connection; asks and gets
// typed answers, each within a time limit, and passes on what the coordinator tells. Reconnecting is socket.io's; resuming
// is ours, since the coordinator keeps what matters and not the socket.

import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import type { FederationId } from '../../shared/ids.ts';
import { type ClientToCoordinator, type CoordinatorToClient, TRANSPORT_LIMITS } from '../../shared/protocol/events.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import {
  type Joined,
  joinedSchema,
  refusedSchema,
  tokenSchema,
  welcomeSchema,
} from '../../shared/protocol/messages.ts';
import {
  accepted,
  isRefused,
  type Refusal,
  type Refused,
  refusalCatalogue,
  RefusedError,
  refuse,
} from '../../shared/protocol/refusals.ts';
import { type Clock, MAX_DELAY_MS, systemClock } from '../../shared/ports.ts';
import { PROTOCOL_VERSIONS } from '../../shared/protocol/version.ts';
import { settlement } from '../../shared/settlement.ts';
import { BearerToken, type GrantedToken } from './bearer-token.ts';
import { ConnectionLostError, RefusedForNowError } from './connection-lost-error.ts';
import { type ConnectionOptions, type ConnectionTiming, DEFAULT_TIMING } from './connection-options.ts';

const LONGEST_RETRY_DELAY_MS = 10_000;

type Messages = { [Event in keyof ClientToCoordinator]: Parameters<ClientToCoordinator[Event]>[0] };

export class CoordinatorConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket<CoordinatorToClient, ClientToCoordinator>;
  readonly #timing: ConnectionTiming;
  readonly #clock: Clock;
  /** Origin of the address that we mean to reach. */
  readonly #audience: string;
  #joined: Joined | undefined;
  #bearer: BearerToken | undefined;
  readonly #waiting = new Set<() => void>();
  /** Messages that arrived ahead of our reading the answer to the join: they are about what it says. */
  #early: (() => void)[] = [];
  #cancelReopening: () => void = () => undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#audience = new URL(options.url).origin;
    this.#clock = options.clock ?? systemClock;
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
      this.#forgetJoin();
      // Socket.io comes back by itself from a lost connection, but not from one that the coordinator closed.
      if (reason === 'io server disconnect') this.comeBackIn(this.#timing.reopenDelayMs);
    });
  }

  open(): void {
    this.#socket.connect();
  }

  close(): void {
    this.#cancelReopening();
    this.#forgetJoin();
    this.#socket.disconnect();
  }

  /** Closed until then: nobody asks anything of us meanwhile. */
  comeBackIn(delayMs: number): void {
    this.close();
    this.#cancelReopening = this.#clock.after(Math.min(delayMs, MAX_DELAY_MS), () => this.#socket.connect());
  }

  /** Bearer token of the present join, renewed where it is about to expire. @throws ConnectionLostError without a join. */
  async token(): Promise<string> {
    if (!this.#bearer) throw new ConnectionLostError('not joined');
    return await this.#bearer.current();
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
    return await this.#repeat(act, () => this.whenJoined(signal), signal);
  }

  /** As `insist`, but within the present join alone. @throws ConnectionLostError when that has ended. */
  async insistInThisJoin<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const joined = this.#joined;
    const stillJoined = async (): Promise<void> => {
      signal.throwIfAborted();
      if (!joined || this.#joined !== joined) throw new ConnectionLostError('the join has ended');
      await Promise.resolve();
    };
    return await this.#repeat(act, stillJoined, signal);
  }

  async #repeat<T>(act: () => Promise<T>, ready: () => Promise<void>, signal: AbortSignal): Promise<T> {
    for (let delayMs = this.#timing.retryDelayMs; ; delayMs = Math.min(2 * delayMs, LONGEST_RETRY_DELAY_MS)) {
      await ready();
      try {
        return await act();
      } catch (fault) {
        if (!(fault instanceof ConnectionLostError)) throw fault;
      }
      await this.#pause(delayMs, signal);
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
      this.#enter(joined);
      const welcomed = this.#options.onJoined(joined);
      for (const pass of this.#early.splice(0)) pass();
      await welcomed;
      if (this.#joined === joined) for (const proceed of this.#waiting) proceed();
    } catch (fault) {
      if (this.#socket.id === id) this.#delayed(fault instanceof RefusedForNowError ? fault.refusal : null);
    }
  }

  /** Null: no answer, or none that makes sense. */
  #delayed(refusal: Refusal | null): void {
    this.#options.onDelayed?.(refusal);
    const { approvalDelayMs, reopenDelayMs } = this.#timing;
    this.comeBackIn(refusal?.code === 'awaiting-approval' ? approvalDelayMs : reopenDelayMs);
  }

  #enter(joined: Joined): void {
    const { token, tokenExpiresInMs: expiresInMs } = joined;
    this.#joined = joined;
    this.#bearer = new BearerToken({ token, expiresInMs }, () => this.#renewToken(), this.#clock);
  }

  #forgetJoin(): void {
    this.#joined = undefined;
    this.#bearer?.end();
    this.#bearer = undefined;
  }

  async #renewToken(): Promise<GrantedToken> {
    const { federation } = this.#options;
    return accepted(await this.request('renew-token', { federation }, tokenSchema));
  }

  /** A challenge that was given too long ago is worth asking for another at once, but not for ever. */
  async #greetAndJoin(): Promise<Joined | Refused> {
    try {
      return await this.#greetAndJoinOnce();
    } catch (fault) {
      if (!(fault instanceof RefusedForNowError) || fault.refusal.code !== 'challenge-expired') throw fault;
      return await this.#greetAndJoinOnce();
    }
  }

  async #greetAndJoinOnce(): Promise<Joined | Refused> {
    const { federation, key, name, invite, meet } = this.#options;
    const hello = { federation, protocolVersions: [...PROTOCOL_VERSIONS] };
    const welcome = await this.request('hello', hello, welcomeSchema);
    if (isRefused(welcome)) return welcome;
    const stranger = meet(welcome.ledgerKey);
    if (stranger) return stranger;
    const { challenge, protocolVersion } = welcome;
    const stated = { federation, publicKey: key.publicKey, name, audience: this.#audience };
    const statement = joinTranscript({ ...stated, protocolVersion, challenge });
    const join = { ...stated, invite, signature: await key.sign(statement) };
    const joined = await this.request('join', join, joinedSchema);
    return isRefused(joined) ? joined : ofFederation(federation, joined);
  }

  #refused({ refusal }: Refused): void {
    this.close();
    this.#options.onRefused(new RefusedError(refusal));
  }

  /** Ends early when the signal aborts: whoever waits looks at it next. */
  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = settlement<void>();
    const wake = (): void => resolve();
    const cancel = this.#clock.after(delayMs, wake);
    signal.addEventListener('abort', wake);
    await promise;
    cancel();
    signal.removeEventListener('abort', wake);
  }
}

/** @throws ConnectionLostError where asking again is the remedy. */
function finalOf(event: string, refused: Refused): Refused {
  const { refusal } = refused;
  if (refusalCatalogue[refusal.code].retryable) throw new RefusedForNowError(event, refusal);
  return refused;
}

/** Terms and offer of another federation would be trained on, and paid for, in vain. */
function ofFederation(expected: FederationId, joined: Joined): Joined | Refused {
  const { terms, offer } = joined;
  const found = [terms.federation, offer?.federation ?? expected].find((federation) => federation !== expected);
  return found === undefined ? joined : refuse('wrong-federation', { expected, found });
}
