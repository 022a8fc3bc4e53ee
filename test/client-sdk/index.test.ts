import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as sdk from '../../client-sdk/index.ts';
import { joinFederation, type JoinOptions, RefusedError, type TrainingTask } from '../../client-sdk/index.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { signingKeyFromSeed } from '../../shared/ed25519.ts';
import { asDigest } from '../../shared/ids.ts';
import { formatInvite, newInvite } from '../../shared/protocol/invite.ts';
import { refuse } from '../../shared/protocol/refusals.ts';
import type { FederationTerms, LocalPrivacyTerms } from '../../shared/protocol/terms.ts';
import { centralTerms } from '../support/central-terms.ts';
import { FakeCoordinator, fakeTerms, federation } from '../support/fake-coordinator.ts';
import { FakeLedger } from '../support/fake-ledger.ts';
import { GatedTrainer } from '../support/gated-trainer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// The key of the ledger that the fake coordinator keeps.
const { publicKey: ledgerKey } = await signingKeyFromSeed('1e'.repeat(32));
const invite = formatInvite(newInvite(federation, ledgerKey));
const localPrivacy: LocalPrivacyTerms = {
  mode: 'local',
  noiseMultiplier: 1,
  epsilonBudget: 50,
  delta: 1e-4,
  adjacency: 'add-remove',
  unit: 'example',
  void: false,
};

/** Options that hold, in a folder of their own. */
const optionsFor = (url: string, changes: Partial<JoinOptions> = {}): JoinOptions => ({
  url,
  invite,
  trainer: new GatedTrainer(),
  folder: join(temporaryFolder(), 'client'),
  ...changes,
});

const refusalOf = async (joining: Promise<unknown>): Promise<unknown> =>
  await joining.then(
    () => 'joined',
    (fault: unknown) => (fault instanceof RefusedError ? fault.refusal : fault),
  );

/** A port that takes connections and never says a word. */
async function silentServer(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

it('offers no trainer that can leave the noise out', () => {
  expect(Object.keys(sdk).filter((name) => name.endsWith('Trainer'))).toEqual(['localTrainer', 'PrivateTrainer']);
});

const bare: FederationTerms = { ...fakeTerms, privacy: { mode: 'none' } };
const lax: FederationTerms = { ...fakeTerms, privacy: { ...localPrivacy, delta: 0.0011 } };
const central: FederationTerms = { ...fakeTerms, privacy: centralTerms };

describe('a privacy ledger that two clients share', () => {
  /** One round of a client of one coordinator, then an offer to another of another; whether that one trains. */
  async function secondTrains(
    changes: readonly [Partial<JoinOptions>, Partial<JoinOptions>],
    examples?: string,
  ): Promise<boolean> {
    const oneRound = epsilonOf([{ noiseMultiplier: 1, samplingRate: 0.1, steps: 4 }], 1e-4);
    const privacyLedger = join(temporaryFolder(), 'ledger');
    const trainers = [new GatedTrainer(), new GatedTrainer()] as const;
    const coordinators = [await FakeCoordinator.start(), await FakeCoordinator.start()] as const;
    for (const i of [0, 1] as const) {
      const { [i]: coordinator } = coordinators;
      const { [i]: trainer } = trainers;
      const known = examples === undefined ? {} : { examplesDigest: () => Promise.resolve(asDigest(examples)) };
      const given = { train: (task: TrainingTask) => trainer.train(task), ...known };
      const choice = { trainer: given, privacyLedger, maxEpsilon: oneRound, ...changes[i] };
      const client = await joinFederation(optionsFor(coordinator.url, choice));
      onTestFinished(() => client.leave());
      coordinator.offerRound(1);
      if (i === 0) {
        (await trainer.trainings.next()).finish();
        await coordinator.ends.next();
      } else await Promise.race([coordinator.declines.next(), trainer.trainings.next()]);
    }
    return trainers[1].asked.length > 0;
  }

  it('holds one budget for both: what the one has spent the other cannot', async () => {
    expect(await secondTrains([{}, {}])).toBe(false);
    expect(await secondTrains([{ dataset: 'ward 3' }, { dataset: 'ward 3' }])).toBe(false);
  });

  it('keeps data sets of two names apart, unless they hold the same examples', async () => {
    expect(await secondTrains([{ dataset: 'ward 3' }, { dataset: 'ward 4' }])).toBe(true);
    expect(await secondTrains([{ dataset: 'ward 3' }, { dataset: 'ward 4' }], 'd1'.repeat(32))).toBe(false);
  });

  it('is not shared by those who do not name it', async () => {
    expect(await secondTrains([{ privacyLedger: join(temporaryFolder(), 'own') }, {}])).toBe(true);
  });

  it('takes no empty name for a data set', async () => {
    const { url } = await FakeCoordinator.start();
    await expect(joinFederation(optionsFor(url, { dataset: '' }))).rejects.toThrow();
  });
});

describe('what the owner of the data allows', () => {
  it.each([
    ['a federation without privacy', bare, {}, 'declined'],
    ['a federation without privacy, where allowed', bare, { allowNoPrivacy: true }, 'trained'],
    ['noise by the coordinator', central, {}, 'declined'],
    ['noise by the coordinator, where that is trusted', central, { trustCoordinator: true }, 'trained'],
    ['noise by the coordinator, where none is needed', central, { allowNoPrivacy: true }, 'trained'],
    ['more noise by the coordinator than allowed', central, { trustCoordinator: true, maxEpsilon: 0.1 }, 'declined'],
    ['a delta above 0.001', lax, {}, 'declined'],
    ['a delta up to maxDelta', lax, { maxDelta: 0.0011 }, 'trained'],
  ])('decides about %s', async (_case, terms, allowed, outcome) => {
    const coordinator = await FakeCoordinator.start();
    coordinator.terms = terms;
    const trainer = new GatedTrainer();
    const client = await joinFederation(optionsFor(coordinator.url, { trainer, ...allowed }));
    onTestFinished(() => client.leave());
    coordinator.offerRound(1);
    const [declined, trained] = [coordinator.declines.next(), trainer.trainings.next()];
    expect(await Promise.race([declined.then(() => 'declined'), trained.then(() => 'trained')])).toBe(outcome);
  });
});

describe('joinFederation', () => {
  it('resolves to a client that has joined, with the invite passed on and a name of its own', async () => {
    const coordinator = await FakeCoordinator.start();
    const client = await joinFederation(optionsFor(coordinator.url));
    onTestFinished(() => client.leave());
    expect(client.terms).toEqual(coordinator.terms);
    expect(coordinator.joins.all).toMatchObject([{ federation, invite, name: client.id.slice(0, 12) }]);
  });

  it('needs no invite in a folder whose key is enrolled, only the federation’s name', async () => {
    const coordinator = await FakeCoordinator.start();
    const { invite: _spent, ...options } = optionsFor(coordinator.url, { federation, name: 'ward 7' });
    const client = await joinFederation(options);
    onTestFinished(() => client.leave());
    expect(coordinator.joins.all).toMatchObject([{ federation, invite: null, name: 'ward 7' }]);
  });

  it.each(['', 'study', 'study.123', `Study.${'ab'.repeat(32)}`, `study.${'AB'.repeat(32)}`])(
    'refuses "%s" as an invite, before anything is written or asked, and does not repeat it',
    async (text) => {
      const options = optionsFor('http://127.0.0.1:1', { invite: text });
      const refusal = await refusalOf(joinFederation(options));
      expect(refusal).toMatchObject({ code: 'not-enrolled', expected: 'an invite: federation.secret.ledger-key' });
      expect(JSON.stringify(refusal)).not.toContain('123');
      expect(() => readdirSync(options.folder)).toThrow('ENOENT');
    },
  );

  it.each([undefined, '', 'Not A Name'])('refuses %j as the federation where no invite names one', async (name) => {
    const { invite: _none, ...options } = optionsFor('http://127.0.0.1:1');
    const joining = joinFederation({ ...options, ...(name === undefined ? {} : { federation: name }) });
    expect(await refusalOf(joining)).toMatchObject({ code: 'wrong-federation' });
    expect(() => readdirSync(options.folder)).toThrow('ENOENT');
  });

  it.each(['hello', 'join'])('rejects with the coordinator’s own refusal of %s', async (event) => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always(event, () => refuse('unsupported-protocol', { expected: 'version 7', found: 'version 1' }));
    expect(await refusalOf(joinFederation(optionsFor(coordinator.url)))).toMatchObject({
      code: 'unsupported-protocol',
      expected: 'version 7',
    });
  });

  it('holds the coordinator to the key of the invite: for another one nothing is signed', async () => {
    const coordinator = await FakeCoordinator.start();
    const forged = formatInvite(newInvite(federation, 'ee'.repeat(32)));
    const refusal = await refusalOf(joinFederation(optionsFor(coordinator.url, { invite: forged })));
    expect(refusal).toMatchObject({ code: 'bad-checkpoint', found: coordinator.ledger.publicKey });
    expect(coordinator.joins.all).toEqual([]);
  });

  it('holds a coordinator that no invite speaks of to the key that the folder has seen first', async () => {
    const coordinator = await FakeCoordinator.start();
    const { invite: _none, ...options } = optionsFor(coordinator.url, { federation });
    const first = await joinFederation(options);
    await first.leave();
    coordinator.ledger = await FakeLedger.found(coordinator.modelDigest, '2e'.repeat(32));
    expect(await refusalOf(joinFederation(options))).toMatchObject({
      code: 'bad-checkpoint',
      expected: expect.stringContaining(ledgerKey),
    });
    expect(coordinator.joins.all).toHaveLength(1);
  });

  it('takes a restored ledger where its owner says so, and not otherwise', async () => {
    const coordinator = await FakeCoordinator.start();
    for (let i = 0; i < 4; i++) await coordinator.ledger.append({ type: 'verdict' });
    const options = optionsFor(coordinator.url);
    await (await joinFederation(options)).leave();
    coordinator.ledger = await coordinator.ledger.fork(2, { type: 'ledger-recovered', kept: 2 });
    expect(await refusalOf(joinFederation(options))).toMatchObject({ code: 'ledger-rewritten' });
    const client = await joinFederation({ ...options, acceptRecovery: true });
    onTestFinished(() => client.leave());
    expect([client.checkpoint, client.ledgerKey]).toEqual([coordinator.ledger.note, ledgerKey]);
  });

  it('says, when it gives up, that an admin has yet to approve the client', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('join', () => refuse('awaiting-approval', { hint: 'ask the admin' }));
    const joining = joinFederation(optionsFor(coordinator.url, { joinTimeoutMs: 200 }));
    await expect(joining).rejects.toThrow(/within 200 ms: an admin has yet to approve the client/);
    await expect(joining).rejects.toMatchObject({ refusal: { code: 'awaiting-approval', hint: 'ask the admin' } });
  });

  it('takes the place of the old client under a rotated key, on the same folder', async () => {
    const coordinator = await FakeCoordinator.start();
    const options = optionsFor(coordinator.url);
    const old = await joinFederation(options);
    await expect(sdk.rotateKey(options.folder)).rejects.toMatchObject({ refusal: { code: 'folder-in-use' } });
    await old.leave();
    const id = await sdk.rotateKey(options.folder);
    const client = await joinFederation(options);
    onTestFinished(() => client.leave());
    expect([client.id, client.id === old.id, client.checkpoint]).toEqual([id, false, coordinator.ledger.note]);
    expect(new Set(coordinator.joins.all.map(({ publicKey }) => publicKey)).size).toBe(2);
  });

  it('comes back between rounds where it is told to', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.comeBackInMs = 0;
    const client = await joinFederation(optionsFor(coordinator.url, { betweenRounds: 'come-back' }));
    onTestFinished(() => client.leave());
    for (let i = 0; i < 2; i++) expect(await coordinator.departures.next()).toBe('client namespace disconnect');
  });

  it('gives up after joinTimeoutMs where nobody listens, or nobody answers, and says where it looked', async () => {
    const silent = await silentServer();
    for (const url of ['http://127.0.0.1:1', silent]) {
      const joining = joinFederation(optionsFor(url, { joinTimeoutMs: 60 }));
      await expect(joining).rejects.toThrow(`no coordinator answered at ${url} within 60 ms`);
    }
  });

  it('leaves no socket behind when it gives up', async () => {
    const coordinator = await FakeCoordinator.start();
    coordinator.always('join', () => undefined);
    await expect(joinFederation(optionsFor(coordinator.url, { joinTimeoutMs: 100 }))).rejects.toThrow(/100 ms/);
    coordinator.always('join', (honest) => honest());
    const client = await joinFederation(optionsFor(coordinator.url));
    onTestFinished(() => client.leave());
    expect(coordinator.sockets).toBe(1);
  });

  it('stops trying at the signal, with its reason, whether it came before or while it tried', async () => {
    const enough = new Error('had enough');
    const early = optionsFor('http://127.0.0.1:1', { signal: AbortSignal.abort(enough) });
    await expect(joinFederation(early)).rejects.toBe(enough);
    const coordinator = await FakeCoordinator.start();
    coordinator.always('join', () => undefined);
    const stopping = new AbortController();
    const joining = joinFederation(optionsFor(coordinator.url, { signal: stopping.signal }));
    await coordinator.joins.next();
    stopping.abort(enough);
    await expect(joining).rejects.toBe(enough);
  });

  it('is the same client whenever it comes with the same folder', async () => {
    const coordinator = await FakeCoordinator.start();
    const options = optionsFor(coordinator.url);
    const first = await joinFederation(options);
    await first.leave();
    const second = await joinFederation(options);
    await second.leave();
    expect(second.id).toBe(first.id);
  });
});
