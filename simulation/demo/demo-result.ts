// The result of a demo as one object, made from its folder alone: asking a finished folder again gives the same, save
// the seconds that the asking took.

import type { ClientId, Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import type { RefusalCode, RefusalLayer } from '../../shared/protocol/refusals.ts';
import { parameterCount } from '../../shared/update-format/tensor-schema.ts';
import type { FederationConfig } from '../../server/config.ts';
import type { Verdict } from '../../shared/protocol/round-record.ts';
import type { DataFolder } from '../../server/storage/data-folder.ts';
import { loadDigits, splitDigits, takeDigits } from '../digits.ts';
import { byzantineIndices } from '../population.ts';
import { clientIds, type DemoRound, judgeRound, recordsOf, twinRounds } from './demo-history.ts';
import type { DemoSettings } from './demo-settings.ts';

export interface DemoClientResult {
  readonly id: ClientId;
  readonly byzantine: boolean;
  readonly verdict: Verdict['verdict'];
  readonly flags: readonly string[];
  readonly code: RefusalCode | null;
  readonly layer: RefusalLayer | null;
  readonly norm: number | null;
  readonly score: number | null;
  readonly selected: boolean;
  /** Of the whole history after the round. */
  readonly epsilon: number | null;
}

export interface DemoRoundResult {
  readonly number: number;
  readonly state: 'committed' | 'abandoned';
  readonly modelDigest: Digest;
  readonly accuracy: number;
  readonly twinAccuracy: number;
  readonly bytesReceived: number;
  /** Everyone who was offered the round, by id. */
  readonly clients: readonly DemoClientResult[];
}

export interface DemoSummary {
  readonly seed: number;
  readonly clients: number;
  /** How many attack: none under attack `none`. */
  readonly byzantine: number;
  readonly attack: string;
  readonly rule: string;
  readonly f: number;
  /** How many updates the rule averages when all reach it. */
  readonly m: number;
  readonly rounds: number;
  readonly accuracy: number | null;
  readonly twinAccuracy: number | null;
  /** Largest of any client; null when privacy is void. */
  readonly epsilon: number | null;
  readonly delta: number;
  readonly adjacency: 'add-remove';
  readonly unit: 'example';
  readonly noiseMultiplier: number;
  readonly samplingRate: number;
  readonly expectedBatchSize: number;
  readonly clippingNormL2: number;
  readonly learningRate: number;
  readonly stepsPerRound: number;
  readonly parameters: number;
  readonly privacyVoid: boolean;
  readonly heldOut: readonly number[];
  readonly dir: string;
  readonly seconds: number;
}

export interface DemoResult {
  readonly rounds: readonly DemoRoundResult[];
  readonly summary: DemoSummary;
}

export interface ResultSource {
  readonly dir: string;
  readonly folder: DataFolder;
  readonly settings: DemoSettings;
  readonly config: FederationConfig;
  /** How long the run took that asks. */
  readonly seconds: number;
}

export async function demoResult(source: ResultSource): Promise<DemoResult> {
  const { dir, folder, settings } = source;
  const digits = await loadDigits();
  const { heldOut } = splitDigits(digits, settings);
  const judge = { dir, folder, heldOut: takeDigits(digits, heldOut) };
  // The twin runs after the federation: a round that was interrupted in between is told once both have run it.
  const records = (await recordsOf(folder)).slice(0, await twinRounds(dir));
  const judged = await Promise.all(records.map((record) => judgeRound(record, judge)));
  const liars = await byzantineIds(dir, settings);
  const rounds = judged.map((round) => roundResult(round, liars));
  return { rounds, summary: summaryOf(source, rounds, heldOut) };
}

/** The label that the coordinator never had. */
export async function byzantineIds(dir: string, settings: DemoSettings): Promise<ReadonlySet<ClientId>> {
  const ids = await clientIds(dir, settings.clients);
  const liars = byzantineIndices({ ...settings, byzantine: attackers(settings) });
  return new Set(liars.flatMap((index) => ids[index] ?? []));
}

export function roundResult(
  { record, modelDigest, accuracy, twinAccuracy }: DemoRound,
  liars: ReadonlySet<ClientId>,
): DemoRoundResult {
  const { number, state, bytesReceived } = record;
  const clients = record.verdicts.map((verdict) => clientResult(verdict, liars.has(verdict.client)));
  return { number, state, modelDigest, accuracy, twinAccuracy, bytesReceived, clients };
}

function clientResult(verdict: Verdict, byzantine: boolean): DemoClientResult {
  const { client: id, flags, code, layer, normL2: norm, score, epsilon } = verdict;
  const selected = verdict.verdict === 'selected';
  return {
    id,
    byzantine,
    verdict: verdict.verdict,
    flags,
    code,
    layer: stopping(layer),
    norm,
    score,
    selected,
    epsilon,
  };
}

/** Budgets, gates and second statements stop no update of a round on its way: such verdicts have a code and no layer. */
function stopping(layer: RefusalLayer | null): RefusalLayer | null {
  return layer === 'privacy' || layer === 'model' || layer === 'staging' || layer === 'command' ? null : layer;
}

function summaryOf(
  { settings, config, dir, seconds }: ResultSource,
  rounds: readonly DemoRoundResult[],
  heldOut: readonly number[],
): DemoSummary {
  const { seed, clients, attack, rule, f, reproducible } = settings;
  const { privacy, training, model } = config;
  if (privacy.mode !== 'local') throw new InvariantError('the demo declares local privacy');
  const { delta, adjacency, unit, noiseMultiplier } = privacy;
  const last = rounds.at(-1);
  const spent = last?.clients.flatMap(({ epsilon }) => epsilon ?? []) ?? [];
  return {
    seed,
    clients,
    byzantine: attackers(settings),
    attack,
    rule,
    f,
    m: averaged(settings),
    rounds: rounds.length,
    accuracy: last?.accuracy ?? null,
    twinAccuracy: last?.twinAccuracy ?? null,
    epsilon: spent.length > 0 ? Math.max(...spent) : null,
    delta,
    adjacency,
    unit,
    noiseMultiplier,
    ...training,
    parameters: parameterCount(model.tensors),
    privacyVoid: reproducible,
    heldOut,
    dir,
    seconds,
  };
}

const attackers = ({ attack, byzantine }: DemoSettings): number => (attack === 'none' ? 0 : byzantine);

function averaged({ rule, clients, f }: DemoSettings): number {
  if (rule === 'mean') return clients;
  return rule === 'krum' ? 1 : clients - f - 2;
}
