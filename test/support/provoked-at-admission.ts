// What is refused to whoever wants to join, on real stores, and to whoever wants an admin's act done, over HTTP.

import { onTestFinished } from 'vitest';
import { admitClient } from '../../server/admission/join.ts';
import { buildHttpServer } from '../../server/transport/http/http-server.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import { AdmissionWorld, type Asking } from './admission-world.ts';
import { type Provocation, type Told, toldByStage, toldOverHttp } from './provocation.ts';
import { federation } from './small-federation.ts';

const token = 'ad'.repeat(32);
const CHALLENGE_EXPIRES_MS = 60_000;

/** A key with an invite that is refused all the same. */
const joining =
  (asking: Asking, admission: Parameters<typeof AdmissionWorld.open>[0] = {}): Provocation =>
  async () => {
    const world = await AdmissionWorld.open(admission);
    return toldByStage(await world.ask({ ...asking, invite: await world.invite() }));
  };

/** A client that an admin has turned against comes back. */
const afterAct = (act: 'ban' | 'revoke'): Provocation => {
  return async () => {
    const world = await AdmissionWorld.open();
    const { id: client } = await world.enrolled();
    await world.admin[act]({ client, reason: null });
    return toldByStage(await world.ask());
  };
};

async function post(world: AdmissionWorld, act: string, { input = {}, bearer = token }): Promise<Told> {
  const app = buildHttpServer({
    federation,
    isToken: () => false,
    isModel: () => Promise.resolve(false),
    blobFile: String,
    admin: { token, administration: world.admin },
  });
  onTestFinished(() => app.close());
  const headers = { authorization: `Bearer ${bearer}` };
  const { statusCode, body } = await app.inject({ method: 'POST', url: `/admin/${act}`, payload: input, headers });
  return toldOverHttp({ status: statusCode, body: JSON.parse(body) });
}

const asked =
  (act: string, request: Parameters<typeof post>[2]): Provocation =>
  async () =>
    await post(await AdmissionWorld.open(), act, request);

export const atAdmission = {
  banned: afterAct('ban'),
  revoked: afterAct('revoke'),
  'awaiting-approval': joining({}, { approval: true }),
  'bad-name': joining({ name: 'ward\u202e7' }),
  'look-alike-name': async () => {
    const world = await AdmissionWorld.open({ lookAlikeNames: 'refuse' });
    await world.enrolled({ name: 'Citadelle' });
    return toldByStage(await world.ask({ index: 2, name: 'Citadel1e', invite: await world.invite() }));
  },
  'wrong-audience': joining({ audience: 'https://elsewhere.example.org' }),
  'challenge-expired': async () => {
    const world = await AdmissionWorld.open();
    const request = await world.request();
    const now = new Date(request.challengedAt.getTime() + CHALLENGE_EXPIRES_MS);
    return toldByStage(await admitClient({ ...request, now }, world.place));
  },
  'not-admin': asked('clients', { bearer: 'ae'.repeat(32) }),
  'unknown-client': asked('ban', { input: { client: 'abcdef', reason: null } }),
  'unknown-invite': asked('revoke-invite', { input: { invite: 'abcdef' } }),
  'not-applicable': async () => {
    const world = await AdmissionWorld.open();
    const { id: client } = await world.enrolled();
    return await post(world, 'unban', { input: { client, reason: null } });
  },
} as const satisfies Partial<Record<RefusalCode, Provocation>>;
