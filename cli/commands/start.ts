// muster start: a coordinator on the embedded database, ready to serve.

import { Command } from 'commander';
import { parse } from 'yaml';
import { isOrganisationId } from '../../shared/ids.ts';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import type { InviteTerms } from '../../server/admission/issue-invite.ts';
import { type FederationConfig, parseFederation, readFederationFile } from '../../server/config.ts';
import { serve, type Serving } from '../../server/main.ts';
import { federationTemplate } from '../federation-template.ts';
import { InterruptedError, interruption } from '../interrupt.ts';
import { wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, tell } from '../output.ts';

interface StartOptions {
  readonly config?: string;
  readonly dir: string;
  readonly port: number;
  readonly host: string;
  readonly invite: readonly InviteTerms[];
  readonly json?: JsonTarget;
}

const DEFAULT_PORT = 7400;
const DEFAULT_QUOTA = 100;
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
      '--invite <organisation=quota>',
      'invite to print; may be repeated (default: community=100)',
      collectInvite,
      [],
    )
    .option('--json [file]', 'address and invites as JSON, on stdout or in a file')
    .action(async (options: StartOptions) => await start(options));
}

async function start(options: StartOptions): Promise<void> {
  const { dir, port, host, json, config } = options;
  const { signal, dispose } = interruption();
  const invites = options.invite.length > 0 ? options.invite : [inviteTerms(`community=${DEFAULT_QUOTA}`)];
  const readConfig =
    config === undefined ? undefined : (founded?: FederationConfig) => readFederationFile(config, founded);
  const fallback = accepted(parseFederation(parse(federationTemplate)));
  const serving = accepted(await serveAt({ dir, readConfig, fallback, port, host, invites, log: tell }));
  try {
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${serving.port}`;
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
  const [organisation = '', quota = String(DEFAULT_QUOTA)] = text.split('=');
  if (!isOrganisationId(organisation)) {
    const expected = 'an organisation of a-z, 0-9 and "-", then =quota';
    throw new RefusedError(refuse('bad-option', { message: '--invite does not fit', expected, found: text }).refusal);
  }
  return { organisation, quota: wholeNumber('--invite', 1, 1_000_000)(quota) };
}
