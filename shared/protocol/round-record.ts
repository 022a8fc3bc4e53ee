// What is kept of a round for good: every input that its aggregate depended on and a verdict for every client that was
// offered it. Whoever holds the blobs it names can compute the model again from this record alone.

import { z } from 'zod';
import { clientIdSchema, digestSchema } from './envelope.ts';
import { isOrganisationId } from '../ids.ts';
import { isRefusalCode, refusalLayers } from './refusals.ts';

const figure = z.number().nullable();
const refusalCodeSchema = z.string().refine(isRefusalCode);

export const verdictSchema = z.strictObject({
  client: clientIdSchema,
  organisation: z.string().refine(isOrganisationId),
  verdict: z.enum(['selected', 'not-selected', 'quarantined', 'refused']),
  /** Why, where the client was refused or left out by a rule. */
  code: refusalCodeSchema.nullable(),
  /** The layer that stopped the update; null when it was selected or nothing stopped it but the round. */
  layer: z.enum(refusalLayers).nullable(),
  /** Marks that change nothing else. */
  flags: z.array(z.string()),
  updateDigest: digestSchema.nullable(),
  normL2: figure,
  maxAbsolute: figure,
  /** Squared norm over d s^2, s the declared noise per parameter. */
  noiseRatio: figure,
  /** How far the share of small values passes that of the declared noise. */
  noiseDeficit: figure,
  // Against the cohort (server/update/anomaly/cohort-figures.ts).
  /** MAD z-score of the norm. */
  normZ: figure,
  /** Cosine to the coordinate-wise median of all other updates. */
  cosineToMedian: figure,
  /** MAD z-score of that cosine. */
  cosineToMedianZ: figure,
  /** Cosine to the last committed step. */
  cosineToPrevious: figure,
  /** Share of the values other than 0 that are above 0. */
  positiveShare: figure,
  /** MAD z-score of that share. */
  signZ: figure,
  /** How many other updates have the same digest or point the same way. */
  nearDuplicates: figure,
  /** Least squared distance to another update over 2 d s^2, s the declared noise per parameter. */
  pairRatio: figure,
  /** MAD z-score of the squared share in the direction in which the cohort differs most. */
  spectralZ: figure,
  /** Against the client's own history, this round included: suspect from 1 / false-ban rate on. */
  suspicion: figure,
  /** The rule's score, lower is better; null where the rule gives none. */
  score: figure,
  /** 1 for the lowest score, ties by client id. */
  rank: figure,
  /** L2, from the update as it reached the rule, before anything that stands in front of it. */
  distanceToAggregate: figure,
  /** Weight in a weighted mean, or share of the coordinates in which the value was used. */
  share: figure,
  /** The client's whole history after this round, as the coordinator counts it; null without declared privacy. */
  epsilon: figure,
});
export type Verdict = z.infer<typeof verdictSchema>;

/** Which of the field's variants, with its options. */
const variantSchema = z.strictObject({ name: z.string(), variant: z.string() });

const aggregationSchema = z.strictObject({
  /**
   * The mean of the honest is at most `bound` (L2) away from the aggregate, where at most f of the updates lie; null:
   * without a bound, since all of them may.
   */
  certificate: z.strictObject({ bound: figure, exact: z.boolean() }),
  /** What the rule's proof asks of the spread of the updates; null where it asks nothing. */
  condition: z.strictObject({ observed: figure, limit: figure, satisfied: z.boolean(), source: z.string() }).nullable(),
  /** What the updates themselves say about the number of liars; null where they say nothing. */
  liars: z.strictObject({ suspected: z.number().int().nonnegative(), gap: figure }).nullable(),
  warnings: z.array(z.string()),
  /** The parent of the base model, where the rule began from the step between the two; null where it did not. */
  reference: digestSchema.nullable(),
});
export type AggregationFacts = z.infer<typeof aggregationSchema>;

const centralReleaseSchema = z.strictObject({
  /** Of the round as a whole, as it was charged. */
  noiseMultiplier: z.number().positive(),
  /** To which every update was clipped. */
  clippingNormL2: z.number().positive(),
  plannedClients: z.number().int().positive(),
  /** Hash of the noise behind a salt that nobody keeps. */
  noiseCommitment: digestSchema,
  /** Blob of the aggregate as it was released, noise included: all that follows is computed from it. */
  aggregate: digestSchema,
  /** The parent of the base model, where updates were clipped around the step between the two; null where around zero. */
  reference: digestSchema.nullable(),
  /** Of the next round: another where clipping is adaptive. */
  nextClippingNormL2: z.number().positive(),
});
export type CentralRelease = z.infer<typeof centralReleaseSchema>;

export const roundRecordSchema = z.strictObject({
  number: z.number().int().positive(),
  state: z.enum(['committed', 'abandoned']),
  /** Why it was abandoned. */
  code: refusalCodeSchema.nullable(),
  baseModel: digestSchema,
  /** Null when abandoned: the base model stays the newest. */
  model: digestSchema.nullable(),
  /** Everyone who could have been offered the round, by id: the cohort was drawn from them. */
  eligible: z.array(clientIdSchema),
  /** Everyone who was offered the round, by id. */
  cohort: z.array(clientIdSchema),
  /** What was committed to before the round was offered: the digest of the seed (round-seed.ts). */
  seedCommitment: digestSchema,
  /** Liars tolerated, fixed when the round was offered. */
  f: z.number().int().nonnegative(),
  /** Revealed when the round ends: it drew the cohort. */
  seed: digestSchema,
  rule: variantSchema.extend({
    m: z.number().int().nullable(),
    neighbours: z.number().int().nullable(),
    /** What stood in front of it, from the first to the last. */
    pre: z.array(variantSchema),
  }),
  /**
   * How far liars can have moved the aggregate, and what the rule and the updates say to that; null when abandoned, and
   * under central privacy, where it would tell what single updates are like.
   */
  aggregation: aggregationSchema.nullable(),
  /** The release of a round under central privacy; null under any other, and when abandoned. */
  central: centralReleaseSchema.nullable(),
  /** What made the step of the aggregate, and the blobs of what it remembered before and after; null: nothing. */
  optimiser: variantSchema.extend({
    stateBefore: digestSchema.nullable(),
    /** Null when abandoned: the state before stays. */
    stateAfter: digestSchema.nullable(),
  }),
  /** The updates that reached the rule, by client id: the aggregate was computed in this order. */
  updates: z.array(z.strictObject({ client: clientIdSchema, update: digestSchema })),
  /** L2 norm of what the rule made of the updates, central noise included; null when abandoned. */
  aggregateNormL2: figure,
  /** L2 norm of the step that the model took; null when abandoned. */
  stepNormL2: figure,
  /** What computed the epsilons of the verdicts; null where none are given. */
  accountant: z.string().nullable(),
  /** Bytes read from all sockets between offer and close; what came before a restart in between is not in it. */
  bytesReceived: z.number().int().nonnegative(),
  offeredAt: z.iso.datetime(),
  closedAt: z.iso.datetime(),
  verdicts: z.array(verdictSchema),
});
export type RoundRecord = z.infer<typeof roundRecordSchema>;

/** A round under way, as much of it as must survive a crash. */
export const offeredRoundSchema = roundRecordSchema.pick({
  number: true,
  baseModel: true,
  eligible: true,
  cohort: true,
  seedCommitment: true,
  f: true,
  offeredAt: true,
});
export type OfferedRound = z.infer<typeof offeredRoundSchema>;
