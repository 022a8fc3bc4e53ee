// The figures of a round that follow from its updates: as its record has them, and as the rule, run again, has them. The
// two are compared as canonical JSON, so that what one says and the other does not is a difference too.

import { canonicalJson } from '../../shared/canonical-json.ts';
import type { RoundRecord, Verdict } from '../../shared/protocol/round-record.ts';
import { normL2 } from '../../shared/vector/vector.ts';
import {
  aggregationFacts,
  isSelected,
  noRowFacts,
  type ReleasedAggregate,
  type RowFacts,
  rowFacts,
} from '../round/aggregation-facts.ts';
import type { RoundOutcome } from '../round/write-record.ts';

type Figures = Pick<RoundRecord, 'aggregation' | 'aggregateNormL2' | 'stepNormL2'> &
  Pick<RoundRecord['rule'], 'm' | 'neighbours'> & {
    /** One for each verdict. */
    readonly verdicts: readonly (RowFacts & Pick<Verdict, 'client'> & { readonly selected: boolean })[];
  };

/** As the record has them. */
export function recordedFigures({ rule, aggregation, aggregateNormL2, stepNormL2, verdicts }: RoundRecord): string {
  const { m, neighbours } = rule;
  return textOf({
    m,
    neighbours,
    aggregation,
    aggregateNormL2,
    stepNormL2,
    verdicts: verdicts.map(({ client, verdict, score, rank, distanceToAggregate, share }) => ({
      client,
      selected: verdict === 'selected',
      score,
      rank,
      distanceToAggregate,
      share,
    })),
  });
}

export function committedFigures(outcome: RoundOutcome, { updates, verdicts }: RoundRecord): string {
  const { aggregate, explanation, step } = outcome;
  const { m, neighbours } = aggregate;
  const rows = new Map(updates.map(({ client }, row) => [client, row]));
  return textOf({
    m,
    neighbours,
    aggregation: aggregationFacts(outcome),
    aggregateNormL2: normL2(aggregate.values),
    stepNormL2: normL2(step.values),
    verdicts: verdicts.map(({ client }) => {
      const row = rows.get(client);
      return { client, selected: row !== undefined && isSelected(aggregate, row), ...rowFacts(explanation, row) };
    }),
  });
}

/** Of a round under central privacy: of its release, and of no update. */
export function releasedFigures(
  { aggregate, step }: Pick<ReleasedAggregate, 'aggregate'> & Pick<RoundOutcome, 'step'>,
  { updates, verdicts }: RoundRecord,
): string {
  const taken = new Set(updates.map(({ client }) => client));
  return textOf({
    m: null,
    neighbours: null,
    aggregation: null,
    aggregateNormL2: normL2(aggregate.values),
    stepNormL2: normL2(step.values),
    verdicts: verdicts.map(({ client }) => ({ client, selected: taken.has(client), ...noRowFacts })),
  });
}

/** Of a round without an aggregate: none. */
export function abandonedFigures({ verdicts }: RoundRecord): string {
  return textOf({
    m: null,
    neighbours: null,
    aggregation: null,
    aggregateNormL2: null,
    stepNormL2: null,
    verdicts: verdicts.map(({ client }) => ({ client, selected: false, ...noRowFacts })),
  });
}

const textOf = ({ verdicts, ...figures }: Figures): string => canonicalJson({ ...figures, verdicts: [...verdicts] });
