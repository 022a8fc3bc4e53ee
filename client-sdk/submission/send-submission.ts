// Sends one submission to its receipt: begin, acknowledged chunks with a few in flight, end. Whatever the connection
// does in between, it begins again and goes on from the offset it is told; it ends with a receipt, a refusal, or when
// the signal says that the round is over.

import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import {
  chunkReceivedSchema,
  receiptSchema,
  type ReceiptMessage,
  sendFromSchema,
} from '../../shared/protocol/messages.ts';
import { ConnectionLostError } from '../connection/connection-lost-error.ts';
import type { CoordinatorConnection } from '../connection/coordinator-connection.ts';
import type { Submission } from '../participation/client-store.ts';

const BEGIN_ANSWER = sendFromSchema.or(receiptSchema);

export async function sendSubmission(
  submission: Submission,
  connection: CoordinatorConnection,
  signal: AbortSignal,
): Promise<ReceiptMessage | Refused> {
  return await connection.insist(() => sendOnce(submission, connection, signal), signal);
}

async function sendOnce(
  { envelope, signature, bytes }: Submission,
  connection: CoordinatorConnection,
  signal: AbortSignal,
): Promise<ReceiptMessage | Refused> {
  const at = { federation: envelope.federation, round: envelope.round };
  const begun = await connection.request('upload-begin', { ...at, envelope, signature }, BEGIN_ANSWER);
  if (isRefused(begun) || begun.kind === 'receipt') return begun;
  const sent = await sendChunks({ ...at, bytes, from: begun.offset }, connection, signal);
  if (isRefused(sent)) return sent;
  signal.throwIfAborted();
  return await connection.request('upload-end', at, receiptSchema);
}

interface Chunks {
  readonly federation: Submission['envelope']['federation'];
  readonly round: number;
  readonly bytes: Uint8Array;
  /** Offset of the first byte that the coordinator does not have. */
  readonly from: number;
}

interface AllSent {
  readonly kind: 'all-sent';
}

async function sendChunks(
  { federation, round, bytes, from }: Chunks,
  connection: CoordinatorConnection,
  signal: AbortSignal,
): Promise<AllSent | Refused> {
  const { chunkBytes, chunksInFlight } = connection.limits;
  for (let offset = from; offset < bytes.length;) {
    signal.throwIfAborted();
    const window = Math.min(bytes.length, offset + chunkBytes * chunksInFlight);
    const starts = Array.from({ length: Math.ceil((window - offset) / chunkBytes) }, (_, i) => offset + i * chunkBytes);
    const answers = await Promise.all(
      starts.map((start) => {
        const chunk = { federation, round, offset: start, bytes: bytes.subarray(start, start + chunkBytes) };
        return connection.request('upload-chunk', chunk, chunkReceivedSchema);
      }),
    );
    const refused = answers.find(isRefused);
    if (refused) return refused;
    const arrived = Math.max(...answers.map((answer) => (isRefused(answer) ? 0 : answer.offset)));
    if (arrived <= offset) throw new ConnectionLostError(`no byte after ${offset} was taken`);
    offset = arrived;
  }
  return { kind: 'all-sent' };
}
