// One verdict for every client that was offered the round, whatever became of it: whoever sent nothing is told so too.

import type { ClientId, Digest } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { type RefusalCode, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import type { EnrolledClient } from '../admission/enrolment-store.ts';
import type { ClientBudgets } from '../privacy/client-budget.ts';
import type { ScreenedCohort } from '../update/anomaly/screen-cohort.ts';
import type { CohortFigures } from '../update/anomaly/cohort-figures.ts';
import type { UpdateRow } from '../update/staging/update-store.ts';
import type { OfferedRound, Verdict } from '../../shared/protocol/round-record.ts';
import { type AggregatedCohort, isSelected, noRowFacts, rowFacts } from './aggregation-facts.ts';

export interface ClosingRound {
  readonly offered: OfferedRound;
  /** Committed to before the offer, revealed by the record. */
  readonly seed: Digest;
  /** One for each client that announced an update. */
  readonly rows: readonly UpdateRow[];
  /** Clients that declined the offer or never got as far as announcing an update, and why. */
  readonly turnedAway: ReadonlyMap<ClientId, RefusalCode>;
  /** Everybody enrolled: who answers for whom. */
  readonly clients: readonly EnrolledClient[];
  readonly budgets: ClientBudgets;
  readonly bytesReceived: number;
  readonly closedAt: Date;
}

/** What the rule made of `ScreenedCohort.standing`, row by row, or why there is nothing. */
export type RuleOutcome =
  | ({ readonly kind: 'aggregated' } & AggregatedCohort)
  /** Under central privacy: every update was taken, with no figure of its own. */
  | { readonly kind: 'released' }
  | { readonly kind: 'none'; readonly code: RefusalCode };

/** The flag of a client that its own history speaks against. */
export const SUSPECT = 'suspect';

type Judgement = Pick<Verdict, 'verdict' | 'code' | 'layer'>;

/** In the order of client ids. @throws InvariantError when a client of the cohort is not enrolled. */
export function judgeCohort(closing: ClosingRound, screened: ScreenedCohort, outcome: RuleOutcome): Verdict[] {
  const rows = new Map(closing.rows.map((row) => [row.client, row]));
  const clients = new Map(closing.clients.map((client) => [client.id, client]));
  const reached = new Map(screened.standing.map(({ client }, row) => [client, row]));
  return closing.offered.cohort.map((id) => {
    const client = clients.get(id);
    if (!client) throw new InvariantError(`${id} was offered a round but is not enrolled`);
    const row = rows.get(id);
    const { flags = [], figures = null } = screened.marks.get(id) ?? {};
    const { suspicion = null, suspect = false } = screened.histories.get(id) ?? {};
    return {
      client: id,
      organisation: client.organisation,
      ...judge(row, closing.turnedAway.get(id) ?? absence(client), { screened, outcome, reached }),
      flags: suspect ? [...flags, SUSPECT] : [...flags],
      updateDigest: row?.digest ?? null,
      ...(row?.figures ?? noFigures),
      ...(figures ?? noCohortFigures),
      suspicion,
      ...(outcome.kind === 'aggregated' ? rowFacts(outcome.explanation, reached.get(id)) : noRowFacts),
      epsilon: closing.budgets.epsilonOf(id),
    };
  });
}

const noFigures = { normL2: null, maxAbsolute: null, noiseRatio: null, noiseDeficit: null };
const noCohortFigures: CohortFigures = {
  normZ: null,
  cosineToMedian: null,
  cosineToMedianZ: null,
  cosineToPrevious: null,
  positiveShare: null,
  signZ: null,
  nearDuplicates: null,
  pairRatio: null,
  spectralZ: null,
};

/** Why nothing came of a client that nobody has turned away. */
function absence({ status }: EnrolledClient): RefusalCode {
  if (status === 'active') return 'deadline-missed';
  return status === 'banned' ? 'banned' : 'revoked';
}

interface Circumstances {
  readonly screened: ScreenedCohort;
  readonly outcome: RuleOutcome;
  /** By client: its row in the cohort that reached the rule. */
  readonly reached: ReadonlyMap<ClientId, number>;
}

function judge(row: UpdateRow | undefined, turnedAway: RefusalCode, circumstances: Circumstances): Judgement {
  if (row?.state !== 'staged') return refusedWith(row?.refusal?.code ?? turnedAway);
  const { screened, outcome, reached } = circumstances;
  const code = screened.leftOut.get(row.client);
  if (code === undefined) return judgeStaged(row.client, outcome, reached);
  return code === 'quarantined' ? { ...refusedWith(code), verdict: code } : refusedWith(code);
}

/** @throws InvariantError for an update that neither reached the rule nor was left out. */
function judgeStaged(client: ClientId, outcome: RuleOutcome, reached: ReadonlyMap<ClientId, number>): Judgement {
  if (outcome.kind === 'none') {
    return { verdict: 'not-selected', code: outcome.code, layer: refusalCatalogue[outcome.code].layer };
  }
  const row = reached.get(client);
  if (row === undefined) throw new InvariantError(`the staged update of ${client} never reached the rule`);
  if (outcome.kind === 'released' || isSelected(outcome.aggregate, row))
    return { verdict: 'selected', code: null, layer: null };
  return { verdict: 'not-selected', code: null, layer: 'rule' };
}

const refusedWith = (code: RefusalCode): Judgement => ({
  verdict: 'refused',
  code,
  layer: refusalCatalogue[code].layer,
});
