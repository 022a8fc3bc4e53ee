import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { joinFederation } from '../../../client-sdk/index.ts';
import { lockClientFolder } from '../../../client-sdk/platform/client-folder-lock.ts';
import { privacyLedgerFile } from '../../../client-sdk/platform/privacy-ledger-file.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import { built } from '../../support/built.ts';
import { countInLedgerFolder } from '../../support/count-in-ledger-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { withoutRoot } from '../../support/without-root.ts';

const startChild = (source: string): ReturnType<typeof fork> => fork(built(source), { execArgv: [] });
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
    expect(readdirSync(folder)).toEqual(['lock.sqlite']);
  });

  it('is free at once when its owner is killed, and tells who that is until then', async () => {
    const folder = temporaryFolder();
    const other = startChild('test/support/folder-lock-child.ts');
    await once(other, 'message');
    other.send(folder);
    expect(await once(other, 'message')).toContain('locked');
    const found = `${folder} is held by process ${other.pid} of ${hostname()}`;
    expect(await lockClientFolder(folder)).toMatchObject({ refusal: { code: 'folder-in-use', found } });
    other.kill('SIGKILL');
    await once(other, 'exit');
    await accepted(await lockClientFolder(folder)).release();
  });

  it('keeps out a second copy of the module, as of another bundle, in the same process', async () => {
    const folder = temporaryFolder();
    const { release } = accepted(await lockClientFolder(folder));
    vi.resetModules();
    const copy = await import('../../../client-sdk/platform/client-folder-lock.ts');
    expect(copy.lockClientFolder).not.toBe(lockClientFolder);
    expect(await copy.lockClientFolder(folder)).toMatchObject(inUse);
    await release();
  });

  it('lets processes and threads that share a privacy ledger write it one after the other, losing nothing', async () => {
    const folder = temporaryFolder();
    const task = { folder, times: 25 };
    writeFileSync(join(folder, 'count'), '0');
    const children = [1, 2].map(() => startChild('test/support/ledger-count-child.ts'));
    const thread = new Worker(built('test/support/ledger-count-child.ts'));
    try {
      await Promise.all([...children, thread].map((other) => once(other, 'message')));
      const done = [...children, thread].map((other) => once(other, 'message'));
      for (const child of children) child.send(task);
      thread.postMessage(task, []);
      await Promise.all([...done, countInLedgerFolder(task)]);
      expect(readFileSync(join(folder, 'count'), 'utf8')).toBe('100');
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await thread.terminate();
    }
  });

  it('stays although nobody holds on to it: the garbage collector gives nothing back', async () => {
    const folder = temporaryFolder();
    await lockClientFolder(folder);
    setFlagsFromString('--expose-gc');
    // Nothing is collected in the turn that made it.
    await setImmediate();
    runInNewContext('gc()');
    await setImmediate();
    expect(await lockClientFolder(folder)).toMatchObject(inUse);
  });

  it('is refused to everybody where its file may only be read, which would else be locked by all at once', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock.sqlite'), '', { mode: 0o444 });
    await withoutRoot(folder, async () => {
      for (let attempt = 0; attempt < 2; attempt++) {
        await expect(lockClientFolder(folder)).rejects.toThrow(/lock\.sqlite, which has to be writable/);
      }
    });
  });

  it('is not held by the lock files of earlier versions', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'privacy-ledger.lock'));
    for (const of of [folder, join(folder, 'privacy-ledger.lock')]) writeFileSync(join(of, 'lock'), '1 elsewhere\n');
    await accepted(await lockClientFolder(folder)).release();
    const store = await privacyLedgerFile(folder);
    expect(await store.withPrivacyLedger(() => Promise.resolve('done'))).toBe('done');
  });

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
