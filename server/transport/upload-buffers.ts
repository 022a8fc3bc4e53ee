// Chunks -> whole updates. One buffer a client, made only for an announced update and of exactly the length that its
// signed statement declares (which integrity has bounded by the model's size), so that memory is bounded by the cohort.
// A buffer outlives its socket: a client that comes back goes on from the offset it is told.

import type { ClientId } from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { AnnouncedUpdate, ReceivedUpdate } from '../update/stages.ts';

interface Buffer {
  readonly announced: AnnouncedUpdate;
  readonly bytes: Uint8Array<ArrayBuffer>;
  received: number;
}

export interface Arrived {
  readonly kind: 'arrived';
  /** All bytes before this offset are here. */
  readonly offset: number;
}

export class UploadBuffers {
  readonly #buffers = new Map<ClientId, Buffer>();

  /** The offset to send from: 0, or more when this very update was interrupted. */
  open(announced: AnnouncedUpdate): number {
    const { client, envelope } = announced;
    const known = this.#buffers.get(client.id);
    if (known && isSameUpdate(known.announced.envelope, envelope)) return known.received;
    this.#buffers.set(client.id, { announced, bytes: new Uint8Array(envelope.byteLength), received: 0 });
    return 0;
  }

  /** A chunk that does not start where the last one ended is not taken; the offset says where to go on. */
  append(client: ClientId, chunk: { round: number; offset: number; bytes: Uint8Array }): Arrived | Refused {
    const buffer = this.#buffers.get(client);
    if (!buffer || buffer.announced.envelope.round !== chunk.round) return notAnnounced();
    if (chunk.offset !== buffer.received) return { kind: 'arrived', offset: buffer.received };
    const end = buffer.received + chunk.bytes.byteLength;
    if (end > buffer.bytes.byteLength) {
      return refuse('bad-length', { expected: `${buffer.bytes.byteLength} bytes in all`, found: `${end} or more` });
    }
    buffer.bytes.set(chunk.bytes, buffer.received);
    buffer.received = end;
    return { kind: 'arrived', offset: end };
  }

  /** Hands over what has arrived, whole or not, and forgets it. */
  take(client: ClientId, round: number): ReceivedUpdate | Refused {
    const buffer = this.#buffers.get(client);
    if (!buffer || buffer.announced.envelope.round !== round) return notAnnounced();
    this.#buffers.delete(client);
    const { announced, bytes, received } = buffer;
    return { kind: 'received', announced, bytes: received === bytes.byteLength ? bytes : bytes.slice(0, received) };
  }

  /** The round is over: what had not arrived is dropped. */
  clear(): void {
    this.#buffers.clear();
  }
}

const isSameUpdate = (a: Envelope, b: Envelope): boolean =>
  a.round === b.round && a.updateDigest === b.updateDigest && a.byteLength === b.byteLength;

const notAnnounced = (): Refused =>
  refuse('malformed-message', {
    expected: 'upload-begin first',
    hint: 'begin the upload again: it goes on where it stopped',
  });
