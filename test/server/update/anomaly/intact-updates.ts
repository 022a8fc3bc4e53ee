// Intact updates and the terms they were trained under: the demo's softmax regression on 784 pixels.

import type { IntactUpdate } from '../../../../server/update/stages.ts';
import { asClientId, asDigest, asFederationId, asOrganisationId } from '../../../../shared/ids.ts';
import type { LocalPrivacyTerms, TrainingTerms } from '../../../../shared/protocol/terms.ts';
import type { RandomSource } from '../../../../shared/random-source.ts';
import { fillStandardNormals } from '../../../../shared/random-source.ts';
import { magnitudes } from '../../../../shared/vector/vector.ts';
import { newcomer } from '../../../support/small-federation.ts';

export const parameters = 7850;
/** 20 clients, 15 rounds. */
export const checks = 300;
export const rounds = 15;
/** Of 20 clients. */
export const pairs = 190;

export const training: TrainingTerms = {
  learningRate: 2,
  stepsPerRound: 10,
  samplingRate: 0.1,
  expectedBatchSize: 40,
  clippingNormL2: 1,
};

export const privacy: LocalPrivacyTerms = {
  mode: 'local',
  noiseMultiplier: 1.03,
  epsilonBudget: 8,
  delta: 1e-4,
  adjacency: 'add-remove',
  unit: 'example',
  void: false,
};

/** 2 x 1.03 x 1 / 40 x sqrt(10), written out so that a change of the formula shows. */
export const noiseStdDev = 0.16285729949867;

export function noiseOf(random: RandomSource, stdDev: number): Float32Array {
  const draws = new Float64Array(parameters);
  fillStandardNormals(random, draws);
  return Float32Array.from(draws, (draw) => stdDev * draw);
}

/** A vector of the given norm along the ones. */
export const signalOf = (normL2: number): Float32Array =>
  new Float32Array(parameters).fill(normL2 / Math.sqrt(parameters));

export function intactUpdate(values: Float32Array): IntactUpdate {
  const hex = '5a'.repeat(32);
  const [client, federation] = [asClientId(hex), asFederationId('digits')];
  return {
    kind: 'intact',
    announced: {
      kind: 'announced',
      client: {
        id: client,
        organisation: asOrganisationId('clinic'),
        name: 'ward 3',
        publicKey: '',
        enrolledAt: new Date(0),
        ...newcomer,
      },
      envelope: {
        protocolVersion: 1,
        federation,
        client,
        round: 1,
        baseModelDigest: asDigest(hex),
        updateDigest: asDigest(hex),
        byteLength: 4 * values.length,
        schemaDigest: asDigest(hex),
        privacy: null,
        checkpoint: { size: 1, root: asDigest(hex) },
        nonce: '00'.repeat(16),
      },
      signature: '',
    },
    bytes: new Uint8Array(4 * values.length),
    values,
    magnitudes: magnitudes(values),
  };
}
