import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCoordinatorProcess } from '../../../simulation/demo/coordinator-process.ts';
import { eventually } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A program that notes its process id, then does `act` and stays. */
function programThat(act: string) {
  const dir = temporaryFolder();
  const [entry, pidFile] = [join(dir, 'program.mjs'), join(dir, 'pid')];
  // Renamed, so that whoever finds the file finds the whole of it.
  const [draft, note] = [JSON.stringify(`${pidFile}.draft`), JSON.stringify(pidFile)];
  const noting = `import { renameSync, writeFileSync } from 'node:fs'; writeFileSync(${draft}, String(process.pid)); renameSync(${draft}, ${note});`;
  writeFileSync(entry, `${noting} ${act}; setInterval(() => undefined, 1000);`);
  const runs = (): boolean => {
    try {
      return process.kill(Number(readFileSync(pidFile, 'utf8')), 0);
    } catch {
      return false;
    }
  };
  const noted = () => eventually(() => Promise.resolve(existsSync(pidFile) || undefined));
  return { entry, runs, noted };
}

const never = new AbortController().signal;

describe('the coordinator of a demo', () => {
  it('is there once it has said where it listens, until it is stopped', async () => {
    const { entry, runs } = programThat(`process.send({ kind: 'serving', url: 'http://here', invites: ['a'] })`);
    const { url, invites, stop } = await startCoordinatorProcess([], { signal: never, entry });
    expect([url, invites, runs()]).toEqual(['http://here', ['a'], true]);
    await stop();
    expect(runs()).toBe(false);
  });

  it('is not waited for when the signal aborts, and is gone then', async () => {
    const { entry, runs, noted } = programThat('');
    const controller = new AbortController();
    const starting = startCoordinatorProcess([], { signal: controller.signal, entry });
    await noted();
    controller.abort(new Error('enough'));
    await expect(starting).rejects.toThrow('enough');
    expect(runs()).toBe(false);
  });

  it('is not started for long under a signal that is aborted already', async () => {
    const { entry } = programThat('');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(startCoordinatorProcess([], { signal, entry })).rejects.toThrow('enough');
  });

  it('is given a limited time to listen', async () => {
    const { entry } = programThat('');
    const starting = startCoordinatorProcess([], { signal: never, entry, readyTimeoutMs: 5 });
    await expect(starting).rejects.toThrow('did not listen within 0.005 s');
  });

  it('is given up when it says something else, and is gone then', async () => {
    const { entry, runs } = programThat(`process.send({ kind: 'hello' })`);
    await expect(startCoordinatorProcess([], { signal: never, entry })).rejects.toThrow('something else');
    expect(runs()).toBe(false);
  });

  it('is not waited for when it ends by itself, and its words are handed on', async () => {
    const { entry } = programThat(`console.error('no room'); process.exit(3)`);
    await expect(startCoordinatorProcess([], { signal: never, entry })).rejects.toThrow(/exit code 3.*no room/);
  });
});
