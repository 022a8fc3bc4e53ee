// The demo's coordinator, a process of its own as in real life: started with the command that anyone would use, told
// apart from the outside only by the message with which it says where it listens.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { settlement } from '../../shared/settlement.ts';

export interface CoordinatorProcess {
  readonly url: string;
  readonly invites: readonly string[];
  /** Rejects when the process ends before it was told to. */
  readonly died: Promise<never>;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** What `muster start` tells the process that forked it. */
const servingSchema = z.strictObject({
  kind: z.literal('serving'),
  url: z.string(),
  invites: z.array(z.string()),
});

export interface StartOptions {
  /** Aborted: it is not waited for any longer. */
  readonly signal: AbortSignal;
  /** How long it may take until it listens; 30 s unless given. */
  readonly readyTimeoutMs?: number;
  /** Another program than the command line, in tests. */
  readonly entry?: string;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
// Source runs as .ts, the build as .js: the neighbour has the ending of this file.
const COMMAND_LINE = fileURLToPath(new URL(`../../cli/main${import.meta.url.slice(-3)}`, import.meta.url));

/**
 * `args`: of `muster start`.
 * @throws Error with the coordinator's own words when it does not start, the signal's reason when that is aborted first;
 * the process is gone then.
 */
export async function startCoordinatorProcess(
  args: readonly string[],
  { signal, readyTimeoutMs = READY_TIMEOUT_MS, entry = COMMAND_LINE }: StartOptions,
): Promise<CoordinatorProcess> {
  const child = fork(entry, ['start', ...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const words: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => words.splice(0, words.length, ...words.slice(-20), chunk.toString()));
  const died = new Promise<never>((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, killedBy) => {
      reject(new Error(`the coordinator ended (${killedBy ?? `exit code ${code}`}): ${words.join('').trim()}`));
    });
  });
  died.catch(() => undefined);
  try {
    const { url, invites } = await Promise.race([serving(child, signal, readyTimeoutMs), died]);
    return { url, invites, died, stop: () => stopProcess(child) };
  } catch (fault) {
    await stopProcess(child);
    throw fault;
  }
}

/** What the process says once it listens. */
async function serving(
  child: ChildProcess,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<z.infer<typeof servingSchema>> {
  const { promise, resolve, reject } = settlement<unknown>();
  const tooLate = (): void => reject(new Error(`the coordinator did not listen within ${timeoutMs / 1000} s`));
  const timer = setTimeout(tooLate, timeoutMs);
  const aborted = (): void => reject(signal.reason);
  signal.addEventListener('abort', aborted);
  if (signal.aborted) aborted();
  child.once('message', resolve);
  child.once('exit', () => clearTimeout(timer));
  try {
    const message = servingSchema.safeParse(await promise);
    if (message.success) return message.data;
    throw new Error('the coordinator said something else than where it listens');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
