// The demo's coordinator, a process of its own as in real life: started with the command that anyone would use, told
// apart from the outside only by the message with which it says where it listens.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

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

const STOP_TIMEOUT_MS = 10_000;

/** `args`: of `muster start`. @throws Error with the coordinator's own words when it does not start. */
export async function startCoordinatorProcess(args: readonly string[]): Promise<CoordinatorProcess> {
  // Source runs as .ts, the build as .js: the neighbour has the ending of this file.
  const entry = fileURLToPath(new URL(`../../cli/main${import.meta.url.slice(-3)}`, import.meta.url));
  const child = fork(entry, ['start', ...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const words: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => words.splice(0, words.length, ...words.slice(-20), chunk.toString()));
  const died = new Promise<never>((_resolve, reject) => {
    child.once('exit', (code, signal) => {
      reject(new Error(`the coordinator ended (${signal ?? `exit code ${code}`}): ${words.join('').trim()}`));
    });
  });
  died.catch(() => undefined);
  const ready = new Promise<z.infer<typeof servingSchema>>((resolve) => {
    child.once('message', (message) => resolve(servingSchema.parse(message)));
  });
  const { url, invites } = await Promise.race([ready, died]);
  return { url, invites, died, stop: () => stopProcess(child) };
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
