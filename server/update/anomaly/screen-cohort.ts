// What stands between the staged updates of a round and its rule: updates of clients that were barred meanwhile, updates
// that share noise, updates that an admin's own rules leave out. The figures and flags of all others travel on with
// their verdicts, and each client's history is brought up to date with them.

import type { ClientId, Digest } from '../../../shared/ids.ts';
import type { EnrolledClient } from '../../admission/enrolment-store.ts';
import type { StagedCohort, TakenUpdate } from '../staging/take-staged.ts';
import { measuredNormL2 } from '../update-figures.ts';
import type { UpdateRow } from '../staging/update-store.ts';
import type { AdminRules, FiredRule } from './admin-rules.ts';
import type { AnomalyBounds } from './anomaly-bounds.ts';
import type { HistoryTest } from './client-history.ts';
import { type CohortMark, markCohort } from './cohort-anomaly.ts';
import type { CohortFigures, MeasuredCohort } from './cohort-figures.ts';
import { type History, judgeHistories } from './judge-histories.ts';
import { sharedNoise } from './shared-noise.ts';

export interface CohortRules {
  readonly bounds: AnomalyBounds;
  readonly adminRules: AdminRules;
  readonly historyTest: HistoryTest;
}

export interface Screening extends CohortRules {
  /** Of every client that announced an update. */
  readonly rows: readonly UpdateRow[];
  /** Everybody enrolled. */
  readonly clients: readonly EnrolledClient[];
  /** The last committed step, d values; null before the first. */
  readonly previousStep: Float32Array | null;
  /** Recorded, and mixed with the updates. */
  readonly seed: Digest;
}

/** Why a staged update does not reach the rule. */
export type LeftOut = 'banned' | 'revoked' | 'shared-noise' | 'quarantined';

export interface ScreenedCohort {
  /** What reaches the rule, in the order of client ids. */
  readonly standing: readonly TakenUpdate[];
  readonly leftOut: ReadonlyMap<ClientId, LeftOut>;
  readonly marks: ReadonlyMap<ClientId, ScreenedMark>;
  /** Of each client whose update was judged, after this round. */
  readonly histories: ReadonlyMap<ClientId, History>;
}

export interface ScreenedMark {
  readonly figures: CohortFigures;
  readonly flags: readonly string[];
}

export async function screenCohort(cohort: StagedCohort, screening: Screening): Promise<ScreenedCohort> {
  const { taken: staged } = cohort;
  const enrolled = new Map(screening.clients.map((client) => [client.id, client]));
  const leftOut = barred(staged, enrolled);
  const present = staged.filter(({ client }) => !leftOut.has(client));
  const before = await markCohort(await measured(present, cohort, screening));
  const sharing = sharedNoise(figuresOf(before), screening.bounds.noise?.leastPairRatio ?? 0);
  for (const client of sharing) leftOut.set(client, 'shared-noise');
  const independent = present.filter(({ client }) => !sharing.has(client));
  // Those who are out must not move the figures of those who stay.
  const after = sharing.size > 0 ? await markCohort(await measured(independent, cohort, screening)) : before;
  const marks = new Map([...before, ...after]);
  const facts = { adminRules: screening.adminRules, enrolled, marks, n: independent.length };
  const fired = new Map(independent.map((update) => [update.client, firedRules(update, facts)]));
  for (const [client, rules] of fired)
    if (rules.some(({ action, failed }) => action === 'quarantine' && failed === undefined))
      leftOut.set(client, 'quarantined');
  const histories = judgeHistories(screening.rows, {
    marks,
    leftOut,
    clients: screening.clients,
    test: screening.historyTest,
  });
  return {
    standing: independent.filter(({ client }) => !leftOut.has(client)),
    leftOut,
    marks: new Map(
      [...marks].map(([client, { figures, flags }]) => [
        client,
        { figures, flags: [...flags, ...ruleFlags(fired.get(client) ?? [])] },
      ]),
    ),
    histories,
  };
}

/** Under central privacy no update is compared with another: only who was barred meanwhile is left out. */
export function screenUnmeasured(
  { taken }: Pick<StagedCohort, 'taken'>,
  clients: readonly EnrolledClient[],
): ScreenedCohort {
  const leftOut = barred(taken, new Map(clients.map((client) => [client.id, client])));
  const standing = taken.filter(({ client }) => !leftOut.has(client));
  return { standing, leftOut, marks: new Map(), histories: new Map() };
}

function barred(
  staged: readonly TakenUpdate[],
  enrolled: ReadonlyMap<ClientId, EnrolledClient>,
): Map<ClientId, LeftOut> {
  const out = new Map<ClientId, LeftOut>();
  for (const { client } of staged) {
    const status = enrolled.get(client)?.status;
    if (status === 'banned' || status === 'revoked') out.set(client, status);
  }
  return out;
}

async function measured(
  updates: readonly TakenUpdate[],
  { cohortOf }: StagedCohort,
  { bounds, previousStep, seed }: Screening,
): Promise<MeasuredCohort> {
  const members = updates.map(({ figures, ...update }) => ({ ...update, normL2: measuredNormL2(figures) }));
  return { members, rows: await cohortOf(members), previousStep, noiseStdDev: bounds.noise?.stdDev ?? null, seed };
}

const figuresOf = (marks: ReadonlyMap<ClientId, CohortMark>): ReadonlyMap<ClientId, CohortFigures> =>
  new Map([...marks].map(([client, { figures }]) => [client, figures]));

interface Measured {
  readonly adminRules: AdminRules;
  readonly enrolled: ReadonlyMap<ClientId, EnrolledClient>;
  readonly marks: ReadonlyMap<ClientId, CohortMark>;
  /** Updates that the marks of those who stay were measured over. */
  readonly n: number;
}

function firedRules(
  { client, figures }: TakenUpdate,
  { adminRules, enrolled, marks, n }: Measured,
): readonly FiredRule[] {
  const suspicion = enrolled.get(client)?.suspicion ?? null;
  return adminRules.judge({ ...figures, ...marks.get(client)?.figures, suspicion, n });
}

const ruleFlags = (fired: readonly FiredRule[]): readonly string[] => fired.map(({ name }) => `rule:${name}`);
