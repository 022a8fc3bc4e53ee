// Sockets in and out: hands every message to the socket's session through its schema and sends the answer back. What
// does not fit is refused by name and recorded; a handler that throws is a fault of ours, which closes that socket only.

import type { Server as HttpServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import type { ClientId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import { type ClientToCoordinator, type CoordinatorToClient, TRANSPORT_LIMITS } from '../../shared/protocol/events.ts';
import { ClientSession } from './client-session.ts';
import type { Doors } from './doors.ts';
import { type Answer, answerMessage } from './answer-message.ts';
import { TokenBucket } from './token-bucket.ts';
import { UploadBuffers } from './upload-buffers.ts';

export interface GatewayOptions {
  readonly http: HttpServer;
  readonly doors: Doors;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

type ClientSocket = Socket<ClientToCoordinator, CoordinatorToClient>;

const MESSAGE_RATE = { burst: 60, perSecond: 20 };
const MAX_SOCKETS_PER_ADDRESS = 1_000;

export class SocketGateway {
  readonly #io: Server<ClientToCoordinator, CoordinatorToClient>;
  readonly #options: GatewayOptions;
  readonly #uploads = new UploadBuffers();
  readonly #joined = new Map<ClientId, { readonly socket: ClientSocket; readonly token: string }>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#io = new Server(options.http, {
      transports: ['websocket'],
      serveClient: false,
      connectTimeout: TRANSPORT_LIMITS.connectTimeoutMs,
      maxHttpBufferSize: TRANSPORT_LIMITS.maxMessageBytes,
      allowRequest: (request, decide) => decide(null, this.#hasRoomFor(request.socket.remoteAddress)),
    });
    this.#io.on('connection', (socket) => this.#accept(socket));
  }

  /** Clients that have joined and are still connected. */
  get connected(): readonly ClientId[] {
    return [...this.#joined.keys()];
  }

  /** Whether a bearer token belongs to a connected client. */
  isToken(token: string): boolean {
    return [...this.#joined.values()].some((client) => client.token === token);
  }

  /** Nothing happens when the client is not connected: it learns the same when it joins again. */
  send<Event extends keyof CoordinatorToClient>(
    client: ClientId,
    event: Event,
    ...message: Parameters<CoordinatorToClient[Event]>
  ): void {
    this.#joined.get(client)?.socket.emit(event, ...message);
  }

  /** The round is over: updates that had not arrived whole are dropped. */
  dropUploads(): void {
    this.#uploads.clear();
  }

  async close(): Promise<void> {
    await this.#io.close();
  }

  #hasRoomFor(address: string | undefined): boolean {
    const sockets = [...this.#io.sockets.sockets.values()];
    return sockets.filter((socket) => socket.handshake.address === address).length < MAX_SOCKETS_PER_ADDRESS;
  }

  #accept(socket: ClientSocket): void {
    const { clock, doors } = this.#options;
    const session = new ClientSession(doors, this.#uploads);
    const bucket = new TokenBucket(MESSAGE_RATE, clock.now().getTime());
    socket.onAny((event: string, ...args: readonly unknown[]) => {
      this.#respond({ socket, session, bucket }, event, args).catch((fault: unknown) => {
        this.#options.log(`fault while answering ${event}: ${String(fault)}`);
        socket.disconnect(true);
      });
    });
    socket.on('disconnect', () => this.#left(socket, session));
  }

  async #respond(
    { socket, session, bucket }: { socket: ClientSocket; session: ClientSession; bucket: TokenBucket },
    event: string,
    args: readonly unknown[],
  ): Promise<void> {
    const now = this.#options.clock.now();
    const answer = args.at(-1);
    const reply = await answerMessage({ event, input: args[0], session, bucket, now });
    if (reply.kind === 'joined') this.#enter(socket, session);
    if (isAnswer(answer)) answer(reply);
  }

  /** One socket a client: whoever joins again from elsewhere takes over, having signed a fresh challenge. */
  #enter(socket: ClientSocket, session: ClientSession): void {
    // Gone while it was being admitted: it has left before it entered.
    if (!session.client || !socket.connected) return;
    const before = this.#joined.get(session.client.id);
    this.#joined.set(session.client.id, { socket, token: session.token });
    if (before && before.socket !== socket) before.socket.disconnect(true);
    this.#options.doors.populationChanged();
  }

  #left(socket: ClientSocket, session: ClientSession): void {
    if (!session.client || this.#joined.get(session.client.id)?.socket !== socket) return;
    this.#joined.delete(session.client.id);
    this.#options.doors.populationChanged();
  }
}

const isAnswer = (value: unknown): value is (reply: Answer) => void => typeof value === 'function';
