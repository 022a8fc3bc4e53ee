// The result of `muster demo --json`, key by key as it was promised to those who read it, written down here a second
// time on purpose: a key that comes, goes or changes its form is a change of the interface.

import { z } from 'zod';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const share = z.number().min(0).max(1);
const count = z.number().int().nonnegative();
const epsilon = z.number().positive().nullable();

const clientSchema = z.strictObject({
  id: hex64,
  byzantine: z.boolean(),
  verdict: z.enum(['selected', 'not-selected', 'quarantined', 'refused']),
  flags: z.array(z.string()),
  code: z.string().nullable(),
  layer: z.enum(['transport', 'admission', 'integrity', 'anomaly', 'noise-witness', 'rule']).nullable(),
  norm: z.number().nonnegative().nullable(),
  score: z.number().nonnegative().nullable(),
  selected: z.boolean(),
  epsilon,
});

const roundSchema = z.strictObject({
  number: count.positive(),
  state: z.enum(['committed', 'abandoned']),
  modelDigest: hex64,
  accuracy: share,
  twinAccuracy: share,
  bytesReceived: count,
  clients: z.array(clientSchema),
});

export const demoResultSchema = z.strictObject({
  rounds: z.array(roundSchema),
  summary: z.strictObject({
    seed: count,
    clients: count,
    byzantine: count,
    attack: z.string(),
    rule: z.enum(['mean', 'krum', 'multi-krum']),
    f: count,
    m: count,
    rounds: count,
    accuracy: share,
    twinAccuracy: share,
    epsilon,
    delta: z.number(),
    adjacency: z.literal('add-remove'),
    unit: z.literal('example'),
    noiseMultiplier: z.number().positive(),
    samplingRate: z.number(),
    expectedBatchSize: z.number(),
    clippingNormL2: z.number(),
    learningRate: z.number(),
    stepsPerRound: count,
    parameters: count,
    privacyVoid: z.boolean(),
    heldOut: z.array(count),
    dir: z.string(),
    seconds: z.number().nonnegative(),
  }),
});
export type DemoJson = z.infer<typeof demoResultSchema>;

export function readDemoResult(json: string): DemoJson {
  return demoResultSchema.parse(JSON.parse(json));
}
