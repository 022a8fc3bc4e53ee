// muster start: a coordinator on the embedded database, ready to serve.

import { Command } from 'commander';
import { parse } from 'yaml';
import { asOrganisationId } from '../../shared/ids.ts';
import { accepted, isRefused, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { type InviteTerms, MOST_CLIENTS_AN_INVITE } from '../../server/admission/issue-invite.ts';
import { type FederationConfig, parseFederation, readFederationFile } from '../../server/config.ts';
import { serve, type Serving } from '../../server/main.ts';
import { readDataFolder } from '../../server/storage/data-folder.ts';
import { federationTemplate } from '../federation-template.ts';
import { InterruptedError, interruption } from '../interrupt.ts';
import { organisation, publicUrl, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, tell } from '../output.ts';

interface StartOptions {
  readonly config?: string;
  readonly dir: string;
  readonly port: number;
  readonly host: string;
  readonly publicUrl?: string;
  readonly invite: readonly InviteTerms[];
  readonly threads?: number;
  readonly memoryBudget?: number;
  readonly json?: JsonTarget;
}

const DEFAULT_PORT = 7400;
const MOST_THREADS = 64;
const BYTES_PER_MB = 1e6;
/** So that a new folder can be tried out at once. */
const FIRST_INVITE: InviteTerms = { organisation: asOrganisationId('community'), quota: 100 };
const ADDRESS_FAULTS: ReadonlySet<string> = new Set([
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EACCES',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

export function startCommand(): Command {
  return new Command('start')
    .description('Serve a federation until it is interrupted.')
    .option('--config <file>', 'federation file (the folder’s own, or for a new folder the one of muster init)')
    .option('--dir <folder>', 'data folder', 'muster-data')
    .option('--port <n>', 'port, 0 for any', wholeNumber('--port', 0, 65_535), DEFAULT_PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--public-url <url>',
      'address that clients use (needed where --host is not this machine alone)',
      publicUrl('--public-url'),
    )
    .option(
      '--invite <organisation=quota>',
      'invite to issue and print, for one client unless a quota is given; may be repeated (default: community=100 for a new folder, else none)',
      collectInvite,
      [],
    )
    .option('--threads <n>', 'threads that aggregate (all cores)', wholeNumber('--threads', 1, MOST_THREADS))
    .option(
      '--memory-budget <MB>',
      'for the updates of a round; beyond it they are read from disk (a quarter of the memory)',
      wholeNumber('--memory-budget', 1),
    )
    .option('--json [file]', 'address and invites as JSON, on stdout or in a file')
    .action(async (options: StartOptions) => await start(options));
}

async function start(options: StartOptions): Promise<void> {
  const { dir, port, host, json, config, threads, memoryBudget } = options;
  const publicAddress = publicUrlFor(options);
  const { signal, dispose } = interruption();
  const invites = options.invite.length > 0 || !(await isNew(dir)) ? options.invite : [FIRST_INVITE];
  const readConfig =
    config === undefined ? undefined : (founded?: FederationConfig) => readFederationFile(config, founded);
  const fallback = accepted(parseFederation(parse(federationTemplate)));
  const memoryBudgetBytes = memoryBudget === undefined ? undefined : memoryBudget * BYTES_PER_MB;
  const machine = { threads, memoryBudgetBytes };
  const wish = { dir, readConfig, fallback, port, host, publicUrl: publicAddress, invites, ...machine, log: tell };
  const serving = accepted(await serveAt(wish));
  try {
    const url = publicAddress ?? `http://${host.includes(':') ? `[${host}]` : host}:${serving.port}`;
    await printResult(
      { url, federation: serving.config.federation, invites: serving.invites },
      servingText(serving, url),
      json,
    );
    process.send?.({ kind: 'serving', url, invites: serving.invites });
    await untilInterrupted(serving, signal);
  } finally {
    await serving.stop();
    if (process.connected) process.disconnect();
    dispose();
  }
}

/**
 * Clients sign their joins for the address that they were given: where others than this machine can connect, it has to
 * be told. Null: all clients are on this machine. @throws RefusedError
 */
function publicUrlFor({ host, publicUrl: given }: StartOptions): string | null {
  if (given !== undefined) return given;
  if (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return null;
  throw new RefusedError(
    refuse('bad-option', {
      message: 'clients of other machines need to know the coordinator by one address',
      expected: '--public-url with the address that clients use',
      found: `--host ${host} alone`,
      hint: `such as --public-url https://fl.example.org; joins are signed for it`,
    }).refusal,
  );
}

async function isNew(dir: string): Promise<boolean> {
  const folder = await readDataFolder(dir);
  if (isRefused(folder)) return folder.refusal.code === 'no-history';
  await folder.close();
  return false;
}

/** An address that cannot be had is the caller's to mend, like any other option. */
async function serveAt(options: Parameters<typeof serve>[0]): ReturnType<typeof serve> {
  try {
    return await serve(options);
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : '';
    if (!ADDRESS_FAULTS.has(code)) throw fault;
    const { host, port } = options;
    const hint = 'choose another --port or --host; --port 0 takes any free port';
    return refuse('bad-option', {
      message: `nothing can listen there (${code})`,
      found: `${host}, port ${port}`,
      hint,
    });
  }
}

function servingText({ config, invites }: Serving, url: string): string {
  const { federation, cohort } = config;
  return [
    `Federation "${federation}" is served at ${url}`,
    ...invites.map((invite) => `Invite: ${invite}`),
    `A round starts when ${cohort.minimum} clients have joined. Stop with Ctrl-C: nothing is lost.`,
  ].join('\n');
}

/** Goes on serving when all rounds have been run: clients still come for the model. A fault ends it. */
async function untilInterrupted(serving: Serving, signal: AbortSignal): Promise<void> {
  serving.finishedRounds.then(
    () => tell('all rounds have been run; models are still served'),
    () => undefined,
  );
  await new Promise<void>((_resolve, reject) => {
    const interrupted = (): void => reject(new InterruptedError('interrupted'));
    serving.finishedRounds.catch(reject);
    signal.addEventListener('abort', interrupted, { once: true });
    // Started by another process, which is gone.
    process.once('disconnect', interrupted);
    if (signal.aborted) interrupted();
  });
}

function collectInvite(text: string, before: readonly InviteTerms[]): readonly InviteTerms[] {
  return [...before, inviteTerms(text)];
}

function inviteTerms(text: string): InviteTerms {
  const [name = '', quota = '1', ...rest] = text.split('=');
  const count = wholeNumber('--invite', 1, MOST_CLIENTS_AN_INVITE)([quota, ...rest].join('='));
  return { organisation: organisation('--invite')(name), quota: count };
}
