import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { SERVER_LIMITS } from '../../../server/transport/limits.ts';
import { eventually } from '../../support/eventually.ts';
import { frame, RawSocket } from '../../support/raw-socket.ts';
import { federation, threeMembers } from '../../support/small-federation.ts';
import { ask, join, socketTo, startGateway } from '../../support/started-gateway.ts';

const [anna] = await threeMembers();
const { joinDeadlineMs, bytesBeforeJoin, strangersPerAddress, fragmentsPerMessage, messages } = SERVER_LIMITS;
const ELSEWHERE = 'GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const hello = { federation, protocolVersions: [1] };

const refusedSchema = z.looseObject({ kind: z.literal('refused'), refusal: z.looseObject({ code: z.string() }) });
const codeOf = (answer: unknown): string => refusedSchema.parse(answer).refusal.code;

const kept = (raw: RawSocket): RawSocket => {
  onTestFinished(() => raw[Symbol.dispose]());
  return raw;
};

describe('a stranger', () => {
  it('is closed at its deadline, however far it has come, and who has joined is not', async () => {
    const { gateway, clock, url, port } = await startGateway();
    const member = await socketTo(url);
    await join(member, anna);
    const strangers = await Promise.all([RawSocket.upgraded(port), RawSocket.greeted(port)]);
    const halfWay = await socketTo(url);
    await ask(halfWay, 'hello', hello);
    const closed = new Promise((resolve) => void halfWay.once('disconnect', resolve));
    clock.advance(joinDeadlineMs);
    await Promise.all([...strangers.map((each) => each.closed), closed]);
    expect(gateway.connected).toEqual([anna.client.id]);
    await ask(member, 'hello', hello);
  });

  it('is not closed while its join is being answered: that time is ours', async () => {
    const { gateway, doors, clock, url } = await startGateway();
    const { asked, release } = doors.holdJoins();
    const joining = join(await socketTo(url), anna);
    await asked;
    clock.advance(joinDeadlineMs);
    release();
    await joining;
    expect(gateway.connected).toEqual([anna.client.id]);
  });

  it('is closed at its deadline where it asked for another protocol than ours', async () => {
    const { clock, http, port } = await startGateway();
    const upgraded = once(http, 'upgrade');
    const stranger = kept(await RawSocket.connect(port));
    stranger.write(ELSEWHERE);
    await upgraded;
    clock.advance(joinDeadlineMs);
    await stranger.closed;
  });

  it('is closed in the middle of a message that is longer than it needs', async () => {
    const { lines, port } = await startGateway();
    const stranger = kept(await RawSocket.upgraded(port));
    const bytes = Buffer.alloc(bytesBeforeJoin);
    stranger.write(frame(bytes, { opcode: 'binary', declaredLength: 500_000 }));
    await stranger.closed;
    expect(lines).toEqual([expect.stringContaining(`more than ${bytesBeforeJoin} bytes`)]);
  });

  it('is closed in the middle of a message of more frames than anybody cuts one into', async () => {
    const { port } = await startGateway();
    const stranger = kept(await RawSocket.upgraded(port));
    const frames = Array.from({ length: fragmentsPerMessage + 1 }, (_, i) =>
      frame('a', { opcode: i === 0 ? 'text' : 'continuation', isLast: false }),
    );
    stranger.write(Buffer.concat(frames));
    await stranger.closed;
  });

  it.each([
    ['deep JSON', `42${'['.repeat(200)}`],
    ['another namespace', '42/admin,["hello"]'],
    ['an attachment that does not come', '451-["upload-chunk"]'],
  ])('that sends %s is closed, though it never agrees to it, and nobody else', async (_, text) => {
    const { lines, url, port } = await startGateway();
    const other = await socketTo(url);
    const stranger = kept(await RawSocket.greeted(port));
    stranger.send(text);
    await stranger.closed;
    expect(lines).toHaveLength(1);
    expect(await ask(other, 'hello', hello)).toMatchObject({ kind: 'welcome' });
  });

  it('is told at the upgrade when too many of its address have yet to join, and let in when one has gone', async () => {
    const { http, port } = await startGateway();
    const strangers = Array.from({ length: strangersPerAddress }, async () => kept(await RawSocket.upgraded(port)));
    const [first] = await Promise.all(strangers);
    const late = kept(await RawSocket.connect(port));
    expect(await late.upgrade()).toBe(429);
    await late.closed;
    first?.[Symbol.dispose]();
    const count = (): Promise<number> =>
      new Promise((resolve) => http.getConnections((_fault, connections) => resolve(connections)));
    await eventually(async () => ((await count()) < strangersPerAddress ? true : undefined));
    expect(await kept(await RawSocket.connect(port)).upgrade()).toBe(101);
  });

  it('is told so at the upgrade, too, when its address greets too often', async () => {
    const { url, port } = await startGateway();
    const { burst } = SERVER_LIMITS.greetings;
    const sockets = await Promise.all(
      Array.from({ length: Math.ceil(burst / (messages.burst + 1)) }, () => socketTo(url)),
    );
    const answers = sockets.flatMap((socket) =>
      Array.from({ length: messages.burst }, () => ask(socket, 'hello', hello)),
    );
    await Promise.all(answers);
    expect(await kept(await RawSocket.connect(port)).upgrade()).toBe(429);
  });

  it('does not keep a gateway from closing, not even by holding on to its own end', async () => {
    const { gateway, http, port } = await startGateway();
    const upgraded = once(http, 'upgrade');
    const stranger = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void stranger.destroy());
    stranger.on('error', () => undefined);
    stranger.write(ELSEWHERE);
    await upgraded;
    await gateway.close();
  });
});

describe('a client that has joined', () => {
  it('may send more than a stranger', async () => {
    const { clock, url } = await startGateway();
    const socket = await socketTo(url);
    await join(socket, anna);
    const chunk = { federation, round: 1, offset: 0, bytes: new Uint8Array(2 * bytesBeforeJoin) };
    for (let i = 0; i < 3; i++) expect(codeOf(await ask(socket, 'upload-chunk', chunk))).toBe('malformed-message');
    clock.advance(joinDeadlineMs);
    expect(await ask(socket, 'hello', hello)).toMatchObject({ kind: 'welcome' });
  });

  it('asks no more often by joining again on other sockets, and is told so without a record', async () => {
    const { doors, url } = await startGateway();
    const codes: string[] = [];
    for (let i = 0; i < 3; i++) {
      const socket = await socketTo(url);
      await join(socket, anna);
      for (let j = 0; j < 30; j++) codes.push(codeOf(await ask(socket, 'nonsense', {})));
    }
    expect(codes.filter((code) => code !== 'rate-limited')).toHaveLength(messages.burst);
    expect(doors.turnedAwayAs).toHaveLength(messages.burst);
  });
});
