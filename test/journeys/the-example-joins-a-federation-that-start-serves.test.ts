import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { federationTemplate } from '../../cli/federation-template.ts';
import { repositoryRoot } from '../support/fixture-repository.ts';
import { MusterProcess } from '../support/muster-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The federation of `muster init`, small enough for one client. */
const federation = federationTemplate
  .replace(/^rounds: \d+/m, 'rounds: 2')
  .replace(/minimum: \d+/, 'minimum: 1')
  .replace(/size: \d+/, 'size: 1')
  .replace(/name: multi-krum/, 'name: mean')
  .replace(/f: 0\.2/, 'f: 0');

describe('the client of the README', () => {
  it('joins with the invite that start prints, takes part in every round, and ends when they have been run', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'federation.yaml'), federation);
    const coordinator = new MusterProcess(
      'start',
      '--config',
      join(folder, 'federation.yaml'),
      '--dir',
      join(folder, 'served'),
      '--port',
      '0',
    );
    const [, url = ''] = await coordinator.printed(/served at (\S+)/);
    const [, invite = ''] = await coordinator.printed(/Invite: (\S+)/);
    const example = join(repositoryRoot, 'examples', 'digits-client.ts');
    const command = ['--import', 'tsx', example, invite, join(folder, 'my-client-1'), url];
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: repositoryRoot });
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^round 1: selected .*epsilon \d+\.\d\d spent/),
      expect.stringMatching(/^round 2: selected .*epsilon \d+\.\d\d spent/),
    ]);
    coordinator.signalGroup('SIGINT');
    expect((await coordinator.end()).exitCode).toBe(130);
  }, 60_000);
});
