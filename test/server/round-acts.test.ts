import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { selectCohort } from '../../server/admission/select-cohort.ts';
import type { EnrolledClient } from '../../server/admission/enrolment-store.ts';
import { CoordinatorActs } from '../../server/round-acts.ts';
import { ByteMeter } from '../../server/transport/byte-meter.ts';
import { SocketGateway } from '../../server/transport/socket-gateway.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { asOrganisationId, type ClientId } from '../../shared/ids.ts';
import type { CoordinatorToClient } from '../../shared/protocol/events.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import type { OfferedRound } from '../../shared/protocol/round-record.ts';
import type { CentralPrivacyTerms, LocalPrivacyTerms } from '../../shared/protocol/terms.ts';
import { centralTerms } from '../support/central-terms.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NotedDoors } from '../support/noted-doors.ts';
import { enrolAll, foundedIn, type OpenRound, stage } from '../support/open-round.ts';
import { smallFoundation } from '../support/small-foundation.ts';
import { federation, memberAt, members, terms } from '../support/small-federation.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

if (terms.privacy.mode !== 'local') throw new Error('expected terms with privacy');
const localTerms = terms.privacy;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Clients that are there as a test says; what they are sent is noted. */
class NotedGateway extends SocketGateway {
  present: readonly ClientId[] = [];
  readonly sent: { readonly client: ClientId; readonly event: string; readonly message: unknown }[] = [];
  readonly barred: ClientId[] = [];

  constructor() {
    super({ http: createServer(), doors: new NotedDoors(), clock: new FakeClock(), log: () => undefined });
  }

  override get connected(): readonly ClientId[] {
    return this.present;
  }

  override send<Event extends keyof CoordinatorToClient>(
    client: ClientId,
    event: Event,
    ...message: Parameters<CoordinatorToClient[Event]>
  ): void {
    this.sent.push({ client, event, message: message[0] });
  }

  override bar(client: ClientId): void {
    this.barred.push(client);
  }

  heard(event: string): readonly { readonly client: ClientId; readonly message: unknown }[] {
    return this.sent.filter((each) => each.event === event);
  }
}

interface ActsWish {
  readonly clients: number;
  readonly config?: object;
  /** Over the terms. */
  readonly privacy?: Partial<LocalPrivacyTerms> | CentralPrivacyTerms;
  /** Of the enrolment of the client at that place, in the order of ids. */
  readonly enrolled?: (index: number) => Partial<EnrolledClient>;
}

/** Founded, everybody enrolled and connected, no round offered. */
async function actsOn({ clients, config = {}, privacy = {}, enrolled = () => ({}) }: ActsWish) {
  const place = await foundedIn(temporaryFolder());
  const { stores, folder } = place;
  const cohort = await members(clients);
  await enrolAll(
    stores,
    cohort.map(({ client }, index) => ({ ...client, ...enrolled(index) })),
  );
  const foundation = await smallFoundation(place, {
    config,
    terms: { ...terms, privacy: privacy.mode === 'central' ? privacy : { ...localTerms, ...privacy } },
  });
  const gateway = new NotedGateway();
  gateway.present = cohort.map(({ client }) => client.id);
  const restarted = () =>
    new CoordinatorActs({
      foundation,
      meter: new ByteMeter(),
      gateway: () => gateway,
      onFinished: () => undefined,
      onFault: () => undefined,
    });
  const events = async () => (await stores.ledger.entries()).map((entry) => entry.event);
  const typed = async (type: string) => (await events()).filter((each) => each.type === type);
  const ids = [...gateway.present];
  return {
    ...place,
    blobs: folder.blobs,
    cohort,
    ids,
    foundation,
    gateway,
    acts: restarted(),
    restarted,
    events,
    typed,
  };
}

type Acting = Awaited<ReturnType<typeof actsOn>>;

/** Offered, with an update of every member of the cohort staged: around (1, 2, ..., 6), each a little off. */
async function stagedRound(acting: Acting, number: number): Promise<OpenRound & { readonly offered: OfferedRound }> {
  const offered = await acting.acts.offer(number, await acting.acts.eligible(number));
  const world = { ...acting, offered };
  for (const [index, { client }] of acting.cohort.entries())
    if (offered.cohort.includes(client.id)) {
      const off = [0, 1, -1, 2, -2, 3, -3][index] ?? 4;
      const values = [1, 2, 3, 4, 5, 6].map((value) => value + number / 64 + off / 256);
      await stage(world, memberAt(acting.cohort, index), values);
    }
  return world;
}

const nobodyTurnedAway: ReadonlyMap<ClientId, RefusalCode> = new Map();

describe('the seed of a round', () => {
  it('is committed to on the ledger before anybody is offered the round, and once', async () => {
    const acting = await actsOn({ clients: 3 });
    await acting.acts.eligible(1);
    await acting.acts.eligible(1);
    const offered = await acting.acts.offer(1, await acting.acts.eligible(1));
    const { seedCommitment } = offered;
    expect(await acting.typed('round-seed-committed')).toEqual([
      { type: 'round-seed-committed', round: 1, seedCommitment },
    ]);
    const order = (await acting.events()).map(({ type }) => type).filter((type) => type.startsWith('round'));
    expect(order).toEqual(['round-seed-committed', 'round-offered']);
  });

  it('is the same after a restart, so that nobody can draw again until a cohort suits', async () => {
    const acting = await actsOn({ clients: 3 });
    await acting.acts.eligible(1);
    const known = await acting.stores.rounds.seedOf(1);
    const offered = await acting.restarted().offer(1, acting.ids);
    expect(offered.seedCommitment).toBe(known?.commitment);
    expect(await acting.typed('round-seed-committed')).toHaveLength(1);
  });

  it('is another for each round', async () => {
    const acting = await actsOn({ clients: 3 });
    for (const round of [1, 2, 3]) await acting.acts.eligible(round);
    const seeds = await Promise.all([1, 2, 3].map((round) => acting.stores.rounds.seedOf(round)));
    expect(new Set(seeds.map((known) => known?.seed)).size).toBe(3);
  });

  it('is revealed by the record and the ledger when the round has ended, and opens its commitment', async () => {
    const acting = await actsOn({ clients: 3 });
    const { offered } = await stagedRound(acting, 1);
    const { seed, seedCommitment } = await acting.acts.close(offered, nobodyTurnedAway);
    expect(seedCommitment).toBe(offered.seedCommitment);
    const opened = canonicalJson({ domain: 'muster/round-seed/v1', federation, round: 1, seed });
    expect(sha256(opened)).toBe(seedCommitment);
    const before = (await acting.stores.ledger.rows()).filter(
      ({ type }) => !/^round-(committed|abandoned)$/.test(type),
    );
    expect(before.filter(({ text }) => text.includes(seed))).toEqual([]);
    const [committed] = await acting.typed('round-committed');
    expect(committed).toMatchObject({ seed });
  });
});

describe('the cohort of a round', () => {
  const config = { cohort: { minimum: 3, size: 4, maxPerOrganisation: 2 } };
  const organisationOf = (index: number) => asOrganisationId(index < 5 ? 'big' : 'small');
  const enrolled = (index: number) => ({ organisation: organisationOf(index) });

  it('follows from the revealed seed and the eligible list alone', async () => {
    const acting = await actsOn({ clients: 7, config, enrolled });
    const { offered } = await stagedRound(acting, 1);
    const { seed, eligible } = await acting.acts.close(offered, nobodyTurnedAway);
    const candidates = eligible.map((id) => ({ id, organisation: organisationOf(acting.ids.indexOf(id)) }));
    expect(offered.cohort).toEqual(selectCohort(candidates, { size: 4, maxPerOrganisation: 2, seed }));
    expect(offered.cohort).toHaveLength(4);
    expect(offered.cohort.filter((id) => organisationOf(acting.ids.indexOf(id)) === 'big')).toHaveLength(2);
  });

  it('is recorded with everybody it was drawn from, by id, and that list’s digest on the ledger', async () => {
    const acting = await actsOn({ clients: 7, config, enrolled });
    acting.gateway.present = [...acting.ids].reverse();
    const offered = await acting.acts.offer(1, await acting.acts.eligible(1));
    expect(offered.eligible).toEqual(acting.ids);
    expect(await acting.stores.rounds.underWay()).toEqual(offered);
    const { baseModel, cohort, f } = offered;
    const eligibleDigest = sha256(JSON.stringify(acting.ids));
    expect(await acting.typed('round-offered')).toEqual([
      { type: 'round-offered', round: 1, baseModel, cohort, f, eligibleDigest },
    ]);
  });

  it('has f as a share of its clients, or as the clients of its largest organisations', async () => {
    const share = await actsOn({ clients: 7, config: { ...config, rule: { f: 0.3 } }, enrolled });
    expect((await share.acts.offer(1, share.ids)).f).toBe(2);
    const rule = { f: 0, dishonestOrganisations: 1 };
    const lone = await actsOn({ clients: 7, config: { ...config, rule }, enrolled });
    expect((await lone.acts.offer(1, lone.ids)).f).toBe(2);
    const single = (index: number) => ({ organisation: asOrganisationId(`org-${index}`) });
    const spread = await actsOn({ clients: 7, config: { ...config, rule }, enrolled: single });
    expect((await spread.acts.offer(1, spread.ids)).f).toBe(1);
  });

  it('is told the newest checkpoint with its offer, and the others when to come back', async () => {
    const acting = await actsOn({ clients: 7, config, enrolled });
    const { cohort, baseModel: baseModelDigest } = await acting.acts.offer(1, acting.ids);
    const checkpoint = (await acting.stores.ledger.newest())?.note;
    const offer = { round: 1, baseModelDigest, deadlineMs: 42_000 };
    const [drawn = memberAt(acting.cohort, 0).client.id] = cohort;
    const other = acting.ids.find((id) => !cohort.includes(id)) ?? drawn;
    acting.acts.sendOffer(drawn, offer);
    acting.acts.sendWithheld(other, offer);
    expect(acting.gateway.sent).toEqual([
      { client: drawn, event: 'round-offered', message: { federation, ...offer, checkpoint } },
      {
        client: other,
        event: 'round-withheld',
        message: { federation, round: 1, code: 'not-in-cohort', comeBackInMs: 42_000 },
      },
    ]);
  });
});

describe('who is eligible', () => {
  it('is nobody who was barred, though its socket be still there', async () => {
    const acting = await actsOn({ clients: 3 });
    const [, client = acting.ids[0] ?? memberAt(acting.cohort, 0).client.id] = acting.ids;
    const change = { client, from: ['active'], to: 'banned', reason: null } as const;
    await acting.stores.enrolment.changeStatus(change, { type: 'client-banned', client, by: 'admin' });
    expect(await acting.acts.eligible(1)).toEqual(acting.ids.filter((id) => id !== client));
    expect(acting.gateway.sent).toEqual([]);
  });

  it('is nobody where the caps leave less than the minimum: a cohort is not trained to be abandoned', async () => {
    // All of one organisation.
    const cohort = { minimum: 3, size: 5, maxPerOrganisation: 2 };
    expect(await (await actsOn({ clients: 5, config: { cohort } })).acts.eligible(1)).toEqual([]);
    const wider = await actsOn({ clients: 5, config: { cohort: { ...cohort, maxPerOrganisation: 3 } } });
    expect(await wider.acts.eligible(1)).toEqual(wider.ids);
  });

  it('is nobody whose budget the round would pass, and each is told so once a round', async () => {
    const acting = await actsOn({ clients: 2, privacy: { epsilonBudget: 1e-6 } });
    expect([await acting.acts.eligible(1), await acting.acts.eligible(1)]).toEqual([[], []]);
    const message = { federation, round: 1, code: 'budget-exhausted', comeBackInMs: null };
    expect(acting.gateway.sent).toEqual(acting.ids.map((client) => ({ client, event: 'round-withheld', message })));
  });
});

describe('a client that has stated what it spent before a backup was restored', () => {
  const cost = { noiseMultiplier: 1.5, samplingRate: 1, steps: 1 };
  const epsilonBudget = epsilonOf([{ ...cost, steps: 3 }], centralTerms.delta);

  it('is offered what its own account affords, under central privacy too, and nobody pays for its word', async () => {
    for (const privacy of [{}, { ...centralTerms, epsilonBudget }]) {
      const acting = await actsOn({ clients: 3, privacy });
      const [liar, ...others] = acting.ids;
      if (liar === undefined) throw new Error('expected three clients');
      expect(await acting.acts.eligible(1)).toEqual(acting.ids);
      const rounds = Array.from({ length: 15 }, (_, i) => i + 1);
      const said = { client: liar, rounds, signature: '00'.repeat(64) };
      await acting.stores.charges.chargeStated({ type: 'spent-rounds-stated', ...said, ...cost });
      expect(await acting.acts.eligible(1)).toEqual(others);
    }
  });
});

describe('the close of a round', () => {
  it('is on the ledger with the digest of the record as it is kept', async () => {
    const acting = await actsOn({ clients: 3 });
    const { offered } = await stagedRound(acting, 1);
    await acting.acts.close(offered, nobodyTurnedAway);
    const kept = await acting.stores.rounds.record(1);
    const [committed] = await acting.typed('round-committed');
    expect(committed).toMatchObject({ record: sha256(canonicalJson(kept ?? {})) });
  });

  it('is told to everybody with the newest checkpoint, after the verdicts', async () => {
    const acting = await actsOn({ clients: 3, config: { cohort: { minimum: 2, size: 2 } } });
    const { offered } = await stagedRound(acting, 1);
    const record = await acting.acts.close(offered, nobodyTurnedAway);
    acting.acts.announceRecord(record);
    const { model: modelDigest } = record;
    const checkpoint = (await acting.stores.ledger.newest())?.note;
    const closed = { federation, round: 1, state: 'committed', modelDigest, checkpoint };
    expect(acting.gateway.heard('verdict').map(({ client }) => client)).toEqual(offered.cohort);
    expect(acting.gateway.heard('round-closed')).toEqual(
      acting.ids.map((client) => ({ client, event: 'round-closed', message: closed })),
    );
    expect(acting.gateway.sent.map(({ event }) => event)).toEqual([
      'verdict',
      'verdict',
      'round-closed',
      'round-closed',
      'round-closed',
    ]);
  });

  it.each([1, 2])('keeps the bytes of the updates of %i rounds, and all models', async (updateRounds) => {
    const acting = await actsOn({ clients: 3, config: { retention: { updateRounds } } });
    const kept = async (round: number): Promise<boolean[]> => {
      const rows = await acting.stores.updates.ofRound(round);
      return await Promise.all(rows.map(({ digest }) => acting.blobs.has(digest)));
    };
    for (const round of [1, 2, 3]) {
      const { offered } = await stagedRound(acting, round);
      await acting.acts.close(offered, nobodyTurnedAway);
    }
    const all = (there: boolean) => [there, there, there];
    expect([await kept(1), await kept(2), await kept(3)]).toEqual([all(false), all(updateRounds === 2), all(true)]);
    const versions = await acting.stores.models.versions();
    expect(await Promise.all(versions.map(({ digest }) => acting.blobs.has(digest)))).toEqual([true, true, true, true]);
  });
});

describe('a client that its own history speaks against', () => {
  /** Updates of the small round are near duplicates: an alarm for everybody, which brings the first to 6 x 900. */
  const enrolled = (index: number) => (index === 0 ? { suspicion: 900, judged: 10 } : {});
  const statusOf = async ({ stores, ids }: Acting) =>
    (await stores.enrolment.clients()).find(({ id }) => id === ids[0]);

  it('is flagged and stays, where bans are the admin’s', async () => {
    const acting = await actsOn({ clients: 3, enrolled });
    const { offered } = await stagedRound(acting, 1);
    const record = await acting.acts.close(offered, nobodyTurnedAway);
    acting.acts.announceRecord(record);
    expect(record.verdicts.map(({ flags }) => flags.includes('suspect'))).toEqual([true, false, false]);
    expect(record.verdicts[0]).toMatchObject({
      verdict: 'selected',
      suspicion: expect.closeTo(6 * (900 + 1 / 132), 9),
    });
    expect(await statusOf(acting)).toMatchObject({ status: 'active', judged: 11 });
    expect((await statusOf(acting))?.suspicion).toBe(record.verdicts[0]?.suspicion);
    expect([await acting.typed('client-banned'), acting.gateway.barred]).toEqual([[], []]);
  });

  it('is banned where the federation says so: on the ledger, by its history, once it has its verdict', async () => {
    const acting = await actsOn({ clients: 3, enrolled, config: { anomaly: { banSuspects: true } } });
    const { offered } = await stagedRound(acting, 1);
    const record = await acting.acts.close(offered, nobodyTurnedAway);
    expect(acting.gateway.barred).toEqual([]);
    acting.acts.announceRecord(record);
    const [client] = acting.ids;
    expect(await acting.typed('client-banned')).toEqual([{ type: 'client-banned', client, by: 'history' }]);
    expect(await statusOf(acting)).toMatchObject({ status: 'banned' });
    expect(acting.gateway.barred).toEqual([client]);
    expect(acting.gateway.heard('verdict')[0]).toMatchObject({ client, message: { verdict: 'selected' } });
    expect(await acting.acts.eligible(2)).toEqual(acting.ids.slice(1));
    // The checkpoint that goes out covers the ban.
    const ban = (await acting.stores.ledger.lastOf('client-banned'))?.sequence ?? NaN;
    const { checkpoint } = z.object({ checkpoint: z.string() }).parse(acting.gateway.heard('round-closed')[0]?.message);
    expect(Number(checkpoint.split('\n')[1])).toBeGreaterThan(ban);
  });
});
