// Results of demos that never ran: a few clients in a round, each with the fate that a test needs.

import { asClientId, asDigest, type ClientId } from '../../shared/ids.ts';
import type { DemoClientResult, DemoResult, DemoRoundResult, DemoSummary } from '../../simulation/demo/demo-result.ts';

export const digestOf = (character: string): string => character.repeat(64);
export const idOf = (character: string): ClientId => asClientId(digestOf(character));

export function demoClient(id: string, fate: Partial<DemoClientResult> = {}): DemoClientResult {
  const selected = (fate.verdict ?? 'selected') === 'selected';
  return {
    id: idOf(id),
    byzantine: false,
    verdict: 'selected',
    flags: [],
    code: null,
    layer: null,
    norm: 14.4,
    score: 5_800,
    selected,
    epsilon: 0.7,
    ...fate,
  };
}

export function demoRound(number: number, clients: readonly DemoClientResult[]): DemoRoundResult {
  const modelDigest = asDigest(digestOf('d'));
  return { number, state: 'committed', modelDigest, accuracy: 0.874, twinAccuracy: 0.043, bytesReceived: 1, clients };
}

export function demoResultOf(rounds: readonly DemoRoundResult[], changes: Partial<DemoSummary> = {}): DemoResult {
  return {
    rounds,
    summary: {
      seed: 1,
      clients: 3,
      byzantine: 1,
      attack: 'noisy-flip',
      rule: 'multi-krum',
      f: 1,
      m: 1,
      rounds: rounds.length,
      accuracy: 0.874,
      twinAccuracy: 0.043,
      epsilon: 3.25,
      delta: 1e-4,
      adjacency: 'add-remove',
      unit: 'example',
      noiseMultiplier: 1.03,
      samplingRate: 0.1,
      expectedBatchSize: 40,
      clippingNormL2: 1,
      learningRate: 2,
      stepsPerRound: 10,
      parameters: 7_850,
      privacyVoid: false,
      heldOut: [1, 2, 3],
      dir: '/somewhere/demo',
      seconds: 60,
      ...changes,
    },
  };
}
