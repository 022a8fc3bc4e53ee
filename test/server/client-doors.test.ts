import { describe, expect, it } from 'vitest';
import { ClientDoors } from '../../server/client-doors.ts';
import { chargeStated } from '../../server/privacy/charge-stated.ts';
import type { Foundation } from '../../server/foundation.ts';
import type { LedgerStore } from '../../server/ledger/ledger-store.ts';
import { type RoundActs, RoundRunner } from '../../server/round/run-round.ts';
import type { ReceivedUpdate } from '../../server/update/stages.ts';
import { asDigest, asFederationId } from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import { joinTranscript } from '../../shared/protocol/join-transcript.ts';
import { spentStatementBytes } from '../../shared/protocol/spent-statement.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import { settlement } from '../../shared/settlement.ts';
import { centralTerms } from '../support/central-terms.ts';
import { openRound } from '../support/open-round.ts';
import { codeOf } from '../support/refusal-code.ts';
import { digest, record as recordOf } from '../support/federation-facts.ts';
import { smallFoundation } from '../support/small-foundation.ts';
import * as small from '../support/small-federation.ts';

const PORT = 8080;
const { federation } = small;
const decline = { federation, round: 1, code: 'budget-exhausted' } as const;
/** Small enough for the bounds; six parameters are too few for the noise witness. */
const values = [1, -1, 0.5, 0, 0.25, 1];

/** Doors on real stores, with round 1 open to three clients; `closes` counts how often the round began to close. */
interface DoorsWish {
  readonly beforeBytes?: () => Promise<void>;
  readonly boundsOf?: Foundation['boundsOf'];
  readonly terms?: FederationTerms;
  /** From a backup. */
  readonly restored?: boolean;
}

async function openDoors(wish: DoorsWish = {}) {
  const { beforeBytes = () => Promise.resolve(), boundsOf, terms = small.terms, restored = false } = wish;
  const world = await openRound({ clients: 3 });
  const put: typeof world.blobs.put = (...bytes) => beforeBytes().then(() => world.blobs.put(...bytes));
  const { stores, offered, cohort } = world;
  const log: string[] = [];
  if (restored) await recover(stores.ledger);
  const foundation = await smallFoundation(world, {
    blobs: { ...world.blobs, put },
    terms,
    log: (line) => void log.push(line),
    ...(boundsOf ? { boundsOf } : {}),
  });
  const { clock } = foundation;
  let closes = 0;
  const acts: RoundActs = {
    eligible: () => Promise.resolve([]),
    offer: () => Promise.reject(new Error('offered already')),
    sendOffer: () => undefined,
    sendWithheld: () => undefined,
    close: () => {
      closes += 1;
      return new Promise(() => undefined);
    },
    announceRecord: () => undefined,
    finished: () => undefined,
    failed: () => undefined,
  };
  const timing = { selectionTimeoutMs: 1, deadlineMs: 60_000 };
  const runner = new RoundRunner({ goal: { minimum: 3, size: 3 }, timing, rounds: small.terms.rounds, clock, acts });
  runner.start(1, { offered, awaited: new Set(offered.cohort), turnedAway: new Map() });
  const events = async () => (await stores.ledger.entries()).map(({ event }) => event);
  const typed = async (type: string) => (await events()).filter((event) => event.type === type);
  const doors = new ClientDoors(foundation, runner, { port: () => PORT, onBarred: () => undefined });
  return {
    ...world,
    doors,
    runner,
    clock,
    typed,
    log,
    turns: foundation.turns,
    refusals: foundation.refusals,
    sender: small.memberAt(cohort, 0),
    closes: () => closes,
  };
}

/** Past its deadline, and with too few updates. */
async function abandon({ clock, stores, offered }: Pick<Open, 'clock' | 'stores' | 'offered'>): Promise<void> {
  clock.advance(60_000);
  const code = 'cohort-too-small';
  const { number: round } = offered;
  const { seed, ...record } = recordOf(round);
  const event = { type: 'round-abandoned', round, code, seed, record: digest('record') } as const;
  await stores.rounds.abandon({ ...record, seed, ...offered, state: 'abandoned', code, model: null, verdicts: [] }, [
    event,
  ]);
}

/** What `muster ledger recover` writes, after the first entry. */
async function recover(ledger: LedgerStore): Promise<void> {
  const { root } = (await ledger.headAt(1)) ?? {};
  if (root === undefined) throw new Error('no checkpoint');
  await ledger.append({ type: 'ledger-recovered', kept: 1, root });
}

type Open = Awaited<ReturnType<typeof openDoors>>;

/** The newest head that the ledger has signed. */
async function headOf({ stores }: Pick<Open, 'stores'>): Promise<Envelope['checkpoint']> {
  const head = await stores.ledger.newest();
  if (!head) throw new Error('no checkpoint');
  return { size: head.size, root: head.root };
}

async function beginOf(open: Open, bytes: Uint8Array<ArrayBuffer>, changes: Partial<Envelope> = {}) {
  const { sender, offered } = open;
  const held = { baseModelDigest: offered.baseModel, checkpoint: await headOf(open) };
  const envelope = await small.envelopeFor(sender, bytes, { ...held, ...changes });
  return await small.beginFor(envelope, sender.key);
}

/** The first head, which any statement may name: made again, the statement is the same one. */
async function sameBeginOf(open: Open, bytes: Uint8Array<ArrayBuffer>) {
  const first = await open.stores.ledger.headAt(1);
  if (!first) throw new Error('no checkpoint');
  return await beginOf(open, bytes, { checkpoint: { size: first.size, root: first.root } });
}

/** Announced, and as received with the bytes given. */
async function receivedFrom(open: Open, bytes: Uint8Array<ArrayBuffer>, arrived = bytes): Promise<ReceivedUpdate> {
  const announced = await open.doors.announce(await sameBeginOf(open, bytes), open.sender.client);
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
    const join = { federation, publicKey, name: client.name, audience: `http://localhost:${PORT}`, invite: null };
    const said = { ...join, challenge: 'c0'.repeat(32), protocolVersion: 1 };
    const signed = { ...join, signature: await key.sign(joinTranscript(said)) };
    const now = new Date('2026-03-01T12:00:00.000Z');
    let answered = false;
    const joining = doors.join({ join: signed, ...said, challengedAt: now, now });
    void joining.then(() => (answered = true));
    await doors.idle();
    expect(answered).toBe(true);
    expect(codeOf(await joining)).toBe('admitted');
    gate.resolve();
    await held;
  });

  it('counts for this coordinator’s own address only, and within the time of its challenge', async () => {
    const { doors, cohort } = await openDoors();
    const { key, client } = small.memberAt(cohort, 0);
    const now = new Date('2026-03-01T12:00:00.000Z');
    const joined = async (audience: string, ageMs: number): Promise<string> => {
      const join = { federation, publicKey: key.publicKey, name: client.name, audience, invite: null };
      const said = { ...join, challenge: 'c0'.repeat(32), protocolVersion: 1 };
      const signed = { ...join, signature: await key.sign(joinTranscript(said)) };
      const challengedAt = new Date(now.getTime() - ageMs);
      return codeOf(await doors.join({ join: signed, ...said, challengedAt, now }));
    };
    expect(await joined(`http://localhost:${PORT}`, 30_000)).toBe('admitted');
    expect(await joined(`http://localhost:${PORT}`, 30_001)).toBe('challenge-expired');
    expect(await joined('https://elsewhere.example', 0)).toBe('wrong-audience');
    expect(await joined(`http://localhost:${PORT + 1}`, 0)).toBe('wrong-audience');
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

  it('is held to the bounds of its own round', async () => {
    const boundsOf: Foundation['boundsOf'] = (round) => ({
      maxAbsolute: round === 1 ? 0.9 : 10,
      maxNormL2: 100,
      noise: null,
    });
    const open = await openDoors({ boundsOf });
    const outcome = await open.doors.receive(await receivedFrom(open, small.updateFile(values)));
    expect(codeOf(outcome)).toBe('too-large-value');
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

  it('is still awaited when a second, different statement is refused beside it, and both are on the ledger', async () => {
    const open = await openDoors();
    const received = await receivedFrom(open, small.updateFile(values));
    const other = await beginOf(open, small.updateFile(values.with(0, 2)));
    expect(codeOf(await open.doors.announce(other, open.sender.client))).toBe('equivocation');
    expect(open.runner.awaits(open.sender.client.id)).toBe(true);
    const { envelope: first, signature } = received.announced;
    expect(await open.typed('update-announced')).toMatchObject([{ envelope: first, signature }]);
    expect(await open.typed('equivocation')).toEqual([
      {
        type: 'equivocation',
        round: 1,
        client: open.sender.client.id,
        first: first.updateDigest,
        envelope: other.envelope,
        signature: other.signature,
      },
    ]);
    expect(await open.typed('refused')).toEqual([]);
    expect(codeOf(await open.doors.receive(received))).toBe('staged');
    const [row] = await open.stores.updates.ofRound(1);
    expect(row).toMatchObject({ digest: first.updateDigest, state: 'staged' });
  });

  it('writes a third statement down no more: it is counted', async () => {
    const open = await openDoors();
    await receivedFrom(open, small.updateFile(values));
    for (const value of [2, 3, 4]) {
      const other = await beginOf(open, small.updateFile(values.with(0, value)));
      expect(codeOf(await open.doors.announce(other, open.sender.client))).toBe('equivocation');
    }
    await open.refusals.roundEnded(1);
    expect(await open.typed('equivocation')).toHaveLength(1);
    const { id: client } = open.sender.client;
    expect(await open.typed('refusals-counted')).toMatchObject([{ round: 1, client, counts: { equivocation: 2 } }]);
  });

  it('may name any checkpoint that this ledger has signed, and none other', async () => {
    const open = await openDoors();
    const bytes = small.updateFile(values);
    const heads = await open.stores.ledger.heads();
    const [{ size, root } = await headOf(open)] = heads;
    const known = await beginOf(open, bytes, { checkpoint: { size, root } });
    expect(heads.length).toBeGreaterThan(2);
    expect(codeOf(await open.doors.announce(known, open.sender.client))).toBe('announced');
  });

  it.each([
    { name: 'of a root that this ledger never had', moved: 0, root: small.baseModel },
    { name: 'ahead of this ledger', moved: 5, root: undefined },
    { name: 'of another size', moved: -1, root: undefined },
  ])('that names a checkpoint $name loses its place, on record', async ({ moved, root }) => {
    const open = await openDoors();
    const newest = await headOf(open);
    const checkpoint = { size: newest.size + moved, root: root ?? newest.root };
    const begin = await beginOf(open, small.updateFile(values), { checkpoint });
    expect(codeOf(await open.doors.announce(begin, open.sender.client))).toBe('unknown-checkpoint');
    expect(open.runner.awaits(open.sender.client.id)).toBe(false);
    expect(await open.stores.charges.charges()).toEqual([]);
    const { id: client } = open.sender.client;
    expect(await open.typed('refused')).toMatchObject([{ round: 1, client, code: 'unknown-checkpoint' }]);
  });

  it('with a bad signature is nobody’s: counted, and its client’s place stays as it was', async () => {
    const open = await openDoors();
    const bytes = small.updateFile(values);
    const begin = await beginOf(open, bytes);
    const forged = { ...begin, signature: '0'.repeat(128) };
    for (let attempt = 0; attempt < 3; attempt++)
      expect(codeOf(await open.doors.announce(forged, open.sender.client))).toBe('bad-signature');
    expect(open.runner.awaits(open.sender.client.id)).toBe(true);
    expect(await open.stores.updates.ofRound(1)).toEqual([]);
    expect(codeOf(await open.doors.receive(await receivedFrom(open, bytes)))).toBe('staged');
    await open.refusals.roundEnded(1);
    expect(await open.typed('refused')).toEqual([]);
    expect(await open.typed('refusals-counted')).toEqual([
      { type: 'refusals-counted', round: 1, client: null, counts: { 'bad-signature': 3 } },
    ]);
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
    await open.refusals.roundEnded(1);
    expect(await open.typed('refusals-counted')).toMatchObject([{ client: null, counts: { 'not-enrolled': 1 } }]);
    expect(open.runner.awaits(open.sender.client.id)).toBe(true);
  });
});

describe('the turns at the doors', () => {
  it('of different clients are taken at the same time, those of one client one after another', async () => {
    const open = await openDoors();
    const [one, other] = [small.memberAt(open.cohort, 0), small.memberAt(open.cohort, 1)];
    const bytes = small.updateFile(values);
    const gate = settlement<void>();
    const held = open.turns.share(one.client.id, () => gate.promise);
    const log: string[] = [];
    const speak = async (member: small.Member): Promise<void> => {
      const begin = await beginOf({ ...open, sender: member }, bytes);
      const saying = open.doors.announce(begin, member.client).then((said) => log.push(codeOf(said)));
      await Promise.all([saying, open.doors.decline(decline, member.client).then(() => log.push('declined'))]);
    };
    const waiting = speak(one);
    await speak(other);
    expect(log).toEqual(['announced', 'declined']);
    gate.resolve();
    await Promise.all([held, waiting]);
    expect(log).toEqual(['announced', 'declined', 'announced', 'declined']);
  });

  it('wait for the close of a round, and then find it closed', async () => {
    const open = await openDoors();
    const received = await receivedFrom(open, small.updateFile(values));
    const begun = settlement<void>();
    const gate = settlement<void>();
    const closing = open.turns.run(() => {
      begun.resolve();
      return gate.promise;
    });
    await begun.promise;
    const staging = open.doors.receive(received);
    const declining = open.doors.decline(decline, small.memberAt(open.cohort, 1).client);
    open.clock.advance(60_000);
    gate.resolve();
    await closing;
    const outcomes = [await staging, await declining];
    expect(outcomes.map((outcome) => outcome && codeOf(outcome))).toEqual(['round-closed', 'round-closed']);
    expect(await open.stores.updates.ofRound(1)).toMatchObject([{ state: 'announced' }]);
  });

  it('are idle only when the bytes that were being written have their receipt', async () => {
    const gate = settlement<void>();
    const writing = settlement<void>();
    const beforeBytes = (): Promise<void> => {
      writing.resolve();
      return gate.promise;
    };
    const open = await openDoors({ beforeBytes });
    const receiving = open.doors.receive(await receivedFrom(open, small.updateFile(values)));
    await writing.promise;
    let isIdle = false;
    const idle = open.doors.idle().then(() => (isIdle = true));
    // Nobody has a turn meanwhile.
    await open.turns.run(() => Promise.resolve());
    expect(isIdle).toBe(false);
    gate.resolve();
    await idle;
    expect(await open.stores.updates.ofRound(1)).toMatchObject([{ state: 'staged' }]);
    expect(codeOf(await receiving)).toBe('staged');
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

async function statementOf({ key, client }: small.Member, rounds: readonly number[]) {
  const signature = await key.sign(spentStatementBytes({ federation, client: client.id, rounds }));
  return { federation, rounds: [...rounds], signature };
}

describe('the welcome of a client', () => {
  it('holds the offer for a member of the open round, under the newest checkpoint', async () => {
    const open = await openDoors();
    const { number: round, baseModel } = open.offered;
    open.clock.advance(10_000);
    const member = await open.doors.welcome(open.sender.client);
    const note = (await open.stores.ledger.newest())?.note ?? '';
    expect(member.offer).toEqual({ round, baseModelDigest: baseModel, deadlineMs: 50_000, checkpoint: note });
    const { id: client, organisation } = open.sender.client;
    const facts = { client, organisation, modelDigest: baseModel, finished: false, terms: small.terms };
    expect(member).toMatchObject({ ...facts, checkpoint: note, comeBackInMs: null });
    open.clock.advance(50_000);
    expect(await open.doors.welcome(open.sender.client)).toMatchObject({ offer: null, comeBackInMs: null });
  });

  it('says which rounds are charged to that client, and to no other', async () => {
    const open = await openDoors();
    expect((await open.doors.welcome(open.sender.client)).chargedRounds).toEqual([]);
    await receivedFrom(open, small.updateFile(values));
    expect((await open.doors.welcome(open.sender.client)).chargedRounds).toEqual([1]);
    const { client } = small.memberAt(open.cohort, 1);
    expect((await open.doors.welcome(client)).chargedRounds).toEqual([]);
  });

  it('says which rounds count where a backup was restored: charged, released, or under way', async () => {
    const open = await openDoors({ restored: true });
    const { key, client } = open.sender;
    await open.doors.stateSpent(await statementOf({ key, client }, [2, 7]), client);
    const noiseCommitment = asDigest('c0'.repeat(32));
    await open.stores.releases.charge({ round: 5, noiseMultiplier: 1.5, noiseCommitment });
    expect(new Set((await open.doors.welcome(client)).countedRounds)).toEqual(new Set([1, 2, 5, 7]));
    expect((await open.doors.welcome(client)).chargedRounds).toEqual([2, 7]);
    const other = small.memberAt(open.cohort, 1);
    expect(new Set((await open.doors.welcome(other.client)).countedRounds)).toEqual(new Set([1, 5]));
    open.clock.advance(60_000);
    expect((await open.doors.welcome(other.client)).countedRounds).toEqual([5]);
  });

  it('tells anybody else when to come back, as long as a round is open', async () => {
    const open = await openDoors();
    const { client } = await small.member(77);
    expect(await open.doors.welcome(client)).toMatchObject({ offer: null, comeBackInMs: 60_000 });
    open.clock.advance(59_999);
    expect(await open.doors.welcome(client)).toMatchObject({ offer: null, comeBackInMs: 1 });
    open.clock.advance(1);
    expect(await open.doors.welcome(client)).toMatchObject({ offer: null, comeBackInMs: null });
  });
});

describe('a statement of rounds that were spent and not charged', () => {
  it('charges them, once though it comes three times together, and the client is told so when it joins again', async () => {
    const open = await openDoors({ restored: true });
    const { doors, sender } = open;
    const spent = await statementOf(sender, [1]);
    const saying = [1, 2, 3].map(() => doors.stateSpent(spent, sender.client));
    expect(await Promise.all(saying)).toEqual([undefined, undefined, undefined]);
    expect(await open.typed('spent-rounds-stated')).toHaveLength(1);
    expect(open.log).toEqual([
      `client ${sender.client.id} has spent 1 rounds that were not charged here: they are now`,
    ]);
    expect((await open.doors.welcome(open.sender.client)).chargedRounds).toEqual([1]);
    expect((await open.doors.welcome(small.memberAt(open.cohort, 1).client)).chargedRounds).toEqual([]);
  });

  it('takes a turn alone: what counts is read over other keys too, those that the client’s has taken the place of', async () => {
    const open = await openDoors({ restored: true });
    const [{ sender }, other, third] = [open, small.memberAt(open.cohort, 1), small.memberAt(open.cohort, 2)];
    const spent = await statementOf(sender, [1]);
    const gate = settlement<void>();
    const held = open.turns.share(other.client.id, () => gate.promise);
    const order: string[] = [];
    const saying = open.doors.stateSpent(spent, sender.client).then(() => order.push('stated'));
    // Three times as long as the same takes where nobody has to wait.
    for (const round of [1, 2, 3]) {
      await chargeStated(await statementOf(third, [round]), third.client, { ...open.stores, terms: small.terms });
    }
    gate.resolve();
    await held.then(() => order.push('given back'));
    await saying;
    expect(order).toEqual(['given back', 'stated']);
    expect(await open.typed('spent-rounds-stated')).toHaveLength(4);
  });

  it('takes no round from whoever stated it: an update of it is staged, and pays for nothing more', async () => {
    const open = await openDoors({ restored: true });
    await open.doors.stateSpent(await statementOf(open.sender, [1]), open.sender.client);
    expect(codeOf(await open.doors.receive(await receivedFrom(open, small.updateFile(values))))).toBe('staged');
    expect(await open.stores.charges.charges()).toHaveLength(1);
  });

  it('that the client did not sign is held against nobody', async () => {
    const open = await openDoors({ restored: true });
    const spent = { ...(await statementOf(open.sender, [2])), rounds: [1] };
    const outcome = await open.doors.stateSpent(spent, open.sender.client);
    expect(outcome && codeOf(outcome)).toBe('bad-signature');
    await open.refusals.summarise(null);
    expect(await open.typed('refusals-counted')).toMatchObject([{ client: null, counts: { 'bad-signature': 1 } }]);
    expect(await open.stores.charges.charges()).toEqual([]);
  });

  it('that names what counts already beside what does not is refused, and held against who signed it, within limits', async () => {
    const open = await openDoors({ restored: true });
    const { client } = open.sender;
    await open.doors.stateSpent(await statementOf(open.sender, [1]), client);
    const outcome = await open.doors.stateSpent(await statementOf(open.sender, [1, 2]), client);
    expect(outcome && codeOf(outcome)).toBe('replayed');
    expect(await open.typed('refused')).toMatchObject([{ round: 1, client: client.id, code: 'replayed' }]);
    expect(await open.stores.charges.charges()).toHaveLength(1);
  });
});

describe('a client that comes back to a coordinator that was never restored', () => {
  const central = { ...small.terms, privacy: centralTerms };
  const sinks = async ({ stores, log }: Open) => ({ entries: await stores.ledger.entries(), log: [...log] });

  it.each([
    ['open', 'local', small.terms, false],
    ['open', 'central', central, false],
    ['abandoned', 'local', small.terms, true],
    ['abandoned', 'central', central, true],
  ])(
    'having spent a round that is %s is asked nothing and leaves nothing: %s privacy',
    async (_, __, terms, isOver) => {
      const open = await openDoors({ terms });
      const { client } = open.sender;
      if (isOver) await abandon(open);
      const before = await sinks(open);
      expect(await open.doors.welcome(client)).not.toHaveProperty('countedRounds');
      // As clients do that ask themselves.
      expect(await open.doors.stateSpent(await statementOf(open.sender, [1]), client)).toBeUndefined();
      await open.refusals.summarise(null);
      expect(await sinks(open)).toEqual(before);
      expect(await open.stores.charges.charges()).toEqual([]);
    },
  );
});

describe('a question about the history', () => {
  it('is answered for this federation’s ledger only', async () => {
    const open = await openDoors();
    const { size } = await headOf(open);
    const request = { federation, size, held: null, model: open.offered.baseModel };
    const { id } = open.sender.client;
    expect(await open.doors.proveHistory(request, id)).toMatchObject({ kind: 'ledger-proof', model: { index: 0 } });
    const elsewhere = { ...request, federation: asFederationId('letters') };
    expect(codeOf(await open.doors.proveHistory(elsewhere, id))).toBe('wrong-federation');
  });
});
