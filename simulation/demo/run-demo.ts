// One demo: a coordinator in its own process, the population as SDK clients over real sockets, and the twin that runs
// the same rounds under the plain mean. Reports each round as it ends; a folder that was interrupted goes on.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../client-sdk/platform/durable-file.ts';
import { toHex } from '../../shared/bytes.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { seededRandomSource, uniformInteger } from '../../shared/random-source.ts';
import { configText, type FederationConfig } from '../../server/config.ts';
import { type DataFolder, readDataFolder } from '../../server/storage/data-folder.ts';
import { type Digits, loadDigits, splitDigits, takeDigits } from '../digits.ts';
import { makePopulation, type PopulationOptions } from '../population.ts';
import { type CoordinatorProcess, startCoordinatorProcess } from './coordinator-process.ts';
import { clientFolder, type DemoRound, judgeRound, recordsOf, twinRounds } from './demo-history.ts';
import { type DemoSettings, settingsFile } from './demo-settings.ts';
import { ClientGroup, ORGANISATIONS } from './client-group.ts';
import { DemoTwin } from './demo-twin.ts';

export interface DemoRun {
  readonly dir: string;
  readonly settings: DemoSettings;
  readonly config: FederationConfig;
  /** Aborted when the person has had enough: everything is put away in good order. */
  readonly signal: AbortSignal;
  readonly onPhase: (phase: string) => void;
  /** A client has trained its update of a round. */
  readonly onTrained: (round: number) => void;
  readonly onRound: (round: DemoRound) => Promise<void>;
}

/** Runs what is left of the folder's rounds. @throws the signal's reason when interrupted, a fault when one ends it. */
export async function runDemo(run: DemoRun): Promise<void> {
  run.onPhase('reading 10,000 real handwritten digits');
  const digits = await loadDigits();
  await writeSettings(run);
  run.signal.throwIfAborted();
  run.onPhase('starting the coordinator, a process of its own');
  const coordinator = await startCoordinatorProcess(coordinatorArguments(run), { signal: run.signal });
  const ending = new AbortController();
  const signal = AbortSignal.any([run.signal, ending.signal]);
  coordinator.died.catch((fault: unknown) => ending.abort(fault));
  try {
    const folder = accepted(await readDataFolder(run.dir));
    try {
      await takePart({ ...run, signal }, { coordinator, folder, digits });
    } finally {
      await folder.close();
    }
  } finally {
    await coordinator.stop();
  }
}

interface Stage {
  readonly coordinator: CoordinatorProcess;
  readonly folder: DataFolder;
  readonly digits: Digits;
}

/** Joins everybody, then follows the rounds as one of the clients hears of them. */
async function takePart(run: DemoRun, stage: Stage): Promise<void> {
  const { dir, settings, config, signal } = run;
  const { folder, digits } = stage;
  const { heldOut, shards } = splitDigits(digits, settings);
  const population: PopulationOptions = { ...settings, digits, shards, run: 'federation' };
  const twin = await DemoTwin.open({ dir, folder, config, signal, population: { ...population, run: 'twin' } });
  const clients = new ClientGroup();
  const leave = (): void => void clients.leave();
  signal.addEventListener('abort', leave);
  try {
    run.onPhase(`joining ${settings.clients} clients`);
    await clients.join(run, stage.coordinator, makePopulation(population));
    await followRounds({ run, folder, twin, clients, heldOut: takeDigits(digits, heldOut) });
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', leave);
    await clients.leave();
  }
}

interface Following {
  readonly run: DemoRun;
  readonly folder: DataFolder;
  readonly twin: DemoTwin;
  readonly clients: ClientGroup;
  readonly heldOut: Digits;
}

async function followRounds({ run, folder, twin, clients, heldOut }: Following): Promise<void> {
  const reports = clients.observer.rounds();
  // Where the twin stands, not where the record stood a moment ago: a resumed round can close before anybody has joined.
  let told = await twinRounds(run.dir);
  const tellNewRounds = async (): Promise<void> => {
    for (const record of (await recordsOf(folder)).slice(told)) {
      await twin.runRound(record.number);
      await run.onRound(await judgeRound(record, { dir: run.dir, folder, heldOut }));
      told = record.number;
    }
  };
  await tellNewRounds();
  for await (const { round } of reports) {
    await tellNewRounds();
    if (Math.max(round, told) >= run.settings.rounds) return;
  }
  await Promise.all(clients.finished);
  await tellNewRounds();
}

function coordinatorArguments({ dir, settings }: DemoRun): readonly string[] {
  const quota = Math.ceil(settings.clients / ORGANISATIONS.length);
  const invites = ORGANISATIONS.flatMap((organisation) => ['--invite', `${organisation}=${quota}`]);
  return ['--config', federationFile(dir), '--dir', dir, '--host', '127.0.0.1', '--port', '0', ...invites];
}

/** Before anything is founded, so that an interrupted start is found again with the same settings and keys. */
async function writeSettings({ dir, settings, config }: DemoRun): Promise<void> {
  await mkdir(join(dir, 'twin'), { recursive: true, mode: 0o700 });
  await writeDurably(settingsFile(dir), `${JSON.stringify(settings, null, 2)}\n`);
  await writeDurably(federationFile(dir), configText(config));
  if (settings.reproducible) await writeSeededKeys(dir, settings);
}

/** Under --reproducible the order of client ids, hence the last bits of every sum, must repeat too. */
async function writeSeededKeys(dir: string, { clients, seed }: DemoSettings): Promise<void> {
  for (let index = 0; index < clients; index++) {
    const random = seededRandomSource(seed, 'client-key', index);
    const key = toHex(Uint8Array.from({ length: 32 }, () => uniformInteger(random, 256)));
    await mkdir(clientFolder(dir, index), { recursive: true, mode: 0o700 });
    await writeDurably(join(clientFolder(dir, index), 'key'), `${key}\n`);
  }
}

const federationFile = (dir: string): string => join(dir, 'federation.json');
