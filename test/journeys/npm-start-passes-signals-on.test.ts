import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { repositoryRoot } from '../support/fixture-repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Whether any process of the group is left. */
function isRunning(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

describe('npm start', () => {
  // As a container or a service supervisor does: nobody but npm itself is told.
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends in good order when npm alone gets %s, and leaves no process',
    async (signal) => {
      const args = ['start', '--', '--port', '0', '--dir', temporaryFolder()];
      const npm = spawn('npm', args, { cwd: repositoryRoot, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
      const { pid = 0 } = npm;
      onTestFinished(() => {
        if (isRunning(pid)) process.kill(-pid, 'SIGKILL');
      });
      let printed = '';
      npm.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      await eventually(() => Promise.resolve(/Invite: \S+/.exec(printed) ?? undefined));
      const ended = once(npm, 'exit');
      npm.kill(signal);
      expect(await ended).toEqual([130, null]);
      await eventually(() => Promise.resolve(isRunning(pid) ? undefined : true));
    },
  );
});
