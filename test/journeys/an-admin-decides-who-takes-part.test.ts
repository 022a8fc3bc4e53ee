import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FederatedClient, joinFederation } from '../../client-sdk/index.ts';
import { actResults, type ClientView } from '../../server/admission/admin-acts.ts';
import { configText } from '../../server/config.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { asFederationId } from '../../shared/ids.ts';
import { accepted, RefusedError } from '../../shared/protocol/refusals.ts';
import { runHere } from '../support/captured-command.ts';
import { FormulaTrainer } from '../support/formula-trainer.ts';
import { worldConfig } from '../support/journey-world.ts';
import { MusterProcess } from '../support/muster-process.ts';
import { RawClient, type Reply } from '../support/raw-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const federation = asFederationId('journeys');

/** A coordinator of six clients at least, so that no round starts, and the admin beside it. */
class Clinic {
  readonly place = temporaryFolder();
  readonly dir = join(this.place, 'data');
  #coordinator: MusterProcess | undefined;
  url = '';

  async start(): Promise<void> {
    const file = join(this.place, 'federation.json');
    await writeFile(file, configText(worldConfig()));
    this.#coordinator = new MusterProcess('start', '--config', file, '--dir', this.dir, '--port', '0');
    const [url = ''] = await this.#coordinator.printed(/http:\/\/127\.0\.0\.1:\d+/);
    await this.#coordinator.printed(/Stop with Ctrl-C/);
    this.url = url;
  }

  async stop(): Promise<void> {
    this.#coordinator?.signal('SIGTERM');
    await this.#coordinator?.end();
  }

  /** An admin's command, as text. */
  async admin(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await runHere(...args, '--dir', this.dir);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return stdout;
  }

  async invite(...args: string[]): Promise<string> {
    const [invite = ''] = (await this.admin('invite', ...args)).split('\n');
    return invite;
  }

  async clients(): Promise<readonly ClientView[]> {
    return actResults.clients.parse(JSON.parse(await this.admin('clients', '--json'))).clients;
  }

  /** The id of the client of that name, as far as one would type it. */
  async idOf(name: string): Promise<string> {
    const found = (await this.clients()).filter((client) => client.name === name && client.status !== 'rotated');
    expect(found).toHaveLength(1);
    return found[0]?.id.slice(0, 10) ?? '';
  }

  async sdkClient(folder: string, options: { name: string; invite?: string }): Promise<FederatedClient> {
    const trainer = new FormulaTrainer(1, new Promise<void>(() => undefined));
    const at = { url: this.url, folder: join(this.place, folder), federation };
    const client = await joinFederation({ ...at, trainer, ...options });
    onTestFinished(() => client.leave());
    return client;
  }

  /** What a key is answered that asks to join under a name. */
  async answerTo(seed: number, options: { name: string; invite: string }): Promise<Reply> {
    const key = String(seed).padStart(64, '0');
    const client = await RawClient.connect({ url: this.url, federation, seed: key, ...options });
    onTestFinished(() => client[Symbol.dispose]());
    return await client.ask('join', await client.joinMessage(await client.challenge()));
  }

  async ledger(): Promise<readonly string[]> {
    const folder = accepted(await readDataFolder(this.dir));
    try {
      return (await folder.storeOf(federation).ledger.entries()).map(({ event }) => event.type);
    } finally {
      await folder.close();
    }
  }
}

/** The code with which an SDK client is turned away for good. */
async function endOf({ finished }: FederatedClient): Promise<string> {
  const fault = await finished.then(
    () => undefined,
    (error: unknown) => error,
  );
  return fault instanceof RefusedError ? fault.refusal.code : String(fault);
}

describe('an admin beside a running coordinator', () => {
  it('invites, approves whoever looks like another, bans whoever lies, and hands a stolen key’s place on', async () => {
    const clinic = new Clinic();
    await clinic.start();
    const invite = await clinic.invite('clinic', '--quota', '2');

    const anna = await clinic.sdkClient('anna', { name: 'Saint Mary', invite });
    const held = await clinic.answerTo(2, { name: 'Saint Marie', invite });
    expect(held).toMatchObject({ kind: 'refused', refusal: { code: 'awaiting-approval' } });
    expect(await clinic.admin('approve', await clinic.idOf('Saint Marie'))).toContain('"Saint Mary"');
    expect(await clinic.answerTo(2, { name: 'Saint Marie', invite })).toMatchObject({ kind: 'joined' });
    const late = await clinic.answerTo(3, { name: 'Lakeside', invite });
    expect(late).toMatchObject({ refusal: { code: 'not-enrolled', found: expect.stringContaining('used up') } });

    const ended = endOf(anna);
    await clinic.admin('ban', await clinic.idOf('Saint Mary'), '--reason', 'sent nonsense');
    expect(await ended).toBe('banned');

    // On the folder itself, which nobody holds meanwhile.
    await clinic.stop();
    await clinic.admin('unban', await clinic.idOf('Saint Mary'));
    await clinic.start();
    const again = await clinic.sdkClient('anna', { name: 'Saint Mary' });

    const stolen = endOf(again);
    const rotation = (await clinic.admin('rotate', await clinic.idOf('Saint Mary'))).split('\n')[0] ?? '';
    const { id: successor } = await clinic.sdkClient('anna-anew', { name: 'Saint Mary', invite: rotation });
    expect(await stolen).toBe('revoked');
    const rotated = (await clinic.clients()).find(({ id }) => id === successor);
    expect(rotated).toMatchObject({ status: 'active', predecessor: again.id, organisation: 'clinic' });

    await clinic.stop();
    expect((await clinic.ledger()).filter((type) => /^(invite|client|key)-/.test(type))).toEqual([
      'invite-issued',
      'invite-issued',
      'client-enrolled',
      'client-enrolled',
      'client-approved',
      'client-banned',
      'client-unbanned',
      'invite-issued',
      'client-enrolled',
      'key-rotated',
    ]);
  }, 60_000);
});
