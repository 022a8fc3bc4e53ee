import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ByteMeter } from '../../../server/transport/byte-meter.ts';

const greeting = 'GET / HTTP/1.1\r\nhost: here\r\n\r\n';

async function meteredServer() {
  const meter = new ByteMeter();
  const server = createServer((_, response) => response.end('ok'));
  meter.watch(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  /** Resolves once the server has answered, hence read, what was sent. */
  const send = async (text: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(text);
    await once(socket, 'data');
    return socket;
  };
  const closed = async (socket: Socket): Promise<void> => {
    const gone = new Promise<void>((resolve) => {
      server.getConnections((_, count) => (count === 0 ? resolve() : undefined));
      socket.once('close', () => resolve());
    });
    socket.destroy();
    await gone;
  };
  return { meter, send, closed };
}

describe('the byte meter', () => {
  it('counts every byte that arrived, of connections open and closed, each once', async () => {
    const { meter, send, closed } = await meteredServer();
    expect(meter.bytesRead()).toBe(0);
    const first = await send(greeting);
    expect(meter.bytesRead()).toBe(greeting.length);
    await send(greeting + greeting);
    expect(meter.bytesRead()).toBe(3 * greeting.length);
    await closed(first);
    expect(meter.bytesRead()).toBe(3 * greeting.length);
  });

  it('counts what is no request at all', async () => {
    const { meter, send } = await meteredServer();
    await send('this is not HTTP\r\n\r\n');
    expect(meter.bytesRead()).toBe(20);
  });
});
