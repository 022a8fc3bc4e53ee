import { describe, expect, it } from 'vitest';
import { joinTranscript } from '../../../shared/protocol/join-transcript.ts';

const statement = {
  federation: 'digits',
  protocolVersion: 1,
  challenge: 'c4'.repeat(32),
  audience: 'https://fl.example.org',
  publicKey: 'ab'.repeat(32),
  name: 'Ward 7 “Süd”',
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('what a client signs to join', () => {
  it('is canonical JSON with its domain in it: pinned for other languages', () => {
    expect(text(joinTranscript(statement))).toBe(
      `{"audience":"https://fl.example.org","challenge":"${'c4'.repeat(32)}","domain":"muster/join/v1","federation":"digits",` +
        `"name":"Ward 7 “Süd”","protocolVersion":1,"publicKey":"${'ab'.repeat(32)}"}`,
    );
  });

  it('is other bytes when any part of it is another, however the parts are shifted', () => {
    const others = [
      { federation: 'digit' },
      { protocolVersion: 2 },
      { challenge: 'c5'.repeat(32) },
      { audience: 'http://fl.example.org' },
      { publicKey: 'ac'.repeat(32) },
      { name: 'Ward 7 “Süd”","protocolVersion":2,"x":"' },
    ].map((changes) => text(joinTranscript({ ...statement, ...changes })));
    expect(new Set([text(joinTranscript(statement)), ...others]).size).toBe(7);
  });

  it('holds nothing that it was not asked to hold', () => {
    const more = { ...statement, invite: 'digits.secret', signature: '00' };
    expect(joinTranscript(more)).toEqual(joinTranscript(statement));
  });
});
