import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { joinFederation } from '../../client-sdk/index.ts';
import type { InviteTerms } from '../../server/admission/issue-invite.ts';
import { configText, type FederationConfig, termsOf } from '../../server/config.ts';
import { serve, type Serving } from '../../server/main.ts';
import { openDataFolder, readDataFolder } from '../../server/storage/data-folder.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import { asOrganisationId, type ClientId } from '../../shared/ids.ts';
import { accepted, isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import { settlement } from '../../shared/settlement.ts';
import { runHere } from '../support/captured-command.ts';
import { eventually } from '../support/eventually.ts';
import { FormulaTrainer, formulaUpdate } from '../support/formula-trainer.ts';
import { worldConfig } from '../support/journey-world.ts';
import { muster, MusterProcess } from '../support/muster-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROUNDS = 2;

interface Place {
  readonly dir: string;
  readonly config: FederationConfig;
}

interface Served {
  readonly url: string;
  readonly port: number;
  readonly invite: string;
}

/** Config file and data folder of a federation of six. */
async function place(): Promise<Place> {
  const dir = temporaryFolder();
  const config = worldConfig({ config: { rounds: ROUNDS } });
  await writeFile(join(dir, 'federation.json'), configText(config));
  return { dir, config };
}

/** A coordinator that can be killed. */
async function startProcess({ dir }: Place): Promise<Served & { process: MusterProcess }> {
  const args = ['--config', join(dir, 'federation.json'), '--dir', join(dir, 'data'), '--port', '0'];
  const coordinator = new MusterProcess('start', ...args, '--invite', 'clinic=100');
  const [, url = '', port = ''] = await coordinator.printed(/(http:\/\/127\.0\.0\.1:(\d+))/);
  const [, invite = ''] = await coordinator.printed(/Invite: (\S+)\n/);
  return { process: coordinator, url, port: Number(port), invite };
}

async function serveHere(
  { dir, config }: Place,
  { port, config: given, invites = [] }: { port: number; config?: FederationConfig; invites?: readonly InviteTerms[] },
): Promise<Serving | Refused> {
  const serving = await serve({
    dir: join(dir, 'data'),
    readConfig: given && (() => Promise.resolve(given)),
    fallback: config,
    host: '127.0.0.1',
    publicUrl: null,
    invites,
    log: () => undefined,
    port,
  });
  if (!isRefused(serving)) onTestFinished(() => serving.stop());
  return serving;
}

/** As an admin does on a folder that no coordinator holds. */
async function ban({ dir, config }: Place, client: ClientId): Promise<void> {
  const folder = accepted(await openDataFolder(join(dir, 'data')));
  const change = { client, from: ['active'], to: 'banned', reason: null } as const;
  await folder
    .storeOf(config.federation)
    .enrolment.changeStatus(change, { type: 'client-banned', client, by: 'admin' });
  await folder.close();
}

/** What anybody can read beside a running coordinator. */
async function beside<T>({ dir, config }: Place, read: (stores: FederationStores) => Promise<T>): Promise<T> {
  const folder = accepted(await readDataFolder(join(dir, 'data')));
  try {
    return await read(folder.storeOf(config.federation));
  } finally {
    await folder.close();
  }
}

async function stagedClients(at: Place, round: number): Promise<readonly string[]> {
  const rows = await beside(at, ({ updates }) => updates.ofRound(round));
  return rows.filter(({ state }) => state === 'staged').map(({ client }) => client);
}

async function rawClient({ url, invite }: Served, index: number): Promise<RawClient> {
  const seed = String(index).padStart(64, '0');
  const raw = await RawClient.join({ url, federation: worldConfig().federation, invite, seed });
  onTestFinished(() => raw[Symbol.dispose]());
  return raw;
}

describe('a coordinator that is killed', () => {
  it('has every acknowledged update, goes on with the round, and nobody trains or pays twice', async () => {
    const at = await place();
    const first = await startProcess(at);
    const gate = settlement<void>();
    const trainers = [0, 1, 2, 3].map((i) => new FormulaTrainer(i, i === 3 ? gate.promise : undefined));
    const clients = await Promise.all(
      trainers.map((trainer, i) =>
        joinFederation({ url: first.url, invite: first.invite, folder: join(at.dir, `client-${i}`), trainer }),
      ),
    );
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.leave()))));
    const [raw] = [await rawClient(first, 101), await rawClient(first, 102)];
    const offer = await raw.nextOffer();
    const submission = await raw.submission(formulaUpdate(termsOf(at.config), 101, 1), offer);
    const receipt = await raw.upload(submission);
    expect(receipt.kind).toBe('receipt');
    await eventually(async () => (await stagedClients(at, 1)).length === 4 || undefined);
    first.process.signal('SIGKILL');
    await first.process.end();
    const before = await stagedClients(at, 1);
    expect(before).toContain(raw.key.clientId);

    const serving = accepted(await serveHere(at, { port: first.port }));
    expect(await stagedClients(at, 1)).toEqual(before);
    const [back, other] = [await rawClient(first, 101), await rawClient(first, 102)];
    expect(back.joined.offer).toMatchObject({ round: 1, baseModelDigest: offer.baseModelDigest });
    expect(await back.upload(submission)).toEqual(receipt);
    gate.resolve();
    await other.upload(await other.submission(formulaUpdate(termsOf(at.config), 102, 1), offer));
    const record = await eventually(() => beside(at, ({ rounds }) => rounds.record(1)));
    expect(record).toMatchObject({ state: 'committed', number: 1, offeredAt: expect.any(String) });
    expect(record.updates).toHaveLength(6);

    for (const trainer of trainers) expect(trainer.asked.filter((round) => round === 1)).toEqual([1]);
    const charges = await beside(at, (stores) => stores.charges.charges());
    expect(charges.filter(({ round }) => round === 1)).toHaveLength(6);
    clients.forEach((_, i) => {
      const ledger: unknown = JSON.parse(readFileSync(join(at.dir, `client-${i}`, 'privacy-ledger.json'), 'utf8'));
      expect(ledger).toContainEqual(expect.objectContaining({ round: 1, state: 'spent' }));
      expect(JSON.stringify(ledger).match(/"round":1,/g)).toHaveLength(1);
    });
    await serving.stop();
  });

  it('has every committed round: the next one starts from its model', async () => {
    const at = await place();
    const first = await startProcess(at);
    const raws = await Promise.all([1, 2, 3, 4, 5, 6].map((index) => rawClient(first, index)));
    for (const [i, raw] of raws.entries()) {
      await raw.upload(await raw.submission(formulaUpdate(termsOf(at.config), i, 1), await raw.nextOffer()));
    }
    await raws[0]?.next('round-closed');
    first.process.signal('SIGKILL');
    await first.process.end();
    const record = await beside(at, ({ rounds }) => rounds.record(1));
    expect(record?.state).toBe('committed');

    accepted(await serveHere(at, { port: first.port }));
    const back = await rawClient(first, 1);
    expect(back.joined.modelDigest).toBe(record?.model);
    for (const index of [2, 3, 4, 5, 6]) await rawClient(first, index);
    expect(await back.nextOffer()).toMatchObject({ round: 2, baseModelDigest: record?.model });
  });
});

describe('a coordinator that is stopped', () => {
  it('knows again who declined, who was turned away and who was banned meanwhile, and does not wait for them', async () => {
    const at = await place();
    const first = accepted(
      await serveHere(at, { port: 0, invites: [{ organisation: asOrganisationId('clinic'), quota: 9 }] }),
    );
    const served = { url: `http://127.0.0.1:${first.port}`, port: first.port, invite: first.invites[0] ?? '' };
    const raws = await Promise.all([1, 2, 3, 4, 5, 6].map((index) => rawClient(served, index)));
    const [decliner, liar, barred] = raws;
    const offers = await Promise.all(raws.map((raw) => raw.nextOffer()));
    const [offer] = offers;
    if (!decliner || !liar || !barred || !offer) throw new Error('six clients');
    const { federation, round } = offer;
    expect(await decliner.ask('decline', { federation, round, code: 'budget-exhausted' })).toMatchObject({
      kind: 'noted',
    });
    const lie = await liar.submission(formulaUpdate(termsOf(at.config), 2, 1), offer);
    const { size } = lie.envelope.checkpoint;
    const disputed = await liar.restated(lie, { checkpoint: { size, root: lie.envelope.updateDigest } });
    expect((await liar.begin(disputed)).refusal?.code).toBe('unknown-checkpoint');
    await first.stop();
    await ban(at, barred.key.clientId);

    accepted(await serveHere(at, { port: first.port }));
    for (const index of [4, 5, 6]) {
      const raw = await rawClient(served, index);
      await raw.upload(await raw.submission(formulaUpdate(termsOf(at.config), index, 1), offer));
    }
    const record = await eventually(() => beside(at, ({ rounds }) => rounds.record(1)));
    const codeOf = (raw: RawClient) => record.verdicts.find(({ client }) => client === raw.key.clientId)?.code;
    expect([decliner, liar, barred].map(codeOf)).toEqual(['budget-exhausted', 'unknown-checkpoint', 'banned']);
  });

  it('does not wait for somebody who holds a connection open and asks nothing', { timeout: 5_000 }, async () => {
    const serving = accepted(await serveHere(await place(), { port: 0, config: worldConfig() }));
    const silent = connect(serving.port, '127.0.0.1');
    silent.on('error', () => undefined);
    onTestFinished(() => void silent.destroy());
    await once(silent, 'connect');
    await (await fetch(`http://127.0.0.1:${serving.port}/health`)).text();
    await serving.stop();
    await expect(fetch(`http://127.0.0.1:${serving.port}/health`)).rejects.toThrow();
  });
});

describe('a folder that a coordinator holds', () => {
  it('is refused to a second coordinator, and read by `muster rounds` all the same', async () => {
    const at = await place();
    accepted(await serveHere(at, { port: 0, config: at.config }));
    const held = join(at.dir, 'data');
    const second = await muster('start', '--dir', held, '--port', '0', '--json');
    expect(second.exitCode).toBe(2);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'folder-in-use' } });
    expect(second.stderr).toContain(`process ${process.pid}`);
    expect(await runHere('rounds', '--dir', held)).toMatchObject({ exitCode: 0, stdout: 'No round has ended yet.\n' });
  });

  it('opens again with its own configuration or none, and with no other', async () => {
    const at = await place();
    const first = accepted(await serveHere(at, { port: 0, config: at.config }));
    await first.stop();
    const others: readonly FederationConfig[] = [
      { ...at.config, bounds: { ...at.config.bounds, maxAbsoluteValue: 11 } },
      { ...at.config, rule: { name: 'mean', f: 1 } },
      worldConfig({ config: { federation: 'elsewhere' } }),
    ];
    for (const config of others) {
      expect(await serveHere(at, { port: 0, config })).toMatchObject({ refusal: { code: 'folder-mismatch' } });
    }
    const again = accepted(await serveHere(at, { port: 0, config: at.config }));
    await again.stop();
    expect(isRefused(await serveHere(at, { port: 0 }))).toBe(false);
  });
});
