import { describe, expect, it } from 'vitest';
import { UploadBuffers } from '../../../server/transport/upload-buffers.ts';
import type { Refusal, Refused } from '../../../shared/protocol/refusals.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { announcedBy, threeMembers, updateFile } from '../../support/small-federation.ts';
import { fc } from '../../support/properties.ts';

const [anna, ben, carl] = await threeMembers();
const bytes = updateFile([1, 2, 3, 4, 5, 6]);
const announced = await announcedBy(anna, bytes);
const theirs = await announcedBy(ben, bytes);
const client = anna.client.id;
const round = 1;

const opened = (): UploadBuffers => {
  const buffers = new UploadBuffers();
  expect(buffers.open(announced)).toBe(0);
  return buffers;
};

describe('an upload', () => {
  it('is put together from chunks of any size, each sent any number of times and out of order', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.byteLength - 1 }), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, fc.nat(), (found, seed) => {
        const buffers = opened();
        const edges = [0, ...found.sort((a, b) => a - b), bytes.byteLength];
        const chunks = edges.slice(1).map((end, i) => ({ from: edges[i] ?? 0, end }));
        let offset = 0;
        for (let turn = 0; offset < bytes.byteLength; turn++) {
          // Every other turn something arrives that does not fit, and is not taken.
          const wanted = chunks.find(({ from }) => from === offset);
          const chunk = turn % 2 === 0 ? chunks[(seed + turn) % chunks.length] : wanted;
          if (!chunk) throw new Error('no chunk starts where the buffer ends');
          const sent = { round, offset: chunk.from, bytes: bytes.subarray(chunk.from, chunk.end) };
          const arrived = buffers.append(client, sent);
          if (arrived.kind !== 'arrived') throw new Error('refused');
          expect(arrived.offset).toBe(chunk.from === offset ? chunk.end : offset);
          offset = arrived.offset;
        }
        expect(buffers.take(client, round)).toEqual({ kind: 'received', announced, bytes });
      }),
    );
  });

  it('goes on where it stopped when it is announced again', () => {
    const buffers = opened();
    buffers.append(client, { round, offset: 0, bytes: bytes.subarray(0, 50) });
    expect(buffers.open(announced)).toBe(50);
  });

  it('starts afresh when what is announced is another update, round or length', async () => {
    const others = [
      await announcedBy(anna, updateFile([6, 5, 4, 3, 2, 1])),
      await announcedBy(anna, bytes, { round: 2 }),
      await announcedBy(anna, bytes, { byteLength: bytes.byteLength + 8 }),
    ];
    for (const other of others) {
      const buffers = opened();
      buffers.append(client, { round, offset: 0, bytes: bytes.subarray(0, 50) });
      expect(buffers.open(other)).toBe(0);
    }
  });

  it('is handed over once, and as short as it arrived', () => {
    const buffers = opened();
    buffers.append(client, { round, offset: 0, bytes: bytes.subarray(0, 50) });
    expect(buffers.take(client, round)).toEqual({ kind: 'received', announced, bytes: bytes.slice(0, 50) });
    expect(codeOf(buffers.take(client, round))).toBe('malformed-message');
  });

  it('cannot grow past what was announced, nor be written where it is full', () => {
    const buffers = opened();
    const tooMuch = new Uint8Array(bytes.byteLength + 1);
    expect(codeOf(buffers.append(client, { round, offset: 0, bytes: tooMuch }))).toBe('bad-length');
    buffers.append(client, { round, offset: 0, bytes });
    const more = { round, offset: bytes.byteLength, bytes: new Uint8Array(1) };
    expect(codeOf(buffers.append(client, more))).toBe('bad-length');
    expect(buffers.take(client, round)).toMatchObject({ bytes });
  });

  it('is refused where it was not announced: by that client, in that round, since the last close', () => {
    const buffers = opened();
    const chunk = { round, offset: 0, bytes: bytes.subarray(0, 8) };
    expect(codeOf(buffers.append(ben.client.id, chunk))).toBe('malformed-message');
    expect(codeOf(buffers.append(client, { ...chunk, round: 2 }))).toBe('malformed-message');
    expect(codeOf(buffers.take(client, 2))).toBe('malformed-message');
    buffers.clear();
    expect(codeOf(buffers.append(client, chunk))).toBe('malformed-message');
    expect(codeOf(buffers.take(client, round))).toBe('malformed-message');
  });
});

describe('uploads of many clients', () => {
  const twice = 2 * bytes.byteLength;

  it.each([
    ['bytes', { uploads: 10, uploadBytes: twice - 1 }],
    ['updates', { uploads: 1, uploadBytes: twice }],
  ])('are so many %s at most: what is beyond is to be begun again later', (_, limits) => {
    const buffers = new UploadBuffers(limits);
    expect(buffers.open(announced)).toBe(0);
    expect(refusalOf(buffers.open(theirs))).toMatchObject({ code: 'rate-limited', hint: expect.any(String) });
    expect(codeOf(buffers.append(ben.client.id, { round, offset: 0, bytes }))).toBe('malformed-message');
    buffers.append(client, { round, offset: 0, bytes: bytes.subarray(0, 50) });
    expect(buffers.open(announced)).toBe(50);
    buffers.take(client, round);
    expect(buffers.open(theirs)).toBe(0);
    expect(refusalOf(buffers.open(announced)).code).toBe('rate-limited');
    buffers.clear();
    expect(buffers.open(announced)).toBe(0);
  });

  it('do not count what a client has begun and replaces, and lose nothing where the new one finds no room', async () => {
    const buffers = new UploadBuffers({ uploads: 1, uploadBytes: bytes.byteLength + 8 });
    expect(buffers.open(announced)).toBe(0);
    expect(buffers.open(await announcedBy(anna, bytes, { byteLength: bytes.byteLength + 8 }))).toBe(0);
    expect(buffers.open(announced)).toBe(0);
    buffers.append(client, { round, offset: 0, bytes: bytes.subarray(0, 50) });
    const larger = await announcedBy(anna, bytes, { byteLength: bytes.byteLength + 9 });
    expect(refusalOf(buffers.open(larger)).code).toBe('rate-limited');
    expect(buffers.open(announced)).toBe(50);
  });

  it('are 1 GiB in all unless configured otherwise', async () => {
    const buffers = new UploadBuffers();
    const half = { byteLength: 2 ** 29 };
    expect(buffers.open(await announcedBy(anna, bytes, half))).toBe(0);
    expect(buffers.open(await announcedBy(ben, bytes, half))).toBe(0);
    expect(refusalOf(buffers.open(await announcedBy(carl, bytes, { byteLength: 1 }))).code).toBe('rate-limited');
  });
});

function refusalOf(answer: number | Refused): Refusal {
  if (typeof answer === 'number') throw new Error('accepted');
  return answer.refusal;
}
