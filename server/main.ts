// The coordinator as a process would run it: opens the data folder, starts the coordinator on it, listens. Signals and
// exit codes are the command line's.

import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { randomHex } from '../shared/bytes.ts';
import { systemClock } from '../shared/ports.ts';
import { isRefused, type Refused, refuse } from '../shared/protocol/refusals.ts';
import { writeAdminFile } from './admin-file.ts';
import type { InviteTerms } from './admission/issue-invite.ts';
import type { Kernel } from './aggregation/kernels/kernel.ts';
import { openKernel } from './aggregation/kernels/open-kernel.ts';
import { type FederationConfig, readConfigText } from './config.ts';
import { startCoordinator } from './coordinator.ts';
import { type DataFolder, openDataFolder } from './storage/data-folder.ts';

const ADMIN_TOKEN_BYTES = 32;
const MEMORY_SHARE = 1 / 4;

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
  /** Origin of the address that clients use; null where all of them are on this machine. */
  readonly publicUrl: string | null;
  readonly invites: readonly InviteTerms[];
  /** That aggregate; as many as the machine has cores unless given. */
  readonly threads?: number | undefined;
  /** For the updates of one round; a quarter of the machine's memory unless given. */
  readonly memoryBudgetBytes?: number | undefined;
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
  const kernel = await openKernel(options.threads === undefined ? {} : { threads: options.threads });
  const close = async (): Promise<void> => {
    await kernel.close();
    await folder.close();
  };
  try {
    const serving = await serveFolder({ folder, kernel, close }, options);
    if (isRefused(serving)) await close();
    return serving;
  } catch (fault) {
    await close();
    throw fault;
  }
}

interface Served {
  readonly folder: DataFolder;
  readonly kernel: Kernel;
  close(): Promise<void>;
}

async function serveFolder({ folder, kernel, close }: Served, options: ServeOptions): Promise<Serving | Refused> {
  const config = await configFor(folder, options);
  if (isRefused(config)) return config;
  const stores = folder.storeOf(config.federation);
  const { blobs, blobFile } = folder;
  const { publicUrl, log, memoryBudgetBytes = Math.floor(MEMORY_SHARE * totalmem()) } = options;
  const world = { clock: systemClock, kernel, memoryBudgetBytes, publicUrl, log };
  const adminToken = randomHex(ADMIN_TOKEN_BYTES);
  const coordinator = await startCoordinator({ config, stores, blobs, blobFile, adminToken, ...world });
  if (isRefused(coordinator)) return coordinator;
  try {
    const port = await coordinator.listen(options);
    const takeAdminFileAway = await writeAdminFile(resolve(options.dir), { ...options, port, token: adminToken });
    const invites: string[] = [];
    for (const terms of options.invites) invites.push(await coordinator.invite(terms));
    const stop = async (): Promise<void> => {
      await takeAdminFileAway();
      await coordinator.stop();
      await close();
    };
    return { kind: 'serving', config, port, invites, finishedRounds: coordinator.finishedRounds, stop };
  } catch (fault) {
    await coordinator.stop();
    throw fault;
  }
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
