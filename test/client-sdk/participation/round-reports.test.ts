import { describe, expect, it } from 'vitest';
import { type RoundReport, RoundReports } from '../../../client-sdk/participation/round-reports.ts';
import { asDigest } from '../../../shared/ids.ts';

const report = (round: number): RoundReport => ({
  round,
  verdict: 'selected',
  code: null,
  declined: null,
  state: 'committed',
  modelDigest: asDigest('ab'.repeat(32)),
  epsilon: 1.5,
});

async function roundsOf(iteration: AsyncGenerator<RoundReport, void, undefined>): Promise<readonly number[]> {
  const rounds: number[] = [];
  for await (const { round } of iteration) rounds.push(round);
  return rounds;
}

describe('RoundReports', () => {
  it('keeps for a slow consumer what arrives before it asks', async () => {
    const reports = new RoundReports();
    const iteration = reports.iterate();
    for (const round of [1, 2, 3]) reports.publish(report(round));
    reports.end();
    expect(await roundsOf(iteration)).toEqual([1, 2, 3]);
  });

  it('wakes a consumer that waits, and loses nothing that arrives while it is busy', async () => {
    const reports = new RoundReports();
    const iteration = reports.iterate();
    const first = iteration.next();
    reports.publish(report(1));
    reports.publish(report(2));
    expect((await first).value).toEqual(report(1));
    reports.publish(report(3));
    expect((await iteration.next()).value).toEqual(report(2));
    expect((await iteration.next()).value).toEqual(report(3));
    const last = iteration.next();
    reports.end();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  it('gives every consumer everything from its own beginning on', async () => {
    const reports = new RoundReports();
    const all = reports.iterate();
    reports.publish(report(1));
    const later = reports.iterate();
    reports.publish(report(2));
    reports.end();
    expect(await Promise.all([roundsOf(all), roundsOf(later)])).toEqual([[1, 2], [2]]);
  });

  it('ends an iteration that begins after the end', async () => {
    const reports = new RoundReports();
    reports.end();
    expect(await roundsOf(reports.iterate())).toEqual([]);
  });

  it('has ended for a consumer that breaks off', async () => {
    const reports = new RoundReports();
    const iteration = reports.iterate();
    reports.publish(report(1));
    for await (const { round } of iteration) if (round === 1) break;
    reports.publish(report(2));
    expect(await iteration.next()).toEqual({ done: true, value: undefined });
  });

  it('tells a subscriber until it unsubscribes, also while it is being told', () => {
    const reports = new RoundReports();
    const heard: string[] = [];
    const stopFirst = reports.subscribe(({ round }) => {
      heard.push(`first ${round}`);
      if (round === 2) stopFirst();
    });
    reports.subscribe(({ round }) => heard.push(`second ${round}`));
    for (const round of [1, 2, 3]) reports.publish(report(round));
    expect(heard).toEqual(['first 1', 'second 1', 'first 2', 'second 2', 'second 3']);
  });

  it('tells a subscriber nothing at the end', () => {
    const reports = new RoundReports();
    const heard: unknown[] = [];
    reports.subscribe((each) => heard.push(each));
    reports.end();
    expect(heard).toEqual([]);
  });
});
