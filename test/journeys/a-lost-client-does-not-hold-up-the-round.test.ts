import { describe, expect, it } from 'vitest';
import type { RoundReport } from '../../client-sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { HandClock } from '../support/hand-clock.ts';
import { DEADLINE_MS, SELECTION_TIMEOUT_MS, startWorld, verdictOf, type World } from '../support/journey-world.ts';

/** What names the raw client's noise: no honest client has the same. */
const OWN_NOISE = 50;

/** Resolves when that many updates of the round are staged. */
async function staged(world: World, round: number, count: number): Promise<void> {
  await eventually(async () => {
    const rows = await world.stores.updates.ofRound(round);
    return rows.filter(({ state }) => state === 'staged').length === count ? rows : undefined;
  });
}

async function firstReport(world: World): Promise<RoundReport> {
  const [first] = world.honest;
  return await new Promise((resolve) => first?.client.onRound(resolve));
}

describe('a client that is lost after the offer', () => {
  it('is told nothing and costs nobody the round: the deadline closes it with those who have sent', async () => {
    const clock = new HandClock();
    await using world = await startWorld({ clients: 5, clock });
    const lost = await world.rawClient();
    await lost.nextOffer();
    lost[Symbol.dispose]();
    await staged(world, 1, 5);
    expect(clock.running).toEqual([DEADLINE_MS]);
    const reported = firstReport(world);
    clock.elapse(DEADLINE_MS);

    const record = await world.record(1);
    expect(record).toMatchObject({ state: 'committed', code: null, f: 1 });
    expect(record.updates).toHaveLength(5);
    expect(verdictOf(record, lost.key)).toMatchObject({
      verdict: 'refused',
      code: 'deadline-missed',
      layer: 'transport',
      updateDigest: null,
      epsilon: 0,
    });
    expect(await reported).toMatchObject({ round: 1, state: 'committed', modelDigest: record.model });
  });

  it('keeps what it had announced: half an upload is deadline-missed, and charged', async () => {
    const clock = new HandClock();
    await using world = await startWorld({ clients: 5, clock });
    const lost = await world.rawClient();
    const offer = await lost.nextOffer();
    const submission = await lost.submission(formulaUpdate(world.terms, OWN_NOISE, 1), offer);
    expect(await lost.begin(submission)).toMatchObject({ kind: 'send-from', offset: 0 });
    lost[Symbol.dispose]();
    await staged(world, 1, 5);
    clock.elapse(DEADLINE_MS);
    const verdict = verdictOf(await world.record(1), lost.key);
    expect(verdict).toMatchObject({ code: 'deadline-missed', updateDigest: submission.envelope.updateDigest });
    expect(verdict?.epsilon).toBeGreaterThan(0);
  });

  it('that comes back late is told that the round has closed, and is in the next one', async () => {
    const clock = new HandClock();
    await using world = await startWorld({ clients: 5, clock, config: { rounds: 2 } });
    const lost = await world.rawClient();
    const offer = await lost.nextOffer();
    lost[Symbol.dispose]();
    await staged(world, 1, 5);
    clock.elapse(DEADLINE_MS);
    await world.record(1);
    const back = await world.rawClient();
    expect((await back.nextOffer()).round).toBe(2);
    const late = await back.submission(formulaUpdate(world.terms, OWN_NOISE, 1), offer);
    expect((await back.upload(late)).refusal?.code).toBe('round-closed');
  });
});

describe('too few updates', () => {
  it('abandon the round, the base model stays, and the next round starts', async () => {
    const clock = new HandClock();
    await using world = await startWorld({ clients: 4, clock, config: { rounds: 2 }, cohort: { minimum: 5, size: 5 } });
    const silent = await world.rawClient();
    const first = await silent.nextOffer();
    await staged(world, 1, 4);
    const reported = firstReport(world);
    clock.elapse(DEADLINE_MS);
    const abandoned = await world.record(1);
    expect(abandoned).toMatchObject({ state: 'abandoned', code: 'cohort-too-small', model: null });
    expect(await reported).toMatchObject({ round: 1, state: 'abandoned', modelDigest: abandoned.baseModel });
    const ended = (await world.events()).filter(({ type }) => type === 'round-abandoned');
    expect(ended).toMatchObject([{ round: 1, code: 'cohort-too-small', seed: abandoned.seed }]);
    const others = abandoned.verdicts.filter(({ client }) => client !== silent.key.clientId);
    expect(new Set(others.map(({ verdict, code }) => `${verdict} ${code}`))).toEqual(
      new Set(['not-selected cohort-too-small']),
    );

    const second = await silent.nextOffer();
    expect(second).toMatchObject({ round: 2, baseModelDigest: first.baseModelDigest });
    await silent.upload(await silent.submission(formulaUpdate(world.terms, OWN_NOISE, 2), second));
    expect(await world.record(2)).toMatchObject({ state: 'committed', baseModel: abandoned.baseModel });
  });

  it('are not made up for by refused ones: two liars of six leave four honest, and f stays 1', async () => {
    await using world = await startWorld({ clients: 4 });
    const liars = [await world.rawClient(1), await world.rawClient(2)];
    for (const liar of liars) {
      const quiet = new Float32Array(525).fill(0.01);
      const reply = await liar.upload(await liar.submission(quiet, await liar.nextOffer()));
      expect(reply.refusal?.code).toBe('noise-missing');
    }
    const record = await world.record(1);
    expect(record).toMatchObject({ state: 'abandoned', code: 'cohort-too-small', f: 1 });
    expect(record.updates).toHaveLength(4);
  });
});

describe('the selection of a cohort', () => {
  it('waits for more clients once the minimum is there, and no longer than it says', async () => {
    const clock = new HandClock();
    await using world = await startWorld({ clients: 4, clock, cohort: { minimum: 5, size: 20 } });
    expect(clock.running).toEqual([]);
    await world.addClients(1);
    await eventually(() => Promise.resolve(clock.running.includes(SELECTION_TIMEOUT_MS) || undefined));
    expect(await world.stores.rounds.underWay()).toBeUndefined();
    clock.elapse(SELECTION_TIMEOUT_MS);
    expect((await world.record(1)).cohort).toHaveLength(5);
  });
});
