import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type FederatedClient, joinFederation, type RoundReport } from '../../client-sdk/index.ts';
import { configText } from '../../server/config.ts';
import { settlement } from '../../shared/settlement.ts';
import { built } from '../support/built.ts';
import { FormulaTrainer } from '../support/formula-trainer.ts';
import { worldConfig } from '../support/journey-world.ts';
import { frame, RawSocket } from '../support/raw-socket.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HONEST = 6;
const CLOSED_WITHIN_MS = 10_000;
const MOST_HELD_BYTES = 16 * 1024 ** 2;

const started = z.object({ port: z.number(), invite: z.string() });
const measured = z.object({ heldBytes: z.number() });

/** In a process of its own: what our end of the sockets holds must not count. */
class MeasuredCoordinator {
  readonly #child: ChildProcess;

  constructor(...args: readonly string[]) {
    this.#child = fork(built('test/support/measured-coordinator-child.ts'), args, {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  async started(): Promise<z.infer<typeof started>> {
    return started.parse(await this.#message());
  }

  async heldBytes(): Promise<number> {
    this.#child.send('measure');
    return measured.parse(await this.#message()).heldBytes;
  }

  async #message(): Promise<unknown> {
    const [message]: unknown[] = await once(this.#child, 'message');
    return message;
  }
}

/** A coordinator and its honest clients, in a round and held in their training until `release`. */
async function world() {
  const dir = temporaryFolder();
  const file = join(dir, 'federation.json');
  await writeFile(file, configText(worldConfig()));
  const coordinator = new MeasuredCoordinator(file, join(dir, 'coordinator'));
  const { port, invite } = await coordinator.started();
  const gate = settlement<void>();
  const joining = Array.from({ length: HONEST }, async (_, i) => {
    const [folder, trainer] = [join(dir, `client-${i}`), new FormulaTrainer(i, gate.promise)];
    const client = await joinFederation({ url: `http://127.0.0.1:${port}`, invite, folder, trainer });
    onTestFinished(() => client.leave());
    return client;
  });
  return { coordinator, port, honest: await Promise.all(joining), release: gate.resolve };
}

const report = (client: FederatedClient): Promise<RoundReport> => new Promise((resolve) => client.onRound(resolve));

const place = (num: unknown): string => `["upload-chunk",{"bytes":{"_placeholder":true,"num":${JSON.stringify(num)}}}]`;
const bytes = frame(Buffer.alloc(64), { opcode: 'binary' });

/** What a stranger in the namespace may send, and is closed for. */
const packets: readonly (readonly (string | Uint8Array)[])[] = [
  [`2${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  [`2["hello",${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}]`],
  [`2["hello",${'['.repeat(5_000)}${']'.repeat(5_000)}]`],
  ...[7, -1, 1e300, 0.5, null].map((num) => [`51-${place(num)}`, bytes, '2["hello"]']),
  [`51-${place(0)}`],
  [`51-${place(0)}`, '2["hello"]'],
  ['51-["upload-chunk"]', bytes],
  [`451-${place(0)}`, bytes],
  [`51000-${place(0)}`, bytes],
  [bytes],
  ['2/admin,["hello"]'],
  ['0/admin,'],
  [`2${'9'.repeat(400)}["hello"]`],
  ['2["disconnect"]'],
  ['31[]'],
  ['4{"message":"x"}'],
  ['0'],
  ['9'],
].map((sent) => sent.map((part) => (typeof part === 'string' ? `4${part}` : part)));

/** Half a message each: much of it, little enough to be borne for a while, or in frames of one byte. */
const HALVES = [
  ...Array.from({ length: 100 }, () => [frame(Buffer.alloc(15_000), { opcode: 'binary', declaredLength: 500_000 })]),
  ...Array.from({ length: 100 }, () => [frame(Buffer.alloc(400_000), { opcode: 'binary', declaredLength: 500_000 })]),
  ...Array.from({ length: 100 }, () => [
    frame('a', { opcode: 'text', isLast: false }),
    Buffer.concat(Array.from({ length: 900 }, () => frame('a', { opcode: 'continuation', isLast: false }))),
  ]),
];

/** What is no websocket, yet or ever. */
const beginnings: readonly string[] = [
  '',
  'GET /health HTTP/1.1\r\nHost: coordinator\r\nX: ',
  'POST /health HTTP/1.1\r\nHost: coordinator\r\nContent-Type: application/json\r\nContent-Length: 30000\r\n\r\n[',
  'GET /elsewhere HTTP/1.1\r\nHost: coordinator\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
];

async function attack(port: number): Promise<readonly RawSocket[]> {
  const silent = Array.from({ length: 20 }, () => RawSocket.upgraded(port));
  const idle = Array.from({ length: 20 }, () => RawSocket.greeted(port));
  const begun = beginnings.flatMap((text) =>
    Array.from({ length: 10 }, async () => {
      const socket = await RawSocket.connect(port);
      socket.write(text);
      return socket;
    }),
  );
  const half = HALVES.map(async (parts) => {
    const socket = await RawSocket.upgraded(port);
    for (const part of parts) socket.write(part);
    return socket;
  });
  const hostile = packets.map(async (parts) => {
    const socket = await RawSocket.greeted(port);
    for (const part of parts)
      if (typeof part === 'string') socket.send(part);
      else socket.write(part);
    return socket;
  });
  const sockets = await Promise.all([...half, ...silent, ...idle, ...begun, ...hostile]);
  onTestFinished(() => sockets.forEach((socket) => socket[Symbol.dispose]()));
  return sockets;
}

describe('sockets that mean harm', () => {
  it('pin at most 16 MB, are gone within ten seconds, and the round of the honest clients commits', async () => {
    const { coordinator, port, honest, release } = await world();
    const reports = honest.map(report);
    const before = await coordinator.heldBytes();
    const late = once(AbortSignal.timeout(CLOSED_WITHIN_MS), 'abort').then(() => 'too late');

    const sockets = await attack(port);
    const allClosed = Promise.all(sockets.map(({ closed }) => closed)).then(() => 'closed');
    const held = [await coordinator.heldBytes(), await coordinator.heldBytes(), await coordinator.heldBytes()];
    release();
    expect((await Promise.all(reports)).map(({ state }) => state)).toEqual(honest.map(() => 'committed'));

    expect(await Promise.race([allClosed, late])).toBe('closed');
    expect(Math.max(...held) - before).toBeLessThan(MOST_HELD_BYTES);
  });
});
