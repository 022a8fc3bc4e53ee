// What a federation asks of its clients, public and the same for everybody: sent when a client joins, fixed for the
// federation's life save the total of rounds and the privacy budget, which may be amended. Nothing in it may be derived
// from one client's data, its number of examples included.

import { z } from 'zod';
import { isFederationId } from '../ids.ts';

const positive = z.number().positive().finite();
const count = z.number().int().positive();

/** Of a federation, in all. */
export const MAX_ROUNDS = 100_000;

/** Decay of a running mean. */
const decay = z.number().nonnegative().lt(1);

/** What a client makes of the noised gradient of a step; all of it is post-processing and costs no privacy. */
export const localOptimiserSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('sgd') }),
  /** v <- beta v + g, w <- w - learning rate x v */
  z.strictObject({ name: z.literal('momentum'), beta: decay.default(0.9) }),
  /** Kingma and Ba, arXiv 1412.6980, algorithm 1. Not linear in the noise, hence not under local privacy. */
  z.strictObject({
    name: z.literal('adam'),
    beta1: decay.default(0.9),
    beta2: decay.default(0.999),
    epsilon: positive.default(1e-8),
  }),
]);
export type LocalOptimiser = z.infer<typeof localOptimiserSchema>;

/** DP-SGD as every client runs it. */
export const trainingTermsSchema = z.strictObject({
  /** Step size of local SGD. */
  learningRate: positive,
  /** Local steps a round; an empty batch is a step too. */
  stepsPerRound: count.max(100_000),
  /** Probability with which each example enters a batch, independently of all others (Poisson sampling). */
  samplingRate: z.number().positive().max(1),
  /** Public denominator of every step: never the size of the batch drawn. */
  expectedBatchSize: positive,
  /** L2 norm to which each example's gradient is clipped. */
  clippingNormL2: positive,
  /** Default: plain SGD. Its state begins anew in every round. */
  optimiser: localOptimiserSchema.exactOptional(),
  /** FedProx's mu: every gradient has mu (w - base model) added, which keeps clients near each other. Default 0. */
  proximalTerm: z.number().nonnegative().finite().exactOptional(),
  /**
   * What the learning rate of a step is multiplied by: an expression of `step` (from 0), `steps` (of a round) and `round`
   * (from 1), such as `0.9 ^ step` (learning-rates.ts). Default: 1.
   */
  learningRateSchedule: z.string().min(1).max(500).exactOptional(),
});
export type TrainingTerms = z.infer<typeof trainingTermsSchema>;

/** What follows the norms of the updates to a quantile (Andrew et al., arXiv 1905.03871, algorithm 1). */
export const adaptiveClippingSchema = z.strictObject({
  /** Share of the updates that the clipping norm is to leave as they are. */
  quantile: z.number().positive().lt(1),
  /** Of the clipping norm's logarithm. */
  learningRate: positive,
  /** Standard deviation of the noise on the count of the updates within the norm. */
  countNoiseStdDev: positive,
});
export type AdaptiveClipping = z.infer<typeof adaptiveClippingSchema>;

const centralPrivacyTermsSchema = z.strictObject({
  mode: z.literal('central'),
  /** L2 norm to which each client's whole update is clipped; adaptive clipping begins with it. */
  clippingNormL2: positive,
  /** Public denominator of every round: never the number of updates that came. */
  plannedClients: count,
  /** Standard deviation of a round's noise in units of the clipping norm, before the denominator. */
  noiseMultiplier: positive,
  /** Epsilon that no client's whole history may pass. */
  epsilonBudget: positive,
  delta: z.number().positive().lt(1),
  /** Every client counts as taking part in every round: selection that is known, capped or topped up amplifies nothing. */
  samplingRate: z.literal(1),
  /** Neighbouring federations differ by all that one client adds to the sums of its rounds. */
  adjacency: z.literal('add-remove'),
  unit: z.literal('client'),
  adaptiveClipping: adaptiveClippingSchema.nullable(),
});

export const privacyTermsSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('local'),
    /** Standard deviation of each step's noise in units of the clipping norm. */
    noiseMultiplier: positive,
    /** Epsilon that no client's whole history may pass. */
    epsilonBudget: positive,
    delta: z.number().positive().lt(1),
    /** Neighbouring data sets differ by one example added or removed. */
    adjacency: z.literal('add-remove'),
    unit: z.literal('example'),
    /** True for reproducible runs: their noise is seeded, so that no epsilon may be claimed for them. */
    void: z.boolean(),
  }),
  centralPrivacyTermsSchema,
  z.strictObject({ mode: z.literal('none') }),
]);
export type PrivacyTerms = z.infer<typeof privacyTermsSchema>;
export type LocalPrivacyTerms = Extract<PrivacyTerms, { mode: 'local' }>;
export type CentralPrivacyTerms = Extract<PrivacyTerms, { mode: 'central' }>;

export const tensorSpecSchema = z.strictObject({
  /** Not `__metadata__`, which safetensors keeps for itself. */
  name: z
    .string()
    .min(1)
    .max(256)
    .refine((name) => name !== '__metadata__', 'a tensor’s name'),
  shape: z.array(count).max(8).readonly(),
});

export const federationTermsSchema = z.strictObject({
  federation: z.string().refine(isFederationId, 'a federation id'),
  /** The model's tensors in canonical order. */
  tensors: z.array(tensorSpecSchema).min(1).max(10_000).readonly(),
  training: trainingTermsSchema,
  privacy: privacyTermsSchema,
  /** Number of rounds the federation runs in all. */
  rounds: count.max(MAX_ROUNDS),
});
export type FederationTerms = z.infer<typeof federationTermsSchema>;
