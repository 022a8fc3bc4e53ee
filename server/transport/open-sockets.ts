// Every socket that has asked for the websocket protocol, to its end. Until it joins it is a stranger: few of these are
// let in, an address and in all, each sends little and has little time. Works on the socket beneath the protocols, so
// that it holds whatever a stranger leaves unfinished: handshake, frame, packet or join.

import type { Socket } from 'node:net';
import type { Clock } from '../../shared/ports.ts';
import { addressBlock } from './address-block.ts';
import { SERVER_LIMITS } from './limits.ts';

/** Why a socket is turned away at its upgrade, and the HTTP status that says so. */
export interface NoRoom {
  readonly httpStatus: 429 | 503;
  readonly reason: string;
}

export interface OpenSocketsOptions {
  readonly clock: Clock;
  /** A stranger is being closed, and why. */
  readonly onClosed: (reason: string) => void;
}

interface Stranger {
  readonly address: string;
  /** Its messages that are being answered. */
  answering: number;
  isLate: boolean;
  /** Ends its bounds. */
  readonly release: () => void;
}

const { joinDeadlineMs, bytesBeforeJoin, readsBeforeJoin } = SERVER_LIMITS;

export class OpenSockets {
  readonly #options: OpenSocketsOptions;
  readonly #strangers = new Map<Socket, Stranger>();
  readonly #strangersOf = new Map<string, number>();
  readonly #joined = new Set<Socket>();

  constructor(options: OpenSocketsOptions) {
    this.#options = options;
  }

  /** Lets a socket in as a stranger, for which there has to be room. */
  enter(socket: Socket): NoRoom | undefined {
    const address = addressBlock(socket.remoteAddress);
    const noRoom = this.#noRoomFor(address);
    if (noRoom) return noRoom;
    this.#strangers.set(socket, { address, answering: 0, isLate: false, release: this.#bound(socket) });
    this.#strangersOf.set(address, this.#strangersAt(address) + 1);
    socket.once('close', () => {
      this.#release(socket);
      this.#joined.delete(socket);
    });
    return undefined;
  }

  /** A stranger is not closed for being late while `answer` is awaited: that time is ours, not its own. */
  async whileAnswering<T>(socket: Socket, answer: () => Promise<T>): Promise<T> {
    const stranger = this.#strangers.get(socket);
    if (!stranger) return await answer();
    stranger.answering += 1;
    try {
      return await answer();
    } finally {
      stranger.answering -= 1;
      this.#closeIfLate(socket);
    }
  }

  /** No stranger any more: nothing bounds its bytes and its time here. */
  joined(socket: Socket): void {
    if (this.#release(socket)) this.#joined.add(socket);
  }

  closeStrangers(): void {
    for (const socket of this.#strangers.keys()) socket.destroy();
  }

  #noRoomFor(address: string): NoRoom | undefined {
    const { strangers, strangersPerAddress, joined } = SERVER_LIMITS;
    if (this.#strangersAt(address) >= strangersPerAddress)
      return { httpStatus: 429, reason: `${strangersPerAddress} sockets of its address have yet to join` };
    if (this.#strangers.size >= strangers) return { httpStatus: 503, reason: `${strangers} sockets have yet to join` };
    if (this.#joined.size >= joined) return { httpStatus: 503, reason: `${joined} sockets have joined` };
    return undefined;
  }

  #strangersAt(address: string): number {
    return this.#strangersOf.get(address) ?? 0;
  }

  /** Closes the socket when it sends too much or takes too long; what is returned puts an end to that. */
  #bound(socket: Socket): () => void {
    let [bytes, reads] = [0, 0];
    const count = (chunk: Uint8Array): void => {
      bytes += chunk.byteLength;
      reads += 1;
      if (bytes > bytesBeforeJoin || reads > readsBeforeJoin)
        this.#close(socket, `more than ${bytesBeforeJoin} bytes or ${readsBeforeJoin} reads without a join`);
    };
    socket.on('data', count);
    const cancel = this.#options.clock.after(joinDeadlineMs, () => {
      const stranger = this.#strangers.get(socket);
      if (stranger) stranger.isLate = true;
      this.#closeIfLate(socket);
    });
    return () => {
      cancel();
      socket.off('data', count);
    };
  }

  #closeIfLate(socket: Socket): void {
    const stranger = this.#strangers.get(socket);
    if (stranger?.isLate && stranger.answering === 0) this.#close(socket, `no join within ${joinDeadlineMs} ms`);
  }

  #close(socket: Socket, reason: string): void {
    this.#options.onClosed(reason);
    socket.destroy();
  }

  /** True where it was a stranger until this moment. */
  #release(socket: Socket): boolean {
    const stranger = this.#strangers.get(socket);
    if (!stranger) return false;
    stranger.release();
    this.#strangers.delete(socket);
    const left = this.#strangersAt(stranger.address) - 1;
    if (left === 0) this.#strangersOf.delete(stranger.address);
    else this.#strangersOf.set(stranger.address, left);
    return true;
  }
}
