import { describe, expect, it } from 'vitest';
import { type RoundActs, type RoundOffer, RoundRunner } from '../../../server/round/run-round.ts';
import { asClientId, asDigest, type ClientId } from '../../../shared/ids.ts';
import type { RefusalCode } from '../../../shared/protocol/refusals.ts';
import type { OfferedRound, RoundRecord } from '../../../shared/protocol/round-record.ts';
import { settlement } from '../../../shared/settlement.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const clientAt = (index: number): ClientId => asClientId(index.toString(16).padStart(64, '0'));
const everybody = [1, 2, 3, 4, 5].map(clientAt);
const [anna = clientAt(1), ben = clientAt(2), cleo = clientAt(3)] = everybody;
const baseModel = asDigest('ba'.repeat(32));
const timing = { selectionTimeoutMs: 3_000, deadlineMs: 60_000 };

const offeredRound = (number: number, cohort: readonly ClientId[], eligible = cohort): OfferedRound => ({
  number,
  baseModel,
  eligible: [...eligible],
  cohort: [...cohort],
  seedCommitment: asDigest('c0'.repeat(32)),
  f: 0,
  offeredAt: '2026-03-01T12:00:00.000Z',
});

/** Acts that note what they were asked for; each resolves only when the queue has been given its turn. */
class NotedActs implements RoundActs {
  present: readonly ClientId[] = [];
  /** How many are drawn at most. */
  drawn = Infinity;
  readonly offers: OfferedRound[] = [];
  readonly sent: (RoundOffer & { readonly client: ClientId })[] = [];
  readonly withheld: (RoundOffer & { readonly client: ClientId })[] = [];
  readonly closes: { readonly round: number; readonly turnedAway: [ClientId, RefusalCode][] }[] = [];
  readonly announced: number[] = [];
  readonly faults: unknown[] = [];
  finishedTimes = 0;
  state: RoundRecord['state'] = 'committed';
  /** Awaited by offer and close before they answer. */
  gate: Promise<void> = Promise.resolve();

  eligible(): Promise<readonly ClientId[]> {
    return Promise.resolve(this.present);
  }

  async offer(number: number, eligible: readonly ClientId[]): Promise<OfferedRound> {
    const offered = offeredRound(number, eligible.slice(0, this.drawn), eligible);
    this.offers.push(offered);
    await this.gate;
    return offered;
  }

  sendOffer(client: ClientId, offer: RoundOffer): void {
    this.sent.push({ client, ...offer });
  }

  sendWithheld(client: ClientId, offer: RoundOffer): void {
    this.withheld.push({ client, ...offer });
  }

  async close(offered: OfferedRound, turnedAway: ReadonlyMap<ClientId, RefusalCode>): Promise<RoundRecord> {
    this.closes.push({ round: offered.number, turnedAway: [...turnedAway] });
    await this.gate;
    return {
      ...offered,
      seed: asDigest('5e'.repeat(32)),
      state: this.state,
      code: null,
      model: null,
      rule: { name: 'mean', variant: 'unweighted', m: null, neighbours: null, pre: [] },
      aggregation: null,
      central: null,
      optimiser: { name: 'plain', variant: '', stateBefore: null, stateAfter: null },
      updates: [],
      aggregateNormL2: null,
      stepNormL2: null,
      accountant: null,
      bytesReceived: 0,
      closedAt: offered.offeredAt,
      verdicts: [],
    };
  }

  announceRecord({ number }: RoundRecord): void {
    this.announced.push(number);
  }

  finished(): void {
    this.finishedTimes += 1;
  }

  failed(fault: unknown): void {
    this.faults.push(fault);
  }
}

function runnerOf({ rounds = 3, minimum = 3, size = 5 } = {}) {
  const [acts, clock] = [new NotedActs(), new FakeClock()];
  const runner = new RoundRunner({ goal: { minimum, size }, timing, rounds, clock, acts });
  const populate = async (present: readonly ClientId[]): Promise<void> => {
    acts.present = present;
    runner.populationChanged();
    await settled();
  };
  return { acts, clock, runner, populate };
}

/** Everything that waits on promises alone has happened. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function offeredToThree() {
  const world = runnerOf();
  world.runner.start(1);
  await world.populate([anna, ben, cleo]);
  world.clock.advance(timing.selectionTimeoutMs);
  await settled();
  expect(world.runner.open?.number).toBe(1);
  return world;
}

describe('the selection of clients', () => {
  it('offers at once when the wished size is there', async () => {
    const { acts, clock, runner, populate } = runnerOf();
    runner.start(1);
    await populate(everybody);
    expect(runner.open?.cohort).toEqual(everybody);
    expect(acts.sent.map(({ client }) => client)).toEqual(everybody);
    expect(acts.sent[0]).toEqual({ client: anna, round: 1, baseModelDigest: baseModel, deadlineMs: timing.deadlineMs });
    expect(clock.pending).toBe(1);
  });

  it('tells those who were not drawn when to come back, and nobody twice', async () => {
    const { acts, runner, populate } = runnerOf();
    acts.drawn = 3;
    runner.start(1);
    await populate(everybody);
    expect(acts.sent.map(({ client }) => client)).toEqual(everybody.slice(0, 3));
    const { deadlineMs } = timing;
    expect(acts.withheld).toEqual(
      everybody.slice(3).map((client) => ({ client, round: 1, baseModelDigest: baseModel, deadlineMs })),
    );
  });

  it('waits for more with the minimum there, to the millisecond, and offers to those who have come', async () => {
    const { acts, clock, runner, populate } = runnerOf();
    runner.start(1);
    await populate([anna, ben]);
    expect(clock.pending).toBe(0);
    await populate([anna, ben, cleo]);
    clock.advance(timing.selectionTimeoutMs - 1);
    await populate(everybody.slice(0, 4));
    expect(acts.offers).toEqual([]);
    clock.advance(1);
    await settled();
    expect(acts.offers.map(({ cohort }) => cohort)).toEqual([everybody.slice(0, 4)]);
  });

  it('offers nothing to fewer than the minimum, though more were there when it was decided', async () => {
    const { acts, clock, runner, populate } = runnerOf();
    runner.start(1);
    await populate([anna, ben, cleo]);
    acts.present = [anna];
    clock.advance(timing.selectionTimeoutMs);
    await settled();
    expect(acts.offers).toEqual([]);
    expect(runner.open).toBeUndefined();
    await populate(everybody);
    expect(acts.offers.map(({ number }) => number)).toEqual([1]);
  });
});

describe('the end of a round', () => {
  it('comes with the last report, and is told before the next selection', async () => {
    const { acts, clock, runner } = await offeredToThree();
    acts.present = [];
    for (const client of [anna, ben, cleo]) runner.reported(client, 1, 'staged');
    expect(runner.open).toBeUndefined();
    await settled();
    expect(acts.closes).toEqual([{ round: 1, turnedAway: [] }]);
    expect(acts.announced).toEqual([1]);
    expect(clock.pending).toBe(0);
  });

  it('comes with the deadline, counted from the offer, for whoever has not reported', async () => {
    const { acts, clock, runner } = await offeredToThree();
    runner.reported(anna, 1, 'staged');
    clock.advance(timing.deadlineMs - 1);
    await settled();
    expect(acts.closes).toEqual([]);
    expect(runner.open && runner.offerOf(runner.open).deadlineMs).toBe(1);
    clock.advance(1);
    await settled();
    expect(acts.closes.map(({ round }) => round)).toEqual([1]);
  });

  it('hands on why clients were turned away, and forgets it for the next round', async () => {
    const { acts, runner } = await offeredToThree();
    runner.turnAway(anna, 1, 'budget-exhausted');
    runner.turnAway(ben, 1, 'bad-signature');
    runner.reported(cleo, 1, 'staged');
    acts.present = everybody;
    await settled();
    await settled();
    for (const client of everybody) runner.reported(client, 2, 'staged');
    await settled();
    expect(acts.closes).toEqual([
      {
        round: 1,
        turnedAway: [
          [anna, 'budget-exhausted'],
          [ben, 'bad-signature'],
        ],
      },
      { round: 2, turnedAway: [] },
    ]);
  });

  it('does not come from reports of another round, nor does what was said in one count in another', async () => {
    const { acts, clock, runner } = await offeredToThree();
    for (const client of [anna, ben, cleo]) {
      runner.reported(client, 2, 'staged');
      runner.turnAway(client, 0, 'bad-signature');
    }
    await settled();
    expect(acts.closes).toEqual([]);
    clock.advance(timing.deadlineMs);
    await settled();
    expect(acts.closes).toEqual([{ round: 1, turnedAway: [] }]);
  });

  it('is heard once: what is reported while it closes changes nothing', async () => {
    const { acts, clock, runner } = await offeredToThree();
    const gate = settlement<void>();
    acts.gate = gate.promise;
    clock.advance(timing.deadlineMs);
    for (const client of [anna, ben, cleo]) runner.turnAway(client, 1, 'bad-signature');
    clock.advance(timing.deadlineMs);
    gate.resolve();
    await settled();
    expect(acts.closes).toEqual([{ round: 1, turnedAway: [] }]);
  });

  it('tells whom it still awaits', async () => {
    const { runner } = await offeredToThree();
    expect([anna, ben, clientAt(9)].map((client) => runner.awaits(client))).toEqual([true, true, false]);
    runner.reported(anna, 1, 'refused');
    expect(runner.awaits(anna)).toBe(false);
  });
});

describe('the run of all rounds', () => {
  it('goes on to the next round after a committed and after an abandoned one, and is finished after the last', async () => {
    const { acts, clock, runner, populate } = runnerOf({ rounds: 2 });
    runner.start(1);
    await populate(everybody);
    acts.state = 'abandoned';
    clock.advance(timing.deadlineMs);
    await settled();
    expect(acts.offers.map(({ number }) => number)).toEqual([1, 2]);
    expect([runner.isFinished, acts.finishedTimes]).toEqual([false, 0]);
    clock.advance(timing.deadlineMs);
    await settled();
    expect([runner.isFinished, acts.finishedTimes, clock.pending]).toEqual([true, 1, 0]);
    await populate(everybody);
    expect(acts.offers).toHaveLength(2);
  });

  it('is finished at once when it starts behind the last round', () => {
    const { acts, runner } = runnerOf({ rounds: 2 });
    runner.start(3);
    expect([runner.isFinished, acts.finishedTimes]).toEqual([true, 1]);
  });

  it('goes on with a round found under way, offered to nobody anew and open for those who have not reported', async () => {
    const { acts, clock, runner } = runnerOf();
    const offered = offeredRound(2, [anna, ben, cleo]);
    runner.start(2, { offered, awaited: new Set([cleo]), turnedAway: new Map([[ben, 'bad-signature']]) });
    expect(runner.open).toBe(offered);
    expect(runner.offerOf(offered).deadlineMs).toBe(timing.deadlineMs);
    expect([acts.offers, acts.sent, clock.pending]).toEqual([[], [], 1]);
    runner.reported(cleo, 2, 'staged');
    await settled();
    expect(acts.closes).toEqual([{ round: 2, turnedAway: [[ben, 'bad-signature']] }]);
  });

  it('closes a round found under way in which nobody is awaited', async () => {
    const { acts, runner } = runnerOf();
    const offered = offeredRound(2, [anna]);
    runner.start(2, { offered, awaited: new Set(), turnedAway: new Map() });
    await settled();
    expect(acts.closes.map(({ round }) => round)).toEqual([2]);
  });
});

describe('a stopped run', () => {
  it('keeps no timer and starts nothing more', async () => {
    const { acts, clock, runner, populate } = await offeredToThree();
    await runner.stop();
    expect(clock.pending).toBe(0);
    for (const client of [anna, ben, cleo]) runner.reported(client, 1, 'staged');
    clock.advance(timing.deadlineMs);
    await populate(everybody);
    expect([acts.closes, acts.offers.length]).toEqual([[], 1]);
  });

  it('lets the close under way end and tells its record, but selects for no other round', async () => {
    const { acts, clock, runner } = await offeredToThree();
    const gate = settlement<void>();
    acts.gate = gate.promise;
    clock.advance(timing.deadlineMs);
    await settled();
    const stopped = runner.stop();
    gate.resolve();
    await stopped;
    await settled();
    expect(acts.announced).toEqual([1]);
    expect([acts.offers.length, clock.pending]).toEqual([1, 0]);
  });

  it('does nothing that was still waiting for its turn', async () => {
    const { acts, runner } = runnerOf();
    const gate = settlement<void>();
    let asked = 0;
    acts.eligible = async () => {
      asked += 1;
      await gate.promise;
      return everybody;
    };
    runner.start(1);
    runner.populationChanged();
    runner.populationChanged();
    await settled();
    const stopped = runner.stop();
    gate.resolve();
    await stopped;
    await settled();
    expect([asked, acts.offers]).toEqual([1, []]);
  });

  it('sends no offer of a round that was being written down', async () => {
    const { acts, clock, runner, populate } = runnerOf();
    const gate = settlement<void>();
    acts.gate = gate.promise;
    runner.start(1);
    await populate(everybody);
    const stopped = runner.stop();
    gate.resolve();
    await stopped;
    await settled();
    expect([acts.offers.length, acts.sent, acts.withheld, clock.pending]).toEqual([1, [], [], 0]);
  });
});

describe('a fault', () => {
  it.each(['eligible', 'offer'] as const)('in %s reaches whoever can end the coordinator', async (act) => {
    const { acts, runner, populate } = runnerOf();
    const fault = new Error('disk full');
    acts[act] = (): Promise<never> => Promise.reject(fault);
    runner.start(1);
    await populate(everybody);
    expect(acts.faults[0]).toBe(fault);
    expect(runner.open).toBeUndefined();
  });

  it('in the close leaves the round closed to updates and untold', async () => {
    const { acts, clock, runner } = await offeredToThree();
    const fault = new Error('disk full');
    acts.close = () => Promise.reject(fault);
    clock.advance(timing.deadlineMs);
    await settled();
    expect(acts.faults).toEqual([fault]);
    expect([runner.open, acts.announced]).toEqual([undefined, []]);
  });
});
