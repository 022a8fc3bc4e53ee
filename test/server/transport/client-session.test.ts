import { describe, expect, it } from 'vitest';
import { ClientSession } from '../../../server/transport/client-session.ts';
import { UploadBuffers } from '../../../server/transport/upload-buffers.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { TRANSPORT_LIMITS } from '../../../shared/protocol/events.ts';
import {
  type Join,
  joinedSchema,
  receiptSchema,
  tokenSchema,
  welcomeSchema,
} from '../../../shared/protocol/messages.ts';
import { refuse } from '../../../shared/protocol/refusals.ts';
import { settlement } from '../../../shared/settlement.ts';
import { NotedDoors, stagedAt } from '../../support/noted-doors.ts';
import { codeOf } from '../../support/refusal-code.ts';
import * as small from '../../support/small-federation.ts';

const [anna, ben] = await small.threeMembers();
const { federation } = small;
const hello = { federation, protocolVersions: [1] };
const now = new Date('2026-03-01T12:00:00.000Z');
const later = (ms: number): Date => new Date(now.getTime() + ms);
const tokenOf = (answer: unknown): string => joinedSchema.parse(answer).token;
const bytes = small.updateFile([1, 2, 3, 4, 5, 6]);
const begin = await small.beginFor(await small.envelopeFor(anna, bytes), anna.key);

const joinAs = ({ key, client }: small.Member): Join => {
  return {
    federation,
    publicKey: key.publicKey,
    name: client.name,
    audience: 'http://localhost:8080',
    invite: null,
    signature: '00'.repeat(64),
  };
};

function connected(doors = new NotedDoors(), uploads = new UploadBuffers()) {
  return { doors, session: new ClientSession(doors, uploads) };
}

async function joined(doors = new NotedDoors(), uploads = new UploadBuffers()) {
  const { session } = connected(doors, uploads);
  await session.hello(hello, now);
  const answer = await session.join(joinAs(anna), now);
  return { doors, session, answer };
}

describe('hello', () => {
  it('is answered with a fresh challenge, the version in common and the ledger’s key', async () => {
    const { doors, session } = connected();
    const [first, second] = [
      await session.hello({ ...hello, protocolVersions: [9, 1] }, now),
      await session.hello(hello, now),
    ];
    expect(welcomeSchema.parse(first)).toMatchObject({ protocolVersion: 1, ledgerKey: doors.ledgerKey });
    expect(welcomeSchema.parse(second).challenge).not.toBe(welcomeSchema.parse(first).challenge);
  });

  it('is refused in another federation, and to a client that speaks other versions', async () => {
    const { doors, session } = connected();
    expect(codeOf(await session.hello({ ...hello, federation: asFederationId('letters') }, now))).toBe(
      'wrong-federation',
    );
    expect(await session.hello({ ...hello, protocolVersions: [0, 2] }, now)).toMatchObject({
      refusal: { code: 'unsupported-protocol', expected: 'version 1', found: 'version 0 or 2' },
    });
    expect(doors.turnedAwayAs.map(({ code }) => code)).toEqual(['wrong-federation', 'unsupported-protocol']);
  });
});

describe('join', () => {
  it('hands on the challenge that this socket was given, and answers with all that a client needs', async () => {
    const doors = new NotedDoors();
    const offer = { round: 4, baseModelDigest: small.baseModel, deadlineMs: 1_500, checkpoint: 'note' };
    doors.offer = offer;
    const { session } = connected(doors);
    const { challenge } = welcomeSchema.parse(await session.hello(hello, now));
    const answer = joinedSchema.parse(await session.join(joinAs(anna), later(700)));
    expect(doors.joins).toEqual([
      { join: joinAs(anna), challenge, challengedAt: now, protocolVersion: 1, now: later(700) },
    ]);
    const { chunkBytes, chunksInFlight } = TRANSPORT_LIMITS;
    expect(answer).toMatchObject({
      client: anna.client.id,
      checkpoint: 'note',
      comeBackInMs: null,
      limits: { chunkBytes, chunksInFlight },
    });
    expect(answer.offer).toEqual({ federation, ...offer });
    expect(session.client?.id).toBe(anna.client.id);
  });

  it('has no challenge before hello, and none for a second try after a refused one', async () => {
    const { doors, session } = connected();
    expect(codeOf(await session.join(joinAs(anna), now))).toBe('replayed');
    doors.join = (request) => {
      doors.joins.push(request);
      return Promise.resolve(refuse(request.challenge === undefined ? 'replayed' : 'bad-signature'));
    };
    await session.hello(hello, now);
    const codes = [await session.join(joinAs(anna), now), await session.join(joinAs(anna), now)].map(codeOf);
    expect(codes).toEqual(['bad-signature', 'replayed']);
    expect(session.client).toBeUndefined();
    expect(doors.turnedAwayAs.map(({ code }) => code)).toEqual(['replayed', 'bad-signature', 'replayed']);
  });

  it('is possible again after hello, where it was refused', async () => {
    const { doors, session } = connected();
    const { join } = doors;
    doors.join = () => Promise.resolve(refuse('not-enrolled'));
    await session.hello(hello, now);
    expect(codeOf(await session.join(joinAs(anna), now))).toBe('not-enrolled');
    doors.join = join;
    await session.hello(hello, now);
    expect(codeOf(await session.join(joinAs(anna), now))).toBe('joined');
  });

  it('is good for one client a socket, one after the other', async () => {
    const { doors, session } = await joined();
    await session.hello(hello, now);
    expect(codeOf(await session.join(joinAs(ben), now))).toBe('replayed');
    expect(session.client?.id).toBe(anna.client.id);
    expect(doors.joins).toHaveLength(1);
  });

  it('is good for one client a socket, at once too', async () => {
    const { doors, session } = connected();
    const gate = settlement<void>();
    const join = doors.join.bind(doors);
    doors.join = async (request) => {
      await gate.promise;
      return await join(request);
    };
    await session.hello(hello, now);
    const first = session.join(joinAs(anna), now);
    await session.hello(hello, now);
    const second = session.join(joinAs(ben), now);
    gate.resolve();
    expect([codeOf(await first), codeOf(await second)]).toEqual(['joined', 'replayed']);
    expect(session.client?.id).toBe(anna.client.id);
  });

  it('gives every socket a token of its own', async () => {
    const [first, second] = [await joined(), await joined()];
    expect(tokenOf(first.answer)).not.toBe(tokenOf(second.answer));
    expect(first.session.holdsToken(tokenOf(first.answer), now)).toBe(true);
    expect(first.session.holdsToken(tokenOf(second.answer), now)).toBe(false);
  });

  it('says when the challenge was given that it answers, the newest one', async () => {
    const { doors, session } = connected();
    await session.hello(hello, now);
    await session.hello(hello, later(40_000));
    await session.join(joinAs(anna), later(50_000));
    expect(doors.joins).toMatchObject([{ challengedAt: later(40_000), now: later(50_000) }]);
  });
});

describe('the token of a session', () => {
  it('is good for as long as the client is told, to the millisecond, and never before there is one', async () => {
    const { session, answer } = await joined();
    const { token, tokenExpiresInMs } = joinedSchema.parse(answer);
    expect(session.holdsToken(token, later(tokenExpiresInMs - 1))).toBe(true);
    expect(session.holdsToken(token, later(tokenExpiresInMs))).toBe(false);
    expect(connected().session.holdsToken('', now)).toBe(false);
  });

  it('is renewed for as long again, and the one before counts no more', async () => {
    const { session, answer } = await joined();
    const before = tokenOf(answer);
    const renewed = tokenSchema.parse(await session.renewToken({ federation }, later(400_000)));
    expect(renewed.token).not.toBe(before);
    expect(session.holdsToken(before, later(400_000))).toBe(false);
    expect(session.holdsToken(renewed.token, later(400_000 + renewed.expiresInMs - 1))).toBe(true);
    expect(session.holdsToken(renewed.token, later(400_000 + renewed.expiresInMs))).toBe(false);
  });

  it('may be renewed after it has expired: who has joined is who it was', async () => {
    const { session, answer } = await joined();
    const at = later(joinedSchema.parse(answer).tokenExpiresInMs + 1);
    const { token } = tokenSchema.parse(await session.renewToken({ federation }, at));
    expect(session.holdsToken(token, at)).toBe(true);
  });

  it('is given to nobody who has not joined, and for no other federation', async () => {
    const stranger = connected();
    expect(codeOf(await stranger.session.renewToken({ federation }, now))).toBe('not-enrolled');
    expect(stranger.doors.turnedAwayAs).toEqual([{ code: 'not-enrolled', client: null }]);
    const { doors, session, answer } = await joined();
    const letters = asFederationId('letters');
    expect(codeOf(await session.renewToken({ federation: letters }, now))).toBe('wrong-federation');
    expect(doors.turnedAwayAs).toEqual([{ code: 'wrong-federation', client: anna.client.id }]);
    expect(session.holdsToken(tokenOf(answer), now)).toBe(true);
  });
});

describe('a question about the ledger’s history', () => {
  const request = { federation, size: 3, held: null, model: small.baseModel };

  it('is answered to a client that has joined, under its own id', async () => {
    const { doors, session } = await joined();
    expect(codeOf(await session.proveHistory(request))).toBe('ledger-proof');
    expect(doors.proved).toEqual([{ size: 3, client: anna.client.id }]);
  });

  it('is refused and recorded from anybody else, and where the ledger refuses it', async () => {
    const stranger = connected();
    expect(codeOf(await stranger.session.proveHistory(request))).toBe('not-enrolled');
    expect(stranger.doors.proved).toEqual([]);
    const { doors, session } = await joined();
    doors.proveHistory = () => Promise.resolve(refuse('bad-checkpoint'));
    expect(codeOf(await session.proveHistory(request))).toBe('bad-checkpoint');
    expect(doors.turnedAwayAs).toEqual([{ code: 'bad-checkpoint', client: anna.client.id }]);
  });
});

describe('a statement of spent rounds', () => {
  const spent = { federation, rounds: [3, 4], signature: '00'.repeat(64) };

  it('is handed on with who made it, and noted', async () => {
    const { doors, session } = await joined();
    expect(codeOf(await session.stateSpent(spent))).toBe('noted');
    expect(doors.spent).toEqual([{ rounds: [3, 4], client: anna.client.id }]);
    doors.stateSpent = () => Promise.resolve(refuse('bad-signature'));
    expect(codeOf(await session.stateSpent(spent))).toBe('bad-signature');
  });

  it('is nobody’s who has not joined, and counts in no other federation', async () => {
    const stranger = connected();
    expect(codeOf(await stranger.session.stateSpent(spent))).toBe('not-enrolled');
    const { doors, session } = await joined();
    expect(codeOf(await session.stateSpent({ ...spent, federation: asFederationId('letters') }))).toBe(
      'wrong-federation',
    );
    expect([...stranger.doors.spent, ...doors.spent]).toEqual([]);
    expect(doors.turnedAwayAs).toEqual([{ code: 'wrong-federation', client: anna.client.id }]);
  });
});

describe('an upload', () => {
  it('is begun, sent in chunks and ended with a receipt', async () => {
    const { doors, session } = await joined();
    expect(await session.begin(begin)).toEqual({ kind: 'send-from', offset: 0 });
    const half = bytes.byteLength / 2;
    for (const [offset, end] of [
      [0, half],
      [half, bytes.byteLength],
    ] as const) {
      const answer = await session.chunk({ federation, round: 1, offset, bytes: bytes.subarray(offset, end) });
      expect(answer).toEqual({ kind: 'chunk-received', offset: end });
    }
    const receipt = receiptSchema.parse(await session.end({ federation, round: 1 }));
    expect(receipt).toMatchObject({ client: anna.client.id, stagedAt: stagedAt.toISOString() });
    expect(doors.received.map((update) => update.bytes)).toEqual([bytes]);
    expect(doors.turnedAwayAs).toEqual([]);
  });

  it('goes on over another socket of the same client', async () => {
    const uploads = new UploadBuffers();
    const first = await joined(new NotedDoors(), uploads);
    await first.session.begin(begin);
    await first.session.chunk({ federation, round: 1, offset: 0, bytes: bytes.subarray(0, 40) });
    const second = await joined(new NotedDoors(), uploads);
    expect(await second.session.begin(begin)).toEqual({ kind: 'send-from', offset: 40 });
  });

  it('is answered at once with the receipt it has', async () => {
    const { doors, session } = await joined();
    doors.announce = ({ envelope }) =>
      doors.receive({
        kind: 'received',
        announced: { kind: 'announced', client: anna.client, envelope, signature: '' },
        bytes,
      });
    expect(receiptSchema.parse(await session.begin(begin)).updateDigest).toBe(begin.envelope.updateDigest);
  });

  it('passes on what refuses it, without recording it a second time', async () => {
    const { doors, session } = await joined();
    doors.announce = () => Promise.resolve(refuse('equivocation'));
    expect(codeOf(await session.begin(begin))).toBe('equivocation');
    expect(doors.turnedAwayAs).toEqual([]);
  });

  it('allocates nothing when it is refused', async () => {
    const uploads = new UploadBuffers();
    const { doors, session } = await joined(new NotedDoors(), uploads);
    doors.announce = () => Promise.resolve(refuse('too-large'));
    await session.begin({ ...begin, envelope: { ...begin.envelope, byteLength: 2 ** 31 } });
    expect(codeOf(uploads.take(anna.client.id, 1))).toBe('malformed-message');
  });

  it('is refused, and recorded, from a socket that has not joined or has not begun', async () => {
    const chunk = { federation, round: 1, offset: 0, bytes };
    const stranger = connected();
    expect(codeOf(await stranger.session.begin(begin))).toBe('not-enrolled');
    expect(codeOf(await stranger.session.chunk(chunk))).toBe('not-enrolled');
    expect(codeOf(await stranger.session.end({ federation, round: 1 }))).toBe('not-enrolled');
    expect(stranger.doors.turnedAwayAs).toEqual([
      { code: 'not-enrolled', client: null },
      { code: 'not-enrolled', client: null },
    ]);
    const member = await joined();
    expect(codeOf(await member.session.chunk(chunk))).toBe('malformed-message');
    expect(codeOf(await member.session.end({ federation, round: 1 }))).toBe('malformed-message');
    expect(member.doors.turnedAwayAs).toEqual([
      { code: 'malformed-message', client: anna.client.id },
      { code: 'malformed-message', client: anna.client.id },
    ]);
  });

  it('is told when it sends more than it announced', async () => {
    const { doors, session } = await joined();
    await session.begin(begin);
    const tooMuch = { federation, round: 1, offset: 0, bytes: new Uint8Array(bytes.byteLength + 1) };
    expect(codeOf(await session.chunk(tooMuch))).toBe('bad-length');
    expect(doors.turnedAwayAs).toEqual([{ code: 'bad-length', client: anna.client.id }]);
  });
});

describe('a decline', () => {
  const decline = { federation, round: 1, code: 'budget-exhausted' } as const;

  it('is noted with who declines', async () => {
    const { doors, session } = await joined();
    expect(await session.decline(decline)).toEqual({ kind: 'noted' });
    expect(doors.declined).toEqual([{ decline, client: anna.client.id }]);
  });

  it('is answered with why it does not count', async () => {
    const { doors, session } = await joined();
    doors.decline = () => Promise.resolve(refuse('round-closed'));
    expect(codeOf(await session.decline(decline))).toBe('round-closed');
  });
});
