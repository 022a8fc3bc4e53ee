// Cohorts in which it is known who lies, for measuring the detection of liars: a federation of 20 clients on the real
// digits, all of them honest, is run under the plain mean with the demo's terms, once per split, privacy and seed. Of its
// early and late rounds everything is kept that the attacks need, so that each cohort is one of these rounds with the
// updates of 4 clients replaced: every attack meets the same model and the same honest updates. Each stream of
// randomness has a name of its own, so that a federation is the same whatever else is run.

import { simulatedTrainer } from '../client-sdk/training/local-trainer.ts';
import type { Trainer, TrainingTask } from '../client-sdk/training/trainer.ts';
import { average } from './average.ts';
import { termsOf } from '../server/config.ts';
import { initialModel } from '../server/model/initial-model.ts';
import { noiseStdDevPerParameter } from '../shared/accounting/noise-scale.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import type { FederationTerms } from '../shared/protocol/terms.ts';
import { type RandomSource, seededRandomSource } from '../shared/random-source.ts';
import { flipLabels } from '../simulation/attacks.ts';
import { colludingAttackNames, colludingAttacks } from '../simulation/colluding-attacks.ts';
import { demoFederation } from '../simulation/demo/demo-settings.ts';
import { DEMO_DEFAULTS } from '../simulation/demo/resolve-settings.ts';
import { type Digits, type DigitsSplit, splitDigits, takeDigits } from '../simulation/digits.ts';
import { splitDigitsByDirichlet } from '../simulation/dirichlet-split.ts';
import { byzantineIndices } from '../simulation/population.ts';
import { softmaxRegressionModel } from '../simulation/softmax-regression.ts';

export const splitNames = ['iid', 'dirichlet-0.5', 'dirichlet-0.1'] as const;
export type SplitName = (typeof splitNames)[number];
/** `local`: the demo's epsilon 8, its noise seeded; `off`: the same training without noise. */
export const privacyNames = ['off', 'local'] as const;
export type PrivacyName = (typeof privacyNames)[number];
/** The rounds 1-3, and 13-15. */
export const phaseNames = ['early', 'late'] as const;
export type PhaseName = (typeof phaseNames)[number];
/** `none`: the round as it was, for false positives. */
export const anomalyAttackNames = ['none', 'label-flip', ...colludingAttackNames] as const;
export type AnomalyAttackName = (typeof anomalyAttackNames)[number];

export interface CohortSetting {
  readonly split: SplitName;
  readonly privacy: PrivacyName;
  readonly seed: number;
}

/** One round of a federation in which nobody lied. */
export interface ObservedRound {
  readonly round: number;
  readonly phase: PhaseName;
  readonly baseModel: Float32Array;
  /** The mean of the round before, which led to this base model; null in round 1. */
  readonly previousStep: Float32Array | null;
  /** One per client, in the order of the split's shards. */
  readonly updates: readonly Float32Array[];
  /** One per liar, in the order of `liars`: trained on the labels 9 - y, the declared noise included. */
  readonly labelFlipped: readonly Float32Array[];
  /** One per liar: trained on the true labels without the declared noise; the update itself where none is declared. */
  readonly clean: readonly Float32Array[];
}

export interface CleanFederation {
  readonly setting: CohortSetting;
  readonly terms: FederationTerms;
  /** Who will lie, ascending: the same clients for every split and privacy of a seed. */
  readonly liars: readonly number[];
  readonly rounds: readonly ObservedRound[];
}

export interface AttackedCohort extends Pick<ObservedRound, 'round' | 'phase' | 'baseModel' | 'previousStep'> {
  readonly attack: AnomalyAttackName;
  /** One per client; those of `liars` are the attack's. */
  readonly updates: readonly Float32Array[];
  /** Empty under `none`. */
  readonly liars: ReadonlySet<number>;
}

const DIRICHLET_ALPHA: Readonly<Record<SplitName, number | null>> = {
  iid: null,
  'dirichlet-0.5': 0.5,
  'dirichlet-0.1': 0.1,
};
const { clients: CLIENTS, byzantine: LIARS, rounds: ROUNDS } = DEMO_DEFAULTS;
const KEPT_ROUNDS = 3;

/** One round of a federation in which nobody lies, under the plain mean. */
export interface HonestRound {
  readonly observed: Pick<ObservedRound, 'round' | 'baseModel' | 'previousStep' | 'updates'>;
  readonly task: TrainingTask;
}

/** Trains 15 rounds; keeps the rounds 1-3 (early) and 13-15 (late). */
export async function runCleanFederation(digits: Digits, setting: CohortSetting): Promise<CleanFederation> {
  const terms = termsFor(setting);
  const { shards } = splitOf(digits, setting);
  const liars = liarsOf(setting);
  const trainersAs = (role: Role): readonly Trainer[] =>
    liars.map((client) => trainerOf(takeDigits(digits, shards[client] ?? []), { setting, role, client }));
  const [withoutNoise, mislabelled] = [trainersAs('clean'), trainersAs('labelFlipped')];
  const rounds: ObservedRound[] = [];
  for await (const { task, observed } of honestRounds(digits, { setting, rounds: ROUNDS })) {
    const phase = phaseOf(observed.round);
    if (!phase) continue;
    const own = liars.flatMap((liar) => observed.updates[liar] ?? []);
    const clean = terms.privacy.mode === 'none' ? own : await trainAll(withoutNoise, task);
    rounds.push({ ...observed, phase, clean, labelFlipped: await trainAll(mislabelled, task) });
  }
  return { setting, terms, liars, rounds };
}

/** As many rounds as asked for, under the noise that is calibrated for 15: the first 15 are `runCleanFederation`'s. */
export async function* honestRounds(
  digits: Digits,
  { setting, rounds }: { readonly setting: CohortSetting; readonly rounds: number },
): AsyncGenerator<HonestRound, void, undefined> {
  const { terms, model } = foundation(setting);
  const trainers = splitOf(digits, setting).shards.map((shard, client) =>
    trainerOf(takeDigits(digits, shard), { setting, role: 'honest', client }),
  );
  let baseModel = model;
  let previousStep: Float32Array | null = null;
  for (let round = 1; round <= rounds; round++) {
    const task = taskOf(terms, { round, baseModel });
    const updates = await trainAll(trainers, task);
    const step = average(updates);
    yield { task, observed: { round, baseModel, previousStep, updates } };
    baseModel = baseModel.map((value, i) => value + (step[i] ?? NaN));
    previousStep = step;
  }
}

/** What the federation's clients are told. */
export const termsFor = (setting: CohortSetting): FederationTerms => foundation(setting).terms;

/** The kept rounds under one attack, in order. Vectors that nobody replaced are the federation's own, not copies. */
export function cohortsFor(federation: CleanFederation, attack: AnomalyAttackName): readonly AttackedCohort[] {
  const liars = attack === 'none' ? [] : federation.liars;
  return federation.rounds.map((observed) => {
    const { round, phase, baseModel, previousStep } = observed;
    const lies = liesOf(federation, observed, attack);
    const updates = observed.updates.map((update, client) => lies[liars.indexOf(client)] ?? update);
    return { round, phase, baseModel, previousStep, attack, updates, liars: new Set(liars) };
  });
}

/** One update per liar, in their order. */
function liesOf(
  { setting, terms, liars }: CleanFederation,
  { round, updates, clean, labelFlipped }: ObservedRound,
  attack: AnomalyAttackName,
): readonly Float32Array[] {
  if (attack === 'none') return [];
  if (attack === 'label-flip') return labelFlipped;
  const honest = updates.filter((_, client) => !liars.includes(client));
  const own = liars.flatMap((liar) => updates[liar] ?? []);
  const noiseStdDev = noiseStdDevPerParameter(terms.training, terms.privacy);
  return colludingAttacks[attack]({ honest, own, clean, noiseStdDev }, streamOf(setting, attack, round));
}

/** What the federation's clients are told, and the model of round 1: that of a demo of the same seed. */
function foundation({ privacy, seed }: CohortSetting): {
  readonly terms: FederationTerms;
  readonly model: Float32Array;
} {
  const fixed = { f: LIARS, attack: 'none', seed, reproducible: true, noiseMultiplier: null } as const;
  const config = accepted(demoFederation({ ...DEMO_DEFAULTS, ...fixed }));
  const terms = termsOf(privacy === 'local' ? config : { ...config, privacy: { mode: 'none' } });
  return { terms, model: initialModel(config.model.tensors, seed) };
}

function splitOf(digits: Digits, { split, seed }: CohortSetting): DigitsSplit {
  const alpha = DIRICHLET_ALPHA[split];
  const deal = { clients: CLIENTS, seed };
  return alpha === null ? splitDigits(digits, deal) : splitDigitsByDirichlet(digits, { ...deal, alpha });
}

const liarsOf = ({ seed }: CohortSetting): readonly number[] =>
  byzantineIndices({ clients: CLIENTS, byzantine: LIARS, seed });

type Role = 'honest' | 'clean' | 'labelFlipped';

/** Draws from a stream of its own, on through all rounds. */
function trainerOf(
  { images, labels }: Digits,
  { setting, role, client }: { readonly setting: CohortSetting; readonly role: Role; readonly client: number },
): Trainer {
  const examples = { inputs: images, labels: role === 'labelFlipped' ? flipLabels(labels) : labels };
  const noise = role === 'clean' ? 'omitted' : 'declared';
  return simulatedTrainer({ model: softmaxRegressionModel, examples, noise, random: streamOf(setting, role, client) });
}

async function trainAll(trainers: readonly Trainer[], task: TrainingTask): Promise<readonly Float32Array[]> {
  const updates: Float32Array[] = [];
  for (const trainer of trainers) updates.push(await trainer.train(task));
  return updates;
}

function taskOf(
  { tensors: schema, training, privacy }: FederationTerms,
  at: Pick<TrainingTask, 'round' | 'baseModel'>,
): TrainingTask {
  return { ...at, schema, training, privacy, signal: new AbortController().signal };
}

function phaseOf(round: number): PhaseName | undefined {
  if (round <= KEPT_ROUNDS) return 'early';
  return round > ROUNDS - KEPT_ROUNDS ? 'late' : undefined;
}

function streamOf({ split, privacy, seed }: CohortSetting, purpose: string, place: number): RandomSource {
  return seededRandomSource(seed, 'anomaly', split, privacy, purpose, place);
}
