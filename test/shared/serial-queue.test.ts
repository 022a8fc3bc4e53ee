import { describe, expect, it } from 'vitest';
import { SerialQueue } from '../../shared/serial-queue.ts';
import { settlement } from '../../shared/settlement.ts';

describe('a serial queue', () => {
  it('runs one act at a time, in the order of asking, whatever each takes', async () => {
    const queue = new SerialQueue();
    const gates = [settlement<void>(), settlement<void>(), settlement<void>()];
    const log: string[] = [];
    const runs = gates.map(({ promise }, i) =>
      queue.run(async () => {
        log.push(`start ${i}`);
        await promise;
        log.push(`end ${i}`);
        return i;
      }),
    );
    for (const { resolve } of [...gates].reverse()) resolve();
    expect(await Promise.all(runs)).toEqual([0, 1, 2]);
    expect(log).toEqual(['start 0', 'end 0', 'start 1', 'end 1', 'start 2', 'end 2']);
  });

  it('hands a failure to whoever asked, and goes on with the next', async () => {
    const queue = new SerialQueue();
    const fault = new Error('disk full');
    const failing = queue.run(() => Promise.reject(fault));
    const throwing = queue.run(() => {
      throw fault;
    });
    const next = queue.run(() => Promise.resolve('done'));
    await expect(failing).rejects.toBe(fault);
    await expect(throwing).rejects.toBe(fault);
    expect(await next).toBe('done');
  });

  it('never starts an act at once, so that whoever asks has finished its own step', async () => {
    const queue = new SerialQueue();
    let started = false;
    const run = queue.run(() => {
      started = true;
      return Promise.resolve();
    });
    expect(started).toBe(false);
    await run;
    expect(started).toBe(true);
  });
});
