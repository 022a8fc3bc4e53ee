import { describe, expect, it } from 'vitest';
import { makeSubmission } from '../../../client-sdk/submission/make-submission.ts';
import { sendSubmission } from '../../../client-sdk/submission/send-submission.ts';
import type { Submission } from '../../../client-sdk/participation/client-store.ts';
import type { CoordinatorConnection } from '../../../client-sdk/connection/coordinator-connection.ts';
import { refuse } from '../../../shared/protocol/refusals.ts';
import { seededRandomSource } from '../../../shared/random-source.ts';
import { parameterCount } from '../../../shared/update-format/tensor-schema.ts';
import { CHUNK, FakeCoordinator, fakeTerms as terms } from '../../support/fake-coordinator.ts';
import { openConnection } from '../../support/fake-connection.ts';

const WINDOW = CHUNK.chunkBytes * CHUNK.chunksInFlight;

interface Ready {
  readonly coordinator: FakeCoordinator;
  readonly connection: CoordinatorConnection;
  readonly submission: Submission;
}

async function ready(): Promise<Ready> {
  const coordinator = await FakeCoordinator.start();
  const { connection, key, joins } = await openConnection(coordinator);
  await joins.next();
  const random = seededRandomSource(1);
  const update = Float32Array.from({ length: parameterCount(terms.tensors) }, () => random.uniform());
  const [offer, checkpoint] = [coordinator.offerOf(1), coordinator.ledger.head()];
  const submission = await makeSubmission(update, { offer, terms, key, checkpoint });
  return { coordinator, connection, submission };
}

const never = new AbortController().signal;
const bytesSent = ({ chunks }: FakeCoordinator): number => chunks.all.reduce((sum, { bytes }) => sum + bytes.length, 0);
const receiptOf = ({ envelope }: Submission) => ({ kind: 'receipt', round: 1, updateDigest: envelope.updateDigest });

describe('sendSubmission', () => {
  it('sends every byte once, in chunks of the coordinator’s size, and resolves with the receipt', async () => {
    const { coordinator, connection, submission } = await ready();
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(bytesSent(coordinator)).toBe(submission.bytes.length);
    expect(Math.max(...coordinator.chunks.all.map(({ bytes }) => bytes.length))).toBe(CHUNK.chunkBytes);
    expect(coordinator.begins.all).toHaveLength(1);
    expect(coordinator.ends.all).toHaveLength(1);
  });

  it('never has more chunks on the way than the coordinator allows', async () => {
    const { coordinator, connection, submission } = await ready();
    let [inFlight, most] = [0, 0];
    coordinator.always('upload-chunk', async (honest) => {
      most = Math.max(most, ++inFlight);
      await new Promise(setImmediate);
      inFlight--;
      return await honest();
    });
    await sendSubmission(submission, connection, never);
    expect(most).toBe(CHUNK.chunksInFlight);
  });

  it('goes on after a broken connection from the offset it is told: at most one window is sent again', async () => {
    const { coordinator, connection, submission } = await ready();
    for (let i = 0; i < 6; i++) coordinator.once('upload-chunk', async (honest) => await honest());
    coordinator.once('upload-chunk', () => coordinator.breakConnections());
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(coordinator.begins.all).toHaveLength(2);
    const again = bytesSent(coordinator) - submission.bytes.length;
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(WINDOW);
  });

  it('asks again when an answer never comes, under the same statement', async () => {
    const { coordinator, connection, submission } = await ready();
    for (const event of ['upload-begin', 'upload-chunk', 'upload-end']) coordinator.once(event, () => undefined);
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(coordinator.begins.all).toHaveLength(4);
    expect(new Set(coordinator.begins.all.map(({ signature }) => signature)).size).toBe(1);
  });

  it.each([
    ['upload-begin', 'garbage'],
    ['upload-begin', { kind: 'send-from', offset: -1 }],
    ['upload-chunk', null],
    ['upload-chunk', { kind: 'chunk-received', offset: 'all of it' }],
    ['upload-end', { kind: 'receipt' }],
    ['upload-end', refuse('rate-limited')],
  ])('takes no answer to %s for one that is %j', async (event, garbage) => {
    const { coordinator, connection, submission } = await ready();
    coordinator.once(event, () => garbage);
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(coordinator.begins.all).toHaveLength(2);
  });

  it('begins again where the coordinator takes no byte of a window', async () => {
    const { coordinator, connection, submission } = await ready();
    for (let i = 0; i < CHUNK.chunksInFlight; i++) {
      coordinator.once('upload-chunk', () => ({ kind: 'chunk-received', offset: 0 }));
    }
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(bytesSent(coordinator)).toBe(submission.bytes.length + WINDOW);
    expect(coordinator.begins.all).toHaveLength(2);
  });

  it('sends no byte of an update that is staged already', async () => {
    const { coordinator, connection, submission } = await ready();
    coordinator.once('upload-end', async (honest) => {
      await honest();
      coordinator.breakConnections();
    });
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(coordinator.begins.all).toHaveLength(2);
    expect(bytesSent(coordinator)).toBe(submission.bytes.length);
  });

  it.each(['upload-begin', 'upload-chunk', 'upload-end'])('ends with the refusal of %s', async (event) => {
    const { coordinator, connection, submission } = await ready();
    const refusal = refuse('round-closed', { found: 'round 1' });
    coordinator.once(event, () => refusal);
    expect(await sendSubmission(submission, connection, never)).toEqual(refusal);
    expect(coordinator.begins.all).toHaveLength(1);
  });

  it('sends the same bytes again from the beginning when they did not arrive as they were sent', async () => {
    const { coordinator, connection, submission } = await ready();
    coordinator.once('upload-end', async (honest) => {
      coordinator.spoilUpload();
      return await honest();
    });
    expect(await sendSubmission(submission, connection, never)).toMatchObject(receiptOf(submission));
    expect(bytesSent(coordinator)).toBe(2 * submission.bytes.length);
    expect(new Set(coordinator.begins.all.map(({ signature }) => signature)).size).toBe(1);
    expect([coordinator.begins.all.length, coordinator.ends.all.length]).toEqual([2, 2]);
  });

  it('stops between two windows when the round is over', async () => {
    const { coordinator, connection, submission } = await ready();
    const over = new AbortController();
    for (let i = 1; i < CHUNK.chunksInFlight; i++) coordinator.once('upload-chunk', async (honest) => await honest());
    coordinator.once('upload-chunk', async (honest) => {
      over.abort(new Error('the round is over'));
      return await honest();
    });
    await expect(sendSubmission(submission, connection, over.signal)).rejects.toThrow('the round is over');
    expect(bytesSent(coordinator)).toBe(WINDOW);
  });

  it('does not ask for a receipt when the round ended with the last window', async () => {
    const { coordinator, connection, submission } = await ready();
    const over = new AbortController();
    coordinator.always('upload-chunk', async (honest) => {
      const reply = await honest();
      if (bytesSent(coordinator) === submission.bytes.length) over.abort(new Error('the round is over'));
      return reply;
    });
    await expect(sendSubmission(submission, connection, over.signal)).rejects.toThrow('the round is over');
    expect(coordinator.ends.all).toEqual([]);
  });
});
