// One cohort through all layers as the coordinator runs them: each update alone (vetUpdate's bounds), then what is left
// beside each other (screenCohort), without an admin's rules and with histories that begin. Out comes, for each update,
// which layers stopped or flagged it and how far beyond its limit the largest figure of the cohort's flags is.

import { createHash } from 'node:crypto';
import { vetValues } from '../server/update/anomaly/absolute-anomaly.ts';
import { measuredNormL2 } from '../server/update/update-figures.ts';
import { type AdminRules, parseAdminRules } from '../server/update/anomaly/admin-rules.ts';
import { type AnomalyBounds, anomalyBounds } from '../server/update/anomaly/anomaly-bounds.ts';
import { HISTORY_TEST } from '../server/update/anomaly/client-history.ts';
import { cohortFlags, cohortSeverities } from '../server/update/anomaly/cohort-anomaly.ts';
import { screenCohort } from '../server/update/anomaly/screen-cohort.ts';
import type { Kernel } from '../server/aggregation/kernels/kernel.ts';
import { openKernel } from '../server/aggregation/kernels/open-kernel.ts';
import type { StagedCohort, TakenUpdate } from '../server/update/staging/take-staged.ts';
import { asClientId, asDigest, type Digest } from '../shared/ids.ts';
import { accepted } from '../shared/protocol/refusals.ts';
import type { FederationTerms } from '../shared/protocol/terms.ts';
import { parameterCount } from '../shared/update-format/tensor-schema.ts';
import type { AttackedCohort } from './anomaly-cohorts.ts';

export const detectionLayers = ['absolute', 'noise-witness', 'shared-noise', ...cohortFlags] as const;
export type DetectionLayer = (typeof detectionLayers)[number];

export interface Detection {
  /** All that found something; one at most of the first three. Empty: it passed unseen. */
  readonly layers: readonly DetectionLayer[];
  /** Largest over the flags, flagged above 1; infinite where the update was refused or left out. */
  readonly severity: number;
}

/** The seed draws sampled coordinates, and the models here are small enough for all of them. */
const SEED = asDigest('00'.repeat(32));

export class Detector {
  readonly #bounds: AnomalyBounds;
  readonly #adminRules: AdminRules;
  readonly #kernel: Kernel;

  private constructor(bounds: AnomalyBounds, adminRules: AdminRules, kernel: Kernel) {
    this.#bounds = bounds;
    this.#adminRules = adminRules;
    this.#kernel = kernel;
  }

  /** The bounds are those that a coordinator of so many clients takes (vet-config.ts). */
  static async of({ tensors, training, privacy, rounds }: FederationTerms, clients: number): Promise<Detector> {
    const [checks, pairs] = [clients * rounds, (clients * (clients - 1)) / 2];
    const options = { training, privacy, parameters: parameterCount(tensors), checks, pairs, rounds };
    return new Detector(anomalyBounds(options), accepted(await parseAdminRules([])), await openKernel());
  }

  /** One for each update, in their order. */
  async judge({
    updates,
    previousStep,
  }: Pick<AttackedCohort, 'updates' | 'previousStep'>): Promise<readonly Detection[]> {
    const stopped = new Map<number, DetectionLayer>();
    const staged = updates.flatMap((values, client) => {
      const { figures, refused } = vetValues(values, this.#bounds);
      if (!refused) return [{ client: clientAt(client), digest: digestOf(values), figures, values }];
      stopped.set(client, refused.refusal.code === 'noise-missing' ? 'noise-witness' : 'absolute');
      return [];
    });
    const beside = await this.#judgeBeside(staged, previousStep);
    return updates.map((_, client) => {
      const layer = stopped.get(client);
      return layer ? { layers: [layer], severity: Infinity } : (beside.get(clientAt(client)) ?? UNSEEN);
    });
  }

  async #judgeBeside(
    staged: readonly MeasuredUpdate[],
    previousStep: Float32Array | null,
  ): Promise<ReadonlyMap<TakenUpdate['client'], Detection>> {
    const common = { previousStep, seed: SEED };
    const world = { rows: [], clients: [], historyTest: HISTORY_TEST, adminRules: this.#adminRules };
    const cohort = this.#stagedCohort(staged);
    const { standing, leftOut, marks } = await screenCohort(cohort, { ...common, ...world, bounds: this.#bounds });
    const members = standing.map(({ figures, ...update }) => ({ ...update, normL2: measuredNormL2(figures) }));
    const noiseStdDev = this.#bounds.noise?.stdDev ?? null;
    const rows = await cohort.cohortOf(members);
    const severities = await cohortSeverities({ ...common, members, rows, noiseStdDev });
    const detectionOf = (client: TakenUpdate['client']): Detection => {
      if (leftOut.has(client)) return { layers: ['shared-noise'], severity: Infinity };
      const flags = marks.get(client)?.flags ?? [];
      const layers = cohortFlags.filter((flag) => flags.includes(flag));
      return { layers, severity: Math.max(0, ...Object.values(severities.get(client) ?? {})) };
    };
    return new Map(staged.map(({ client }) => [client, detectionOf(client)]));
  }

  #stagedCohort(staged: readonly MeasuredUpdate[]): StagedCohort {
    const rows = new Map(staged.map(({ client, values }) => [client, values]));
    const d = staged[0]?.values.length ?? 0;
    const cohortOf: StagedCohort['cohortOf'] = (members) =>
      Promise.resolve(
        this.#kernel.cohort(
          members.flatMap(({ client }) => rows.get(client) ?? []),
          d,
        ),
      );
    return { taken: staged, cohortOf };
  }
}

interface MeasuredUpdate extends TakenUpdate {
  readonly values: Float32Array;
}

const UNSEEN: Detection = { layers: [], severity: 0 };

const clientAt = (index: number): TakenUpdate['client'] => asClientId(index.toString(16).padStart(64, '0'));

const digestOf = ({ buffer, byteOffset, byteLength }: Float32Array): Digest =>
  asDigest(
    createHash('sha256')
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest('hex'),
  );
