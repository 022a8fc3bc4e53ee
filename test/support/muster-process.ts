// The command line as a process of its own, with its own process group, as a terminal starts it: what it printed, how
// it ended, and whether anything of it is left.

import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { settlement } from '../../shared/settlement.ts';
import { built } from './built.ts';
import { eventually } from './eventually.ts';
import { repositoryRoot } from './fixture-repository.ts';

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class MusterProcess {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  readonly #ended = settlement<void>();
  #stdout = '';
  #stderr = '';

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [built('cli/main.ts'), ...args], {
      cwd: repositoryRoot,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#heard(() => (this.#stdout += chunk.toString())));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#heard(() => (this.#stderr += chunk.toString())));
    this.#child.once('close', () => this.#heard(() => this.#ended.resolve()));
    onTestFinished(() => this.signalGroup('SIGKILL'));
  }

  async end(): Promise<Ended> {
    await this.#ended.promise;
    return { exitCode: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** What `pattern` finds in the output, waited for. @throws Error when the process ends without it. */
  async printed(pattern: RegExp): Promise<readonly string[]> {
    for (;;) {
      const found = pattern.exec(this.#stdout + this.#stderr);
      if (found) return found;
      if (this.#child.exitCode !== null) throw new Error(`it ended without ${pattern}: ${this.#stderr}`);
      const { promise, resolve } = settlement<void>();
      this.#listeners.add(resolve);
      await promise;
      this.#listeners.delete(resolve);
    }
  }

  /** As where the reader of a pipe has gone. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  /** To the command alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To the command and all that it has started, as Ctrl-C in a terminal. */
  signalGroup(signal: NodeJS.Signals): void {
    if (this.#isRunning()) process.kill(-this.#pid, signal);
  }

  /** Resolves when no process of the group is left: what a command started may take its leave a moment later. */
  async gone(): Promise<void> {
    await eventually(() => Promise.resolve(this.#isRunning() ? undefined : true));
  }

  #isRunning(): boolean {
    try {
      process.kill(-this.#pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  get #pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the process could not be started');
    return pid;
  }

  #heard(act: () => void): void {
    act();
    for (const listener of this.#listeners) listener();
  }
}

/** Runs a command to its end. */
export async function muster(...args: readonly string[]): Promise<Ended> {
  return await new MusterProcess(...args).end();
}
