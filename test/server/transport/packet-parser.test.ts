import { describe, expect, it } from 'vitest';
import { SERVER_LIMITS } from '../../../server/transport/limits.ts';
import { packetParser } from '../../../server/transport/packet-parser.ts';

function decoder() {
  const reasons: string[] = [];
  const heard: { type: number; payload: unknown }[] = [];
  const { Decoder } = packetParser((reason) => reasons.push(reason));
  const decoding = new Decoder();
  decoding.on('decoded', ({ type, data: payload }) => void heard.push({ type, payload }));
  return { reasons, heard, decoding };
}

const placeholder = (num: unknown): string => `{"_placeholder":true,"num":${JSON.stringify(num)}}`;
const NOT_TO_SEND = 'a packet that is not a client’s to send';
const UNREADABLE = 'a packet that cannot be decoded';
const MISMATCH = 'placeholders that do not match the attachments';
const TOO_DEEP = `JSON nested deeper than ${SERVER_LIMITS.jsonDepth}`;
const TOO_LONG = `a message of more than ${SERVER_LIMITS.textLength} characters`;
const deep = (depth: number): string => `2${'['.repeat(depth)}"e"${']'.repeat(depth)}`;

describe('packets of a client', () => {
  it.each([
    ['0', 0, undefined],
    ['0{"token":"x"}', 0, { token: 'x' }],
    ['1', 1, undefined],
    ['2["hello",{"a":1}]', 2, ['hello', { a: 1 }]],
    ['212["hello"]', 2, ['hello']],
  ])('are read: %s', (text, type, payload) => {
    const { decoding, heard, reasons } = decoder();
    decoding.add(text);
    expect(heard).toEqual([{ type, payload }]);
    expect(reasons).toEqual([]);
  });

  it('are read with their attachment', () => {
    const { decoding, heard } = decoder();
    decoding.add(`51-7["upload-chunk",{"bytes":${placeholder(0)}}]`);
    expect(heard).toEqual([]);
    const bytes = Buffer.from([1, 2, 3]);
    decoding.add(bytes);
    expect(heard).toEqual([{ type: 2, payload: ['upload-chunk', { bytes }] }]);
  });

  it.each([
    ['of a length at the limit', `2["${'x'.repeat(SERVER_LIMITS.textLength - 5)}"]`],
    ['as deep as the limit', deep(SERVER_LIMITS.jsonDepth).replace('"e"', '1').replace('2[', '2["e",')],
    ['with brackets in a string', `2["e",${JSON.stringify('[{'.repeat(50))}]`],
    ['that speak of placeholders', `2["e",${JSON.stringify('"_placeholder":')}]`],
  ])('are read: one %s', (_, text) => {
    const { decoding, heard } = decoder();
    decoding.add(text);
    expect(heard).toHaveLength(1);
  });

  it.each([
    ['too long', `2["${'x'.repeat(SERVER_LIMITS.textLength - 4)}"]`, TOO_LONG],
    ['too deep', deep(SERVER_LIMITS.jsonDepth + 1), TOO_DEEP],
    ['200,000 deep', `2${'['.repeat(30_000)}`, TOO_DEEP],
    ['of another namespace', '2/admin,["hello"]', NOT_TO_SEND],
    ['to connect to another namespace', '0/admin,', NOT_TO_SEND],
    ['of a namespace with a query', '0/?token=x,', NOT_TO_SEND],
    ['an acknowledgement', '31[]', NOT_TO_SEND],
    ['a binary acknowledgement', `61-1[${placeholder(0)}]`, NOT_TO_SEND],
    ['a connect error', '4{"message":"x"}', NOT_TO_SEND],
    ['an unknown type', '7[]', NOT_TO_SEND],
    ['empty', '', NOT_TO_SEND],
    ['no JSON', '2[', UNREADABLE],
    ['without an event', '2[]', UNREADABLE],
    ['a reserved event', '2["disconnect"]', UNREADABLE],
    ['an id of 400 digits', `2${'9'.repeat(400)}["hello"]`, NOT_TO_SEND],
    ['without attachments', `50-[${placeholder(0)}]`, NOT_TO_SEND],
    ['with a part of an attachment', `51.5-["e",${placeholder(0)}]`, NOT_TO_SEND],
    ['with two attachments', `52-["e",${placeholder(0)},${placeholder(1)}]`, NOT_TO_SEND],
    ['with a thousand attachments', `51000-["e",${placeholder(0)}]`, NOT_TO_SEND],
    ['with an attachment and no place for it', '51-["e"]', MISMATCH],
    ['with two places for one attachment', `51-["e",${placeholder(0)},${placeholder(0)}]`, MISMATCH],
    ['with a place and no attachment', `2["e",${placeholder(0)}]`, MISMATCH],
  ])('are refused before JSON is made of them, and counted: one that is %s', (_, text, reason) => {
    const { decoding, heard, reasons } = decoder();
    expect(() => decoding.add(text)).toThrow(reason);
    expect(reasons).toEqual([reason]);
    expect(heard).toEqual([]);
  });

  it.each([7, 1, -1, 1e300, null, '0'])('are refused where the place is for attachment %j', (num) => {
    const { decoding, heard, reasons } = decoder();
    decoding.add(`51-["e",${placeholder(num)}]`);
    expect(() => decoding.add(Buffer.from([1]))).toThrow(UNREADABLE);
    expect(reasons).toEqual([UNREADABLE]);
    expect(heard).toEqual([]);
  });

  it('are refused where bytes come unannounced, or text instead of bytes, or neither', () => {
    expect(() => decoder().decoding.add(Buffer.from([1]))).toThrow(UNREADABLE);
    expect(() => decoder().decoding.add(undefined)).toThrow(UNREADABLE);
    const { decoding } = decoder();
    decoding.add(`51-["e",${placeholder(0)}]`);
    expect(() => decoding.add('2["hello"]')).toThrow(UNREADABLE);
  });
});
