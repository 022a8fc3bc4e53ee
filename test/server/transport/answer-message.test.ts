import { describe, expect, it } from 'vitest';
import { answerMessage } from '../../../server/transport/answer-message.ts';
import { ClientSession } from '../../../server/transport/client-session.ts';
import type { Asking, SocketRate } from '../../../server/transport/message-rates.ts';
import { UploadBuffers } from '../../../server/transport/upload-buffers.ts';
import { clientIdOf } from '../../../shared/ed25519.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import { NotedDoors } from '../../support/noted-doors.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { announcedBy, federation, threeMembers, updateFile } from '../../support/small-federation.ts';

const now = new Date('2026-03-01T12:00:00.000Z');

function socket(burst = 100) {
  const doors = new NotedDoors();
  const session = new ClientSession(doors, new UploadBuffers());
  let left = burst;
  const asked: Asking[] = [];
  const rate: SocketRate = {
    allows(asking) {
      asked.push(asking);
      return --left >= 0;
    },
  };
  const ask = (event: string, input: unknown) => answerMessage({ event, input, session, rate, now });
  return { doors, ask, asked };
}

const hello = { federation, protocolVersions: [1] };
const inRound = { federation, round: 1 };
const [anna] = await threeMembers();
const { envelope, signature } = await announcedBy(anna, updateFile([1, 2, 3, 4, 5, 6]));
const beginning = { ...inRound, envelope, signature };
const chunk = { ...inRound, offset: 0, bytes: new Uint8Array(4) };

describe('a message', () => {
  it('reaches its act when it fits its schema', async () => {
    expect((await socket().ask('hello', hello)).kind).toBe('welcome');
    expect((await socket().ask('decline', { ...inRound, code: 'replayed' })).kind).toBe('noted');
    expect(codeOf(await socket().ask('upload-chunk', chunk))).toBe('not-enrolled');
    expect(codeOf(await socket().ask('upload-end', inRound))).toBe('not-enrolled');
  });

  it.each([
    ['hello', undefined],
    ['hello', null],
    ['hello', 'hello'],
    ['hello', [hello]],
    ['hello', () => undefined],
    ['hello', { ...hello, protocolVersions: [] }],
    ['hello', { ...hello, protocolVersions: Array.from({ length: 33 }, () => 1) }],
    ['hello', { ...hello, protocolVersions: [1.5] }],
    ['hello', { ...hello, federation: 'Digits!' }],
    ['hello', { ...hello, more: 1 }],
    ['hello', JSON.parse(`{"federation":"${federation}","protocolVersions":[1],"__proto__":{"polluted":true}}`)],
    ['join', { federation, publicKey: 'ab', name: 'x', invite: null, signature: '' }],
    ['upload-begin', { ...inRound, envelope: {}, signature: '00'.repeat(64) }],
    ['upload-chunk', { ...chunk, offset: -1 }],
    ['upload-chunk', { ...chunk, offset: NaN }],
    ['upload-chunk', { ...chunk, bytes: 'AAAA' }],
    ['upload-chunk', { ...chunk, bytes: [1, 2] }],
    ['upload-chunk', { ...chunk, round: 0 }],
    ['upload-chunk', { ...chunk, round: 2 ** 53 }],
    ['upload-end', { federation }],
    ['decline', { ...inRound, code: 'deadline-missed' }],
  ])('of %s that does not fit its schema is turned away by name and recorded: %j', async (event, input) => {
    const { doors, ask } = socket();
    const answer = await ask(event, input);
    expect(codeOf(answer)).toBe('malformed-message');
    expect(doors.turnedAwayAs).toEqual([{ code: 'malformed-message', client: null }]);
  });

  it.each(['', 'toString', '__proto__', 'constructor', 'round-offered', 'Hello'])(
    'of an event %j that the protocol does not know is turned away and recorded',
    async (event) => {
      const { doors, ask } = socket();
      expect(await ask(event, hello)).toMatchObject({
        refusal: { code: 'malformed-message', found: 'an unknown event' },
      });
      expect(doors.turnedAwayAs).toHaveLength(1);
    },
  );

  it('is told which field does not fit, never what stood in it', async () => {
    const secret = 'f'.repeat(63);
    const answer = await socket().ask('join', {
      federation,
      publicKey: secret,
      name: secret,
      invite: secret.repeat(9),
      signature: secret,
    });
    if (!isRefused(answer)) throw new Error('accepted');
    expect(answer.refusal.found).toBe('at "publicKey"');
    expect(JSON.stringify(answer)).not.toContain(secret);
  });

  it('does not repeat the names of the sender’s own fields, which could fill a record', async () => {
    const answer = await socket().ask('hello', { ...hello, ['x'.repeat(5_000)]: 1 });
    expect(answer).toMatchObject({
      refusal: { code: 'malformed-message', expected: 'no other field', found: 'at ""' },
    });
  });
});

describe('the rate of messages', () => {
  it('is limited, known event or not, and what is beyond it is not even read', async () => {
    const { doors, ask } = socket(2);
    const kinds = [];
    for (const event of ['hello', 'nonsense', 'hello', 'nonsense']) kinds.push(codeOf(await ask(event, hello)));
    expect(kinds).toEqual(['welcome', 'malformed-message', 'rate-limited', 'rate-limited']);
    expect(doors.turnedAwayAs).toHaveLength(1);
  });

  it('depends on what is asked, when, and who has joined', async () => {
    const { ask, asked } = socket();
    const publicKey = '1a'.repeat(32);
    const join = { federation, publicKey, name: 'ward', audience: '', invite: null, signature: '00'.repeat(64) };
    await ask('hello', hello);
    expect((await ask('join', join)).kind).toBe('joined');
    await ask('upload-chunk', chunk);
    const client = await clientIdOf(publicKey);
    const nowMs = now.getTime();
    expect(asked).toEqual([
      { event: 'hello', client: undefined, nowMs },
      { event: 'join', client: undefined, nowMs },
      { event: 'upload-chunk', client, nowMs },
    ]);
  });
});

const withKey = (message: object, key: string): object =>
  Object.defineProperty({ ...message }, key, { value: { polluted: true }, enumerable: true });

describe.each(['__proto__', 'constructor', 'prototype'])('a field named %s', (key) => {
  // As JSON.parse would make it: a property of the message's own.
  const privacy = withKey(envelope.privacy ?? {}, key);
  const messages: readonly [string, object, object?][] = [
    ['hello', hello],
    ['join', { federation, publicKey: '1a'.repeat(32), name: 'x', audience: '', invite: null, signature }],
    ['upload-begin', beginning],
    ['upload-begin', beginning, { ...beginning, envelope: withKey(envelope, key) }],
    ['upload-begin', beginning, { ...beginning, envelope: { ...envelope, privacy } }],
    ['upload-chunk', chunk],
    ['upload-end', inRound],
    ['ledger-proof', { federation, size: 1, held: null, model: null }],
    ['renew-token', { federation }],
    ['spent-rounds', { federation, rounds: [1], signature }],
    ['decline', { ...inRound, code: 'replayed' }],
  ];

  it.each(messages)('is refused in %s, which is well formed without it', async (event, message, changed) => {
    expect(codeOf(await socket().ask(event, message))).not.toBe('malformed-message');
    expect(codeOf(await socket().ask(event, changed ?? withKey(message, key)))).toBe('malformed-message');
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
});
