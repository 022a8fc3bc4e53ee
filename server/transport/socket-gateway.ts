// Sockets in and out: hands every message to the socket's session through its schema and sends the answer back. What
// does not fit is refused by name and recorded; a handler that throws is a fault of ours, which closes that socket only.
// What is no message at all, or comes from too many, is turned away beneath it (open-sockets.ts, packet-parser.ts).

import { type Server as HttpServer, STATUS_CODES } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import { Server, type Socket } from 'socket.io';
import type { ClientId } from '../../shared/ids.ts';
import type { Clock } from '../../shared/ports.ts';
import { type ClientToCoordinator, type CoordinatorToClient, TRANSPORT_LIMITS } from '../../shared/protocol/events.ts';
import { addressBlock } from './address-block.ts';
import { type Answer, answerMessage } from './answer-message.ts';
import { withBoundedFragments } from './bounded-fragments.ts';
import { ClientSession } from './client-session.ts';
import type { Doors } from './doors.ts';
import { SERVER_LIMITS } from './limits.ts';
import { MessageRates, type SocketRate } from './message-rates.ts';
import { type NoRoom, OpenSockets } from './open-sockets.ts';
import { packetParser } from './packet-parser.ts';
import { TurnedAwayCount } from './turned-away-count.ts';
import { UploadBuffers, type UploadLimits } from './upload-buffers.ts';

export interface GatewayOptions {
  readonly http: HttpServer;
  readonly doors: Doors;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly uploadLimits?: UploadLimits;
}

type ClientSocket = Socket<ClientToCoordinator, CoordinatorToClient>;

/** One socket with what is known of it. */
interface Line {
  readonly socket: ClientSocket;
  readonly session: ClientSession;
  readonly rate: SocketRate;
}

export class SocketGateway {
  readonly #io: Server<ClientToCoordinator, CoordinatorToClient>;
  readonly #options: GatewayOptions;
  readonly #uploads: UploadBuffers;
  readonly #rates = new MessageRates();
  readonly #turnedAway: TurnedAwayCount;
  readonly #open: OpenSockets;
  readonly #joined = new Map<ClientId, { readonly socket: ClientSocket; readonly session: ClientSession }>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#uploads = new UploadBuffers(options.uploadLimits);
    this.#turnedAway = new TurnedAwayCount(options.log);
    const onClosed = (reason: string): void => this.#turnedAway.note(reason);
    this.#open = new OpenSockets({ clock: options.clock, onClosed });
    // Ahead of socket.io's own listener, which drops a socket that has been answered and ended here.
    options.http.on('upgrade', (request) => this.#enterSocket(request.socket));
    this.#io = new Server(options.http, {
      transports: ['websocket'],
      serveClient: false,
      connectTimeout: TRANSPORT_LIMITS.connectTimeoutMs,
      maxHttpBufferSize: TRANSPORT_LIMITS.maxMessageBytes,
      parser: packetParser((reason) => this.#turnedAway.note(reason)),
    });
    const { engine } = this.#io;
    engine.opts.wsEngine = withBoundedFragments(engine.opts.wsEngine, SERVER_LIMITS.fragmentsPerMessage);
    // A websocket that is closed waits up to 30 s for the other side to agree, which a hostile one never does.
    engine.on('connection', (connection: ClientSocket['conn']) => {
      connection.once('close', () => connection.request.socket.destroySoon());
    });
    this.#io.on('connection', (socket) => this.#accept(socket));
  }

  /** Clients that have joined and are still connected. */
  get connected(): readonly ClientId[] {
    return [...this.#joined.keys()];
  }

  /** Whether a bearer token belongs to a connected client. */
  isToken(token: string, now: Date): boolean {
    return [...this.#joined.values()].some(({ session }) => session.holdsToken(token, now));
  }

  /** An admin has barred the client: its socket is closed. */
  bar(client: ClientId): void {
    this.#joined.get(client)?.socket.disconnect(true);
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
    this.#open.closeStrangers();
    await this.#io.close();
  }

  #enterSocket(socket: NetSocket): void {
    const { clock } = this.#options;
    const isAllowed = this.#rates.allowsSocket(addressBlock(socket.remoteAddress), clock.now().getTime());
    const noRoom = isAllowed ? this.#open.enter(socket) : TOO_OFTEN;
    if (!noRoom) return;
    this.#turnedAway.note(noRoom.reason);
    refuseUpgrade(socket, noRoom);
  }

  #accept(socket: ClientSocket): void {
    const { clock, doors, log } = this.#options;
    const session = new ClientSession(doors, this.#uploads);
    const rate = this.#rates.ofSocket(addressBlock(socket.handshake.address), clock.now().getTime());
    socket.onAny((event: string, ...args: readonly unknown[]) => {
      this.#respond({ socket, session, rate }, event, args).catch((fault: unknown) => {
        log(`fault while answering ${event}: ${String(fault)}`);
        socket.disconnect(true);
      });
    });
    socket.on('disconnect', () => this.#left(socket, session));
  }

  async #respond({ socket, session, rate }: Line, event: string, args: readonly unknown[]): Promise<void> {
    const now = this.#options.clock.now();
    const answer = args.at(-1);
    await this.#open.whileAnswering(socket.request.socket, async () => {
      const reply = await answerMessage({ event, input: args[0], session, rate, now });
      if (reply.kind === 'joined') this.#enter(socket, session);
      if (isAnswer(answer)) answer(reply);
    });
  }

  /** One socket a client: whoever joins again from elsewhere takes over, having signed a fresh challenge. */
  #enter(socket: ClientSocket, session: ClientSession): void {
    // Gone while it was being admitted: it has left before it entered.
    if (!session.client || !socket.connected) return;
    this.#open.joined(socket.request.socket);
    const before = this.#joined.get(session.client.id);
    this.#joined.set(session.client.id, { socket, session });
    if (before && before.socket !== socket) before.socket.disconnect(true);
    this.#options.doors.populationChanged();
    this.#leaveUnlessActive(socket, session.client.id).catch((fault: unknown) => this.#options.log(String(fault)));
  }

  /** Barred while its join was being answered: there was no socket to close then. */
  async #leaveUnlessActive(socket: ClientSocket, client: ClientId): Promise<void> {
    if (!(await this.#options.doors.isActive(client))) socket.disconnect(true);
  }

  #left(socket: ClientSocket, session: ClientSession): void {
    if (!session.client || this.#joined.get(session.client.id)?.socket !== socket) return;
    this.#joined.delete(session.client.id);
    this.#options.doors.populationChanged();
  }
}

const isAnswer = (value: unknown): value is (reply: Answer) => void => typeof value === 'function';

const TOO_OFTEN: NoRoom = { httpStatus: 429, reason: 'its address opens sockets too often' };

/** Says why in the status and closes; the client SDK tries again by itself. */
function refuseUpgrade(socket: NetSocket, { httpStatus }: NoRoom): void {
  socket.on('error', () => undefined);
  socket.write(
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
  socket.destroySoon();
}
