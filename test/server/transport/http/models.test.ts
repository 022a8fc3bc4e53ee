import type { FastifyInstance } from 'fastify';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fileBlobStore, blobFile } from '../../../../server/storage/file-blob-store.ts';
import { buildHttpServer } from '../../../../server/transport/http/http-server.ts';
import { asDigest } from '../../../../shared/ids.ts';
import { encodeSafetensors } from '../../../../shared/update-format/safetensors.ts';
import { federation, schema, updateFile } from '../../../support/small-federation.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const token = 'a1'.repeat(32);
const model = encodeSafetensors(schema, Float32Array.from([1, 2, 3, 4, 5, 6]), { round: '3' });

async function served() {
  const folder = join(temporaryFolder(), 'blobs');
  const blobs = fileBlobStore(folder);
  const modelDigest = await blobs.put(model);
  const updateDigest = await blobs.put(updateFile([6, 5, 4, 3, 2, 1]));
  const app = buildHttpServer({
    federation,
    isToken: (found) => found === token,
    isModel: (digest) => Promise.resolve(asDigest(digest) === modelDigest),
    blobFile: (digest) => blobFile(folder, digest),
  });
  onTestFinished(() => app.close());
  return { app, url: `/federations/${federation}/models/${modelDigest}`, modelDigest, updateDigest };
}

const get = (app: FastifyInstance, url: string, headers: Record<string, string> = {}) =>
  app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}`, ...headers } });

describe('a model’s file', () => {
  it('is served whole to whoever holds a token, never to be guessed at or kept where others share', async () => {
    const { app, url, modelDigest } = await served();
    const { statusCode, headers, rawPayload } = await get(app, url);
    expect(statusCode).toBe(200);
    expect(new Uint8Array(rawPayload)).toEqual(model);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${modelDigest}.safetensors"`,
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
    });
  });

  it('is served in parts, so that a download goes on where it stopped', async () => {
    const { app, url } = await served();
    const { statusCode, headers, rawPayload } = await get(app, url, { range: 'bytes=10-19' });
    expect([statusCode, headers['content-range']]).toEqual([206, `bytes 10-19/${model.byteLength}`]);
    expect(new Uint8Array(rawPayload)).toEqual(model.slice(10, 20));
    const rest = await get(app, url, { range: `bytes=${model.byteLength - 4}-` });
    expect(new Uint8Array(rest.rawPayload)).toEqual(model.slice(-4));
    expect((await get(app, url, { range: `bytes=${model.byteLength}-` })).statusCode).toBe(416);
  });

  it('is not sent again to whoever has it', async () => {
    const { app, url } = await served();
    const { headers } = await get(app, url);
    const again = await get(app, url, { 'if-none-match': String(headers.etag) });
    expect([again.statusCode, again.rawPayload.byteLength]).toEqual([304, 0]);
  });

  it.each([
    ['no token', {}],
    ['another token', { authorization: `Bearer ${'b2'.repeat(32)}` }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${token}` }],
    ['a token and more', { authorization: `Bearer ${token} x` }],
  ])('is not served with %s, be it there or not', async (_, headers) => {
    const { app, url } = await served();
    const unknown = `/federations/${federation}/models/${'0'.repeat(64)}`;
    for (const path of [url, unknown]) {
      const response = await app.inject({ method: 'GET', url: path, headers });
      expect(response.statusCode).toBe(401);
      expect(response.json()).toMatchObject({ kind: 'refused', refusal: { code: 'not-enrolled' } });
      expect(response.headers['cache-control']).toBeUndefined();
    }
  });

  it('is looked for in this federation only', async () => {
    const { app, modelDigest } = await served();
    const response = await get(app, `/federations/letters/models/${modelDigest}`);
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ refusal: { code: 'wrong-federation' } });
  });

  it('is the only thing that is served: an update in the same store is not', async () => {
    const { app, updateDigest } = await served();
    for (const name of [updateDigest, '0'.repeat(64), 'A1'.repeat(32), '..%2f..%2fmuster.sqlite', 'x', '%00']) {
      const response = await get(app, `/federations/${federation}/models/${name}`);
      expect(response.statusCode).toBe(404);
      expect(response.json()).toMatchObject({ refusal: { code: 'unknown-model' } });
    }
  });
});

describe('the health check', () => {
  it('asks for no token and tells nothing but that it runs', async () => {
    const { app } = await served();
    const response = await app.inject({ method: 'GET', url: '/health' });
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'ok', federation }]);
  });
});
