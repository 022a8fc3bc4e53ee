// The coordinator as a process would run it: opens the data folder, starts the coordinator on it, listens. Signals and
// exit codes are the command line's.

import { resolve } from 'node:path';
import { systemClock } from '../shared/ports.ts';
import { isRefused, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { secureRandomSource } from '../shared/random-source.ts';
import type { InviteTerms } from './admission/issue-invite.ts';
import { type FederationConfig, readConfigText } from './config.ts';
import { startCoordinator } from './coordinator.ts';
import { type DataFolder, openDataFolder } from './storage/data-folder.ts';

export interface ServeOptions {
  readonly dir: string;
  /**
   * Reads what the federation is founded with; for a folder that holds one (`founded`) it may differ in the total of
   * rounds and in the privacy budget.
   */
  readonly readConfig?: ((founded?: FederationConfig) => Promise<FederationConfig | Refused>) | undefined;
  /** What an empty folder is founded with where no configuration is given. */
  readonly fallback: FederationConfig;
  /** 0 for any free port. */
  readonly port: number;
  readonly host: string;
  readonly invites: readonly InviteTerms[];
  readonly log: (line: string) => void;
}

export interface Serving {
  readonly kind: 'serving';
  readonly config: FederationConfig;
  readonly port: number;
  /** One for each of the invites asked for, in their order. */
  readonly invites: readonly string[];
  /** Resolves when all rounds have been run; rejects on a fault. */
  readonly finishedRounds: Promise<void>;
  stop(): Promise<void>;
}

export async function serve(options: ServeOptions): Promise<Serving | Refused> {
  const folder = await openDataFolder(resolve(options.dir));
  if (isRefused(folder)) return folder;
  try {
    const serving = await serveFolder(folder, options);
    if (isRefused(serving)) await folder.close();
    return serving;
  } catch (fault) {
    await folder.close();
    throw fault;
  }
}

async function serveFolder(folder: DataFolder, options: ServeOptions): Promise<Serving | Refused> {
  const config = await configFor(folder, options);
  if (isRefused(config)) return config;
  const stores = folder.storeOf(config.federation);
  const { blobs, blobFile } = folder;
  const world = { clock: systemClock, random: secureRandomSource(), log: options.log };
  const coordinator = await startCoordinator({ config, stores, blobs, blobFile, ...world });
  if (isRefused(coordinator)) return coordinator;
  const port = await coordinator.listen(options);
  const invites = await Promise.all(options.invites.map((terms) => coordinator.invite(terms)));
  const stop = async (): Promise<void> => {
    await coordinator.stop();
    await folder.close();
  };
  return { kind: 'serving', config, port, invites, finishedRounds: coordinator.finishedRounds, stop };
}

/** One folder, one federation: the one it holds, unless the folder is new. */
async function configFor(folder: DataFolder, options: ServeOptions): Promise<FederationConfig | Refused> {
  const [held] = await folder.federations();
  const founding = held && (await folder.storeOf(held).federation.founding());
  const founded = founding && readConfigText(founding.config);
  const config = (await options.readConfig?.(founded)) ?? founded ?? options.fallback;
  if (isRefused(config) || held === undefined || config.federation === held) return config;
  return refuse('folder-mismatch', { expected: held, found: config.federation, hint: 'choose another --dir' });
}
