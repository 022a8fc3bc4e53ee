import { networkInterfaces } from 'node:os';
import type { InjectOptions } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildHttpServer } from '../../../../server/transport/http/http-server.ts';
import { asDigest } from '../../../../shared/ids.ts';
import { type Refused, refusalCatalogue, refuse } from '../../../../shared/protocol/refusals.ts';
import { federation } from '../../../support/small-federation.ts';

const token = 'ad'.repeat(32);
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

interface Performed {
  readonly act: string;
  readonly input: unknown;
}

function served(outcome: () => Promise<object | Refused> = () => Promise.resolve({ done: true })) {
  const performed: Performed[] = [];
  const perform = (act: string, input: unknown) => {
    performed.push({ act, input });
    return outcome();
  };
  const app = buildHttpServer({
    federation,
    isToken: () => true,
    isModel: () => Promise.resolve(false),
    blobFile: (digest) => asDigest(digest),
    admin: { token, administration: { perform } },
  });
  onTestFinished(() => app.close());
  const post = (act: string, { headers = {}, ...changes }: InjectOptions = {}) =>
    app.inject({
      method: 'POST',
      url: `/admin/${act}`,
      payload: { client: 'abcdef' },
      ...changes,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  return { app, post, performed };
}

describe('an admin’s act over HTTP', () => {
  it('is performed for whoever has the token, and its result comes back', async () => {
    const { post, performed } = served();
    const { statusCode, headers, body } = await post('ban');
    expect([statusCode, JSON.parse(body)]).toEqual([200, { done: true }]);
    expect(headers).toMatchObject({ 'content-type': expect.stringContaining('application/json') });
    expect(headers['cache-control']).toBe('no-store');
    expect(performed).toEqual([{ act: 'ban', input: { client: 'abcdef' } }]);
  });

  it.each(['unknown-client', 'not-applicable', 'malformed-message'] as const)(
    'that is refused as %s comes back with the status of the catalogue',
    async (code) => {
      const refused = refuse(code, { found: 'x', hint: 'y' });
      const { statusCode, body } = await served(() => Promise.resolve(refused)).post('ban');
      expect([statusCode, JSON.parse(body)]).toEqual([refusalCatalogue[code].httpStatus, refused]);
    },
  );

  it.each<[string, InjectOptions]>([
    ['no token', { headers: { authorization: '' } }],
    ['another token', { headers: { authorization: `Bearer ${'ae'.repeat(32)}` } }],
    ['a part of the token', { headers: { authorization: `Bearer ${token.slice(2)}` } }],
    ['the token twice', { headers: { authorization: `Bearer ${token}${token}` } }],
    ['the token in another form', { headers: { authorization: `Basic ${token}` } }],
    ['the token from another machine', { remoteAddress: '192.0.2.7' }],
    ['the token from another machine, over IPv6', { remoteAddress: '2001:db8::7' }],
    ['the token through a proxy', { headers: { 'x-forwarded-for': '127.0.0.1' } }],
    ['the token through a proxy of the standard', { headers: { forwarded: 'for=127.0.0.1' } }],
    ['the token through a proxy that names itself', { headers: { via: '1.1 proxy' } }],
  ])('is refused with %s, before its body is read', async (_, changes) => {
    const { post, performed } = served();
    const headers = { 'content-type': 'application/json', ...changes.headers };
    const { statusCode, body } = await post('ban', { ...changes, headers, payload: 'no JSON' });
    expect(statusCode).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ kind: 'refused', refusal: { code: 'not-admin' } });
    expect(body).not.toContain(token);
    expect(performed).toEqual([]);
  });

  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])('is performed from %s', async (remoteAddress) => {
    expect((await served().post('ban', { remoteAddress })).statusCode).toBe(200);
  });

  it.skipIf(ownAddress === undefined)('is performed from the address that the machine has in its network', async () => {
    const { app, performed } = served();
    const { port } = new URL(await app.listen({ port: 0, host: '0.0.0.0' }));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const url = `http://${ownAddress}:${port}/admin/clients`;
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(200);
    expect(performed).toEqual([{ act: 'clients', input: {} }]);
  });

  it.each<[string, InjectOptions]>([
    ['no JSON', { headers: { 'content-type': 'application/json' }, payload: '{' }],
    ['another type', { headers: { 'content-type': 'text/xml' }, payload: '<ban/>' }],
    ['more than an act can need', { payload: { client: 'a'.repeat(1 << 20) } }],
  ])('with %s is malformed', async (_, changes) => {
    const { post, performed } = served();
    const { statusCode, body } = await post('ban', changes);
    expect([statusCode, JSON.parse(body)]).toMatchObject([400, { refusal: { code: 'malformed-message' } }]);
    expect(performed).toEqual([]);
  });

  it('that fails for a fault of ours is no refusal', async () => {
    const { statusCode, body } = await served(() => Promise.reject(new Error('the disk is full'))).post('ban');
    expect(statusCode).toBe(500);
    expect(body).not.toContain('refused');
  });

  it('is only ever posted', async () => {
    const { app, performed } = served();
    const headers = { authorization: `Bearer ${token}` };
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      expect((await app.inject({ method, url: '/admin/clients', headers })).statusCode).toBe(404);
    expect(performed).toEqual([]);
  });

  it('is not there where no admin is', async () => {
    const without = { federation, isToken: () => true, isModel: () => Promise.resolve(false), blobFile: String };
    const app = buildHttpServer(without);
    onTestFinished(() => app.close());
    expect((await app.inject({ method: 'POST', url: '/admin/clients', payload: {} })).statusCode).toBe(404);
  });
});
