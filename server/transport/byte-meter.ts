// Counts bytes where they arrive, at the sockets of the HTTP server, so that a round's figure holds everything that was
// sent to us: frames, headers, retries and what was refused.

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class ByteMeter {
  readonly #open = new Set<Socket>();
  #closedBytes = 0;

  watch(server: Server): void {
    server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#closedBytes += socket.bytesRead;
      });
    });
  }

  /** Since the server started. */
  bytesRead(): number {
    let open = 0;
    for (const socket of this.#open) open += socket.bytesRead;
    return this.#closedBytes + open;
  }
}
