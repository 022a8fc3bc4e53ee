import { describe, expect, it } from 'vitest';
import { ClientDoors } from '../../server/client-doors.ts';
import { parseFederation } from '../../server/config.ts';
import { mean } from '../../server/aggregation/mean.ts';
import type { Foundation } from '../../server/foundation.ts';
import { RefusalLog } from '../../server/ledger/refusal-log.ts';
import { type RoundActs, RoundRunner } from '../../server/round/run-round.ts';
import { anomalyBounds } from '../../server/update/anomaly/anomaly-bounds.ts';
import type { ReceivedUpdate } from '../../server/update/stages.ts';
import { sha256 } from '../../shared/digest.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { seededRandomSource } from '../../shared/random-source.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import { SerialQueue } from '../../shared/serial-queue.ts';
import { settlement } from '../../shared/settlement.ts';
import { schemaText } from '../../shared/update-format/tensor-schema.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openRound } from '../support/open-round.ts';
import { codeOf } from '../support/refusal-code.ts';
import * as small from '../support/small-federation.ts';

const { federation } = small;
const { training, privacy, tensors, rounds } = small.terms;
const config = accepted(parseFederation({ federation, rounds, training, privacy, model: { tensors } }));
const decline = { federation, round: 1, code: 'budget-exhausted' } as const;
/** Small enough for the bounds; six parameters are too few for the noise witness. */
const values = [1, -1, 0.5, 0, 0.25, 1];

/** Doors on real stores, with round 1 open to three clients; `closes` counts how often the round began to close. */
async function openDoors() {
  const world = await openRound({ clients: 3 });
  const { stores, blobs, offered, cohort, folder } = world;
  const clock = new FakeClock();
  const foundation: Foundation = {
    config,
    stores,
    blobs,
    blobFile: (digest) => folder.blobFile(digest),
    clock,
    random: seededRandomSource(1),
    log: () => undefined,
    federation,
    terms: small.terms,
    schemaDigest: await sha256(schemaText(tensors)),
    rule: mean,
    bounds: anomalyBounds({ training, privacy, parameters: values.length, checks: 3 * rounds }),
    initialModel: offered.baseModel,
    refusals: new RefusalLog(stores.ledger),
    turns: new SerialQueue(),
  };
  let closes = 0;
  const acts: RoundActs = {
    eligible: () => Promise.resolve([]),
    offer: () => Promise.reject(new Error('offered already')),
    sendOffer: () => undefined,
    close: () => {
      closes += 1;
      return new Promise(() => undefined);
    },
    announceRecord: () => undefined,
    finished: () => undefined,
    failed: () => undefined,
  };
  const timing = { selectionTimeoutMs: 1, deadlineMs: 60_000 };
  const runner = new RoundRunner({ goal: { minimum: 3, size: 3 }, timing, rounds, clock, acts });
  runner.start(1, { offered, awaited: new Set(offered.cohort), turnedAway: new Map() });
  const events = async () => (await stores.ledger.entries()).map(({ event }) => event);
  const typed = async (type: string) => (await events()).filter((event) => event.type === type);
  const doors = new ClientDoors(foundation, runner);
  return {
    ...world,
    doors,
    runner,
    clock,
    typed,
    turns: foundation.turns,
    sender: small.memberAt(cohort, 0),
    closes: () => closes,
  };
}

type Open = Awaited<ReturnType<typeof openDoors>>;

async function beginOf({ sender, offered }: Open, bytes: Uint8Array<ArrayBuffer>, changes: object = {}) {
  const envelope = await small.envelopeFor(sender, bytes, { baseModelDigest: offered.baseModel, ...changes });
  return await small.beginFor(envelope, sender.key);
}

/** Announced, and as received with the bytes given. */
async function receivedFrom(open: Open, bytes: Uint8Array<ArrayBuffer>, arrived = bytes): Promise<ReceivedUpdate> {
  const announced = await open.doors.announce(await beginOf(open, bytes), open.sender.client);
  if (announced.kind !== 'announced') throw new Error(codeOf(announced));
  return { kind: 'received', announced, bytes: arrived };
}

describe('a join at the doors', () => {
  it('does not wait for those who stage or close, and is waited for when the coordinator stops', async () => {
    const { doors, turns, cohort } = await openDoors();
    const gate = settlement<void>();
    const held = turns.run(() => gate.promise);
    const { key, client } = small.memberAt(cohort, 0);
    const { publicKey } = key;
    const said = { federation, challenge: 'c0'.repeat(32), protocolVersion: 1, publicKey, name: client.name };
    const join = { federation, publicKey, name: client.name, invite: null };
    const signed = { ...join, signature: await key.sign(joinTranscript(said)) };
    let answered = false;
    const joining = doors.join({ join: signed, challenge: said.challenge, protocolVersion: 1, now: new Date() });
    void joining.then(() => (answered = true));
    await doors.joinsUnderWay();
    expect(answered).toBe(true);
    expect(codeOf(await joining)).toBe('admitted');
    gate.resolve();
    await held;
  });
});

describe('an update at the doors', () => {
  it('is staged, and the round waits for its client no more', async () => {
    const open = await openDoors();
    const outcome = await open.doors.receive(await receivedFrom(open, small.updateFile(values)));
    expect(codeOf(outcome)).toBe('staged');
    expect(open.runner.awaits(open.sender.client.id)).toBe(false);
    expect((await open.typed('update-staged')).length).toBe(1);
  });

  it('is on record with code and figures when its bytes are refused, and may come again whole', async () => {
    const open = await openDoors();
    const bytes = small.updateFile(values);
    const damaged = bytes.with(bytes.byteLength - 1, 77);
    expect(codeOf(await open.doors.receive(await receivedFrom(open, bytes, damaged)))).toBe('bad-digest');
    expect(await open.typed('refused')).toMatchObject([
      { round: 1, client: open.sender.client.id, code: 'bad-digest' },
    ]);
    expect(codeOf(await open.doors.receive(await receivedFrom(open, bytes)))).toBe('staged');
    expect(await open.stores.charges.charges()).toHaveLength(1);
  });

  it('is on record with its figures when a bound refuses it, and only there', async () => {
    const open = await openDoors();
    const outcome = await open.doors.receive(await receivedFrom(open, small.updateFile([99, 0, 0, 0, 0, 0])));
    expect(outcome).not.toHaveProperty('figures');
    expect(codeOf(outcome)).toBe('too-large-value');
    const [row] = await open.stores.updates.ofRound(1);
    expect(row).toMatchObject({ state: 'refused', figures: { maxAbsolute: 99 }, refusal: { code: 'too-large-value' } });
  });

  it('is written down as refused up to a limit only, however often the same bad bytes come', async () => {
    const open = await openDoors();
    const bytes = small.updateFile(values);
    for (let attempt = 0; attempt < 30; attempt++) {
      await open.doors.receive(await receivedFrom(open, bytes, bytes.slice(1)));
    }
    const written = await open.typed('refused');
    expect(written.length).toBeLessThan(30);
    expect(codeOf(await open.doors.receive(await receivedFrom(open, bytes)))).toBe('staged');
  });

  it('stays staged whatever the same client sends after it, at once or later, without a fault', async () => {
    const open = await openDoors();
    const bytes = small.updateFile(values);
    const [first, second] = [await receivedFrom(open, bytes), await receivedFrom(open, bytes, bytes.slice(1))];
    const outcomes = await Promise.all([first, second, first].map((each) => open.doors.receive(each)));
    expect(outcomes.map(codeOf).sort()).toEqual(['bad-length', 'staged', 'staged']);
    expect(codeOf(await open.doors.receive(second))).toBe('bad-length');
    const [row] = await open.stores.updates.ofRound(1);
    expect(row?.state).toBe('staged');
    expect(await open.typed('update-staged')).toHaveLength(1);
  });

  it('is refused, recorded and counted as a report when its statement does not hold', async () => {
    const open = await openDoors();
    const begin = await beginOf(open, small.updateFile(values), { baseModelDigest: small.baseModel });
    expect(codeOf(await open.doors.announce(begin, open.sender.client))).toBe('wrong-base');
    expect(open.runner.awaits(open.sender.client.id)).toBe(false);
    expect(await open.typed('refused')).toMatchObject([{ code: 'wrong-base', client: open.sender.client.id }]);
    expect(await open.stores.charges.charges()).toEqual([]);
  });

  it('is still awaited when a second, different statement is refused beside it', async () => {
    const open = await openDoors();
    await receivedFrom(open, small.updateFile(values));
    const other = await beginOf(open, small.updateFile(values.with(0, 2)));
    expect(codeOf(await open.doors.announce(other, open.sender.client))).toBe('equivocation');
    expect(open.runner.awaits(open.sender.client.id)).toBe(true);
  });

  it('that arrives when the round has begun to close gets no receipt, and is told so', async () => {
    const open = await openDoors();
    const received = await receivedFrom(open, small.updateFile(values));
    open.clock.advance(60_000);
    expect(codeOf(await open.doors.receive(received))).toBe('round-closed');
    const [row] = await open.stores.updates.ofRound(1);
    expect(row?.state).toBe('announced');
    expect(await open.typed('refused')).toMatchObject([{ round: null, code: 'round-closed' }]);
  });

  it('of a socket that has not joined is nobody’s', async () => {
    const open = await openDoors();
    const begin = await beginOf(open, small.updateFile(values));
    expect(codeOf(await open.doors.announce(begin, undefined))).toBe('not-enrolled');
    expect(await open.typed('refused')).toMatchObject([{ client: null, code: 'not-enrolled' }]);
    expect(open.runner.awaits(open.sender.client.id)).toBe(true);
  });
});

describe('declining a round', () => {
  it('is on record once, however often it is said, and the round closes with the last of the cohort', async () => {
    const open = await openDoors();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => open.doors.decline(decline, open.sender.client)),
    );
    expect(outcomes.every((outcome) => outcome === undefined)).toBe(true);
    expect(await open.typed('declined')).toEqual([
      { type: 'declined', round: 1, client: open.sender.client.id, code: 'budget-exhausted' },
    ]);
    expect(open.runner.awaits(open.sender.client.id)).toBe(false);
    for (const { client } of open.cohort) await open.doors.decline(decline, client);
    expect(open.closes()).toBe(1);
    expect(await open.typed('declined')).toHaveLength(3);
  });

  it('counts for a member of the cohort of the open round only', async () => {
    const open = await openDoors();
    const stranger = await small.member(77);
    const codes = [
      await open.doors.decline(decline, undefined),
      await open.doors.decline(decline, stranger.client),
      await open.doors.decline({ ...decline, round: 2 }, open.sender.client),
    ].map((outcome) => outcome && codeOf(outcome));
    expect(codes).toEqual(['not-enrolled', 'not-in-cohort', 'round-closed']);
    expect(await open.typed('declined')).toEqual([]);
    expect(open.runner.awaits(open.sender.client.id)).toBe(true);
  });
});

describe('the welcome of a client', () => {
  it('holds the offer for a member of the open round, and none for anybody else', async () => {
    const open = await openDoors();
    const { number: round, baseModel } = open.offered;
    const member = await open.doors.welcome(open.sender.client);
    expect(member.offer).toEqual({ round, baseModelDigest: baseModel, deadlineMs: 60_000 });
    expect(member).toMatchObject({ modelDigest: baseModel, finished: false, terms: small.terms });
    expect((await open.doors.welcome((await small.member(77)).client)).offer).toBeNull();
    open.clock.advance(60_000);
    expect((await open.doors.welcome(open.sender.client)).offer).toBeNull();
  });
});
