import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinFederation } from '../../../client-sdk/index.ts';
import { lockClientFolder } from '../../../client-sdk/platform/client-folder-lock.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { built } from '../../support/built.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const deadPid = spawnSync(process.execPath, ['--version']).pid;
const deadOwner = (): string => `${deadPid} ${hostname()}\n`;
const inUse = { kind: 'refused', refusal: { code: 'folder-in-use' } };

describe('the lock of a client folder', () => {
  it('lets one client in at a time, and the next one when it is released', async () => {
    const folder = join(temporaryFolder(), 'new');
    const first = accepted(await lockClientFolder(folder));
    expect(await lockClientFolder(folder)).toMatchObject(inUse);
    await first.release();
    const second = accepted(await lockClientFolder(folder));
    await first.release();
    expect(await lockClientFolder(folder)).toMatchObject(inUse);
    await second.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('counts a process that lives, not one that is dead or was us before a restart', async () => {
    const folder = temporaryFolder();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    writeFileSync(join(folder, 'lock'), `${other.pid} ${hostname()}\n`);
    const refused = await lockClientFolder(folder);
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(refused).toMatchObject(inUse);
    expect(refused).toMatchObject({ refusal: { found: expect.stringContaining(`process ${other.pid}`) } });
    await accepted(await lockClientFolder(folder)).release();
    writeFileSync(join(folder, 'lock'), `${process.pid} ${hostname()}\n`);
    await accepted(await lockClientFolder(folder)).release();
    writeFileSync(join(folder, 'lock'), 'no number');
    await accepted(await lockClientFolder(folder)).release();
  });

  it('is held when it is another machine’s: whether that one lives cannot be seen', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock'), '1 elsewhere\n');
    expect(await lockClientFolder(folder)).toMatchObject({
      refusal: { code: 'folder-in-use', hint: 'remove the file when elsewhere is surely gone' },
    });
  });

  it('is not taken over by two at once, and by the next one where a takeover was broken off', async () => {
    const folder = temporaryFolder();
    const takeover = join(folder, 'lock.takeover');
    writeFileSync(join(folder, 'lock'), deadOwner());
    mkdirSync(takeover);
    expect(await lockClientFolder(folder)).toMatchObject(inUse);
    const longAgo = new Date(Date.now() - 11_000);
    utimesSync(takeover, longAgo, longAgo);
    const { release } = accepted(await lockClientFolder(folder));
    expect(readdirSync(folder)).toEqual(['lock']);
    await release();
  });

  it('goes to exactly one of six processes that find a dead owner’s at once', async () => {
    const contenders = Array.from({ length: 6 }, () =>
      fork(built('test/support/folder-lock-child.ts'), { execArgv: [] }),
    );
    try {
      await Promise.all(contenders.map((child) => once(child, 'message')));
      for (let attempt = 0; attempt < 30; attempt++) {
        const folder = temporaryFolder();
        writeFileSync(join(folder, 'lock'), deadOwner());
        const answers = contenders.map((child) => once(child, 'message'));
        for (const child of contenders) child.send(folder);
        const kinds = (await Promise.all(answers)).flat();
        expect(kinds.filter((kind) => kind === 'locked')).toHaveLength(1);
        expect(readdirSync(folder)).toEqual(['lock']);
      }
    } finally {
      for (const child of contenders) child.kill('SIGKILL');
    }
  }, 30_000);

  it('is given back when joining fails, so that it can be tried again', async () => {
    const options = { url: 'http://127.0.0.1:1', federation: 'digits', joinTimeoutMs: 50, folder: temporaryFolder() };
    const trainer = { train: () => Promise.reject(new Error('not asked')) };
    const attempt = joinFederation({ ...options, trainer });
    await expect(attempt).rejects.toThrow('no coordinator answered');
    await expect(joinFederation({ ...options, trainer })).rejects.toThrow('no coordinator answered');
  });

  it('keeps a second client out while the first tries to join', async () => {
    const options = { url: 'http://127.0.0.1:1', federation: 'digits', joinTimeoutMs: 300, folder: temporaryFolder() };
    const trainer = { train: () => Promise.reject(new Error('not asked')) };
    const first = joinFederation({ ...options, trainer });
    const second = joinFederation({ ...options, trainer });
    await expect(Promise.allSettled([first, second])).resolves.toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          reason: expect.objectContaining({ message: expect.stringContaining('no coordinator') }),
        }),
        expect.objectContaining({
          reason: expect.objectContaining({ refusal: expect.objectContaining({ code: 'folder-in-use' }) }),
        }),
      ]),
    );
  });
});
