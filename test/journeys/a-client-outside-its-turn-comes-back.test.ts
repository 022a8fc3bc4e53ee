import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FederatedClient } from '../../client-sdk/federated-client.ts';
import type { RoundReport } from '../../client-sdk/index.ts';
import { LedgerWitness } from '../../client-sdk/ledger/ledger-witness.ts';
import { nodeClientStore } from '../../client-sdk/platform/node-client-store.ts';
import { PrivacyLedger } from '../../client-sdk/privacy/privacy-ledger.ts';
import { issueInvite } from '../../server/admission/issue-invite.ts';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import { asFederationId, asOrganisationId } from '../../shared/ids.ts';
import { systemClock } from '../../shared/ports.ts';
import { settlement } from '../../shared/settlement.ts';
import { Arrivals } from '../support/arrivals.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FormulaTrainer } from '../support/formula-trainer.ts';
import { HandClock } from '../support/hand-clock.ts';
import { DEADLINE_MS, startWorld, type World } from '../support/journey-world.ts';

const federation = asFederationId('journeys');
const rule = { name: 'mean', f: 0 };
const PARAMETERS = 525;
/** The jitter goes on top, at most a tenth; what has passed of the round since its offer is off. */
const [SOONEST_MS, LATEST_MS] = [DEADLINE_MS * 0.9, DEADLINE_MS * 1.1];

interface Seated {
  readonly client: FederatedClient;
  readonly trainer: FormulaTrainer;
  /** Moves for this client alone, by hand. */
  readonly clock: HandClock;
  readonly reports: Arrivals<RoundReport>;
}

/** A client that hangs up whenever it can, and has joined. */
async function seated(world: World, index: number, invite = world.invite): Promise<Seated> {
  const store = await nodeClientStore(join(world.dir, `away-${index}`));
  const key = await signingKeyFromSeed(await store.privateKey());
  const witness = await LedgerWitness.open({ federation, ledgerKey: null, acceptRecovery: false, store });
  const [trainer, clock, reports] = [new FormulaTrainer(index), new HandClock(), new Arrivals<RoundReport>()];
  const limits = {
    maxEpsilon: Infinity,
    maxDelta: 1e-3,
    allowNoPrivacy: false,
    trustCoordinator: false,
    betweenRounds: 'come-back',
  } as const;
  const self = { url: world.url, federation, invite, name: `client ${index}`, trainer, key, store, witness, clock };
  const { promise: joined, resolve } = settlement<void>();
  const options = { ...self, ...limits, release: () => Promise.resolve() };
  const client = new FederatedClient(options, await PrivacyLedger.open(store), resolve);
  onTestFinished(() => client.leave());
  client.onRound((report) => reports.push(report));
  client.open();
  await joined;
  return { client, trainer, clock, reports };
}

/** Resolves, once the client has hung up, to how long it means to stay away. */
async function away({ clock }: Seated): Promise<number> {
  return await eventually(() => {
    const [delayMs = 0, ...others] = clock.running;
    // The token of a join has a timer of its own.
    const hasHungUp = others.length === 0 && delayMs >= SOONEST_MS && delayMs <= LATEST_MS;
    return Promise.resolve(hasHungUp ? delayMs : undefined);
  });
}

async function inviteOf(world: World, organisation: string): Promise<string> {
  const { enrolment, ledger } = world.stores;
  const place = { federation, enrolment, ledgerKey: ledger.publicKey, clock: systemClock };
  return await issueInvite({ organisation: asOrganisationId(organisation) }, place);
}

describe('a client that is not drawn', () => {
  it('hangs up for about the length of the round, comes back by itself, and takes part later', async () => {
    // Two of the three that make a round start at once are of one organisation, and only one of those is drawn.
    const cohort = { minimum: 2, size: 3, maxPerOrganisation: 1, quorum: 2 };
    await using world = await startWorld({ config: { rounds: 2, cohort, rule } });
    const twins = [await seated(world, 1), await seated(world, 2)];
    const lab = await seated(world, 3, await inviteOf(world, 'lab'));
    const first = await world.record(1);
    expect(first).toMatchObject({ state: 'committed', cohort: { length: 2 } });
    expect(first.cohort).toContain(lab.client.id);
    const [drawn] = twins.filter(({ client }) => first.cohort.includes(client.id));
    const [outside] = twins.filter(({ client }) => !first.cohort.includes(client.id));
    if (!drawn || !outside) throw new Error('expected one of the two to be drawn');

    expect(await outside.reports.next()).toMatchObject({ round: 1, verdict: null, code: 'not-in-cohort', epsilon: 0 });
    const delayMs = await away(outside);
    const newest = outside.client.latestModel();

    // Whoever was drawn has stayed, and gives its place to a third organisation: all who are there will be drawn.
    expect(await drawn.reports.next()).toMatchObject({ round: 1, state: 'committed' });
    await drawn.client.leave();
    await seated(world, 4, await inviteOf(world, 'school'));
    expect(await world.stores.rounds.underWay()).toBeUndefined();
    outside.clock.elapse(delayMs);

    const second = await world.record(2);
    expect(second.cohort).toContain(outside.client.id);
    expect(await outside.reports.next()).toMatchObject({ round: 2, verdict: 'selected', state: 'committed' });
    expect([outside.trainer.asked, drawn.trainer.asked]).toEqual([[2], [1]]);
    expect(await newest).toHaveLength(PARAMETERS);
    await outside.client.finished;
  }, 30_000);

  it('that joins in the middle of a round does the same, as often as it takes, and finds the end', async () => {
    await using world = await startWorld({
      clients: 2,
      held: true,
      cohort: { minimum: 2, size: 2 },
      config: { rule },
    });
    await eventually(() => world.stores.rounds.underWay());
    const late = await seated(world, 9);
    for (let visit = 1; visit <= 2; visit++) late.clock.elapse(await away(late));
    await away(late);
    world.release();
    const { model } = await world.record(1);
    late.clock.elapse(await away(late));
    await late.client.finished;
    expect(late.trainer.asked).toEqual([]);
    expect(await late.client.latestModel()).toHaveLength(PARAMETERS);
    expect((await world.stores.models.latest())?.digest).toBe(model);
  }, 30_000);
});

describe('a client that stays connected for longer than its token lives', () => {
  it('asks for another when it needs one: the old one opens nothing any more', async () => {
    const clock = new FakeClock();
    await using world = await startWorld({ clock });
    const client = await seated(world, 1);
    expect(await client.client.latestModel()).toHaveLength(PARAMETERS);
    const [goodForMs = 0] = client.clock.running;
    clock.advance(2 * goodForMs);
    client.clock.elapse(goodForMs);
    expect(client.clock.running).toEqual([]);
    expect(await client.client.latestModel()).toHaveLength(PARAMETERS);
    // Of the new token.
    expect(client.clock.running).toEqual([goodForMs]);
  }, 30_000);
});
