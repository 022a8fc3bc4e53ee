import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ConnectionLostError } from '../../../client-sdk/connection/connection-lost-error.ts';
import { downloadModel, type ModelSource } from '../../../client-sdk/connection/download-model.ts';
import { RefusedError } from '../../../shared/protocol/refusals.ts';
import { encodeSafetensors, maxSafetensorsBytes } from '../../../shared/update-format/safetensors.ts';
import { FakeCoordinator, fakeTerms, federation } from '../../support/fake-coordinator.ts';
import { openConnection } from '../../support/fake-connection.ts';

const { tensors: schema } = fakeTerms;
const never = new AbortController().signal;

interface Ready {
  readonly coordinator: FakeCoordinator;
  readonly source: ModelSource;
}

async function ready(): Promise<Ready> {
  const coordinator = await FakeCoordinator.start();
  const { joins } = await openConnection(coordinator);
  const { token } = await joins.next();
  return { coordinator, source: { url: coordinator.url, federation, token, schema } };
}

/** What a download of `digest` ends in when `answer` is what is served. */
async function fault(answer: (response: ServerResponse) => void, { coordinator, source }: Ready): Promise<unknown> {
  coordinator.download = answer;
  return await downloadModel(coordinator.modelDigest, source, never).catch((cause: unknown) => cause);
}

const codeOf = (error: unknown): string | null => (error instanceof RefusedError ? error.refusal.code : null);

describe('downloadModel', () => {
  it('gives the values of the model in canonical order', async () => {
    const { coordinator, source } = await ready();
    const values = await downloadModel(coordinator.modelDigest, source, never);
    expect([values.length, values[0], values[1999]]).toEqual([2_000, 0, 1999 / 16]);
  });

  it('refuses other bytes than those of the digest, well-formed or not', async () => {
    const world = await ready();
    const other = encodeSafetensors(schema, new Float32Array(2_000));
    expect(codeOf(await fault((response) => response.end(other), world))).toBe('bad-digest');
    expect(codeOf(await fault((response) => response.end('nothing of the kind'), world))).toBe('bad-digest');
    expect(codeOf(await fault((response) => response.end(), world))).toBe('bad-digest');
  });

  it('refuses bytes of that digest that are no model of the schema', async () => {
    const { coordinator, source } = await ready();
    const wrong = { ...source, schema: [{ name: 'kernel', shape: [50, 40] }] };
    await expect(downloadModel(coordinator.modelDigest, wrong, never)).rejects.toThrow(RefusedError);
  });

  it.each(['declared', 'undeclared'])('stops taking bytes that no model of the schema can need, %s', async (how) => {
    const world = await ready();
    const tooMany = maxSafetensorsBytes(schema) + 1;
    let closed: Promise<unknown> = Promise.resolve();
    const served = await fault((response) => {
      closed = new Promise((resolve) => response.once('close', resolve));
      response.writeHead(200, how === 'declared' ? { 'content-length': 2 ** 31 } : {});
      response.write(new Uint8Array(tooMany));
    }, world);
    expect(codeOf(served)).toBe('too-large');
    await closed;
  });

  it.each([401, 404, 503])('may be asked again after status %i', async (status) => {
    expect(await fault((response) => response.writeHead(status).end(), await ready())).toBeInstanceOf(
      ConnectionLostError,
    );
  });

  it('may be asked again when the answer breaks off, or none is there', async () => {
    const world = await ready();
    const broken = await fault((response) => {
      response.writeHead(200, { 'content-length': 8_000 });
      response.write('half of it', () => response.destroy());
    }, world);
    expect(broken).toBeInstanceOf(ConnectionLostError);
    await world.coordinator.stop();
    expect(await fault(() => undefined, world)).toBeInstanceOf(ConnectionLostError);
  });

  it('may be asked again when the answer takes too long: that is no reason to give up the federation', async () => {
    const { coordinator, source } = await ready();
    const world = { coordinator, source: { ...source, timeoutMs: 50 } };
    const silent = await fault((response) => response.writeHead(200).flushHeaders(), world);
    expect(silent).toBeInstanceOf(ConnectionLostError);
    expect(await fault(() => undefined, world)).toBeInstanceOf(ConnectionLostError);
  });

  it('ends with the reason of the signal', async () => {
    const { coordinator, source } = await ready();
    const over = new AbortController();
    coordinator.download = () => over.abort(new Error('the round is over'));
    await expect(downloadModel(coordinator.modelDigest, source, over.signal)).rejects.toThrow('the round is over');
  });
});
