// What `muster aggregate` prints: for programs one object, for people who was selected, how far liars can have moved the
// aggregate, and what each update had to do with it. Rows are named as the input names them and come in its order.

import type { ClientExplanation, Condition, Explanation } from '../../server/aggregation/explain/explanation.ts';
import type { Aggregate, AggregationRule } from '../../server/aggregation/rule.ts';
import { certificateText } from '../certificate-text.ts';
import { counted, rounded, table } from '../text.ts';

export interface Aggregated {
  /** By name alone. */
  readonly name: string;
  readonly rule: AggregationRule;
  readonly f: number;
  readonly aggregate: Aggregate;
  readonly explanation: Explanation;
  /** By row: its position in the input. */
  readonly order: readonly number[];
  /** By position; null: rows are named by their position. */
  readonly ids: readonly string[] | null;
  /** Beside those of the explanation. */
  readonly warnings: readonly string[];
}

type RowName = string | number;

export interface AggregateReport {
  readonly rule: string;
  /** Updates given. */
  readonly n: number;
  readonly f: number;
  readonly m: number | null;
  readonly aggregate: readonly number[];
  /** In the order of the input; null where nobody was left out. */
  readonly selected: readonly RowName[] | null;
  /** In the order of the input. */
  readonly scores: readonly number[] | null;
  readonly certificate: Explanation['certificate'];
  readonly explanation: Omit<Explanation, 'certificate' | 'clients'> & {
    readonly variant: string;
    readonly neighbours: number | null;
    /** In the order of the input. */
    readonly clients: readonly (ClientExplanation & { readonly client: RowName; readonly selected: boolean })[];
  };
}

export function aggregateReport(aggregated: Aggregated): AggregateReport {
  const { name, rule, f, aggregate, explanation, order, ids } = aggregated;
  const { certificate, clients, condition, liars, warnings } = explanation;
  const { m, neighbours, scores, selected } = aggregate;
  const rows = rowByPosition(order);
  const nameOf = (position: number): RowName => ids?.[position] ?? position;
  const taken = new Set(selected ?? order.keys());
  const names = rows.flatMap((row, position) => (taken.has(row) ? [nameOf(position)] : []));
  return {
    rule: name,
    n: order.length,
    f,
    m,
    aggregate: Array.from(aggregate.values),
    selected: selected && names,
    scores: scores && rows.map((row) => scores[row] ?? NaN),
    certificate,
    explanation: {
      variant: rule.variant,
      neighbours,
      clients: rows.flatMap((row, position) => {
        const client = clients[row];
        return client ? [{ client: nameOf(position), selected: taken.has(row), ...client }] : [];
      }),
      condition,
      liars,
      warnings: [...warnings, ...aggregated.warnings],
    },
  };
}

function rowByPosition(order: readonly number[]): readonly number[] {
  const rows = order.map(() => 0);
  for (const [row, position] of order.entries()) rows[position] = row;
  return rows;
}

const MAX_LINES = 50;

export function aggregateText(report: AggregateReport): string {
  const { rule, n, f, m, aggregate, certificate, explanation, selected } = report;
  const { variant, clients, condition, warnings } = explanation;
  const left = clients.length - MAX_LINES;
  return [
    `${rule} (${variant}) of ${counted(n, 'update')} of ${counted(aggregate.length, 'value')}, f = ${f}${m === null ? '' : `, m = ${m}`}`,
    `  aggregate    [${shortened(aggregate)}], L2 norm ${rounded(norm(aggregate))}`,
    `  selected     ${selected === null ? 'nobody is left out' : `${selected.length} of ${n}`}`,
    `  certificate  ${certificateText(certificate, f)}`,
    ...(condition ? [`  condition    ${conditionText(condition)}`] : []),
    '',
    table(head, clients.slice(0, MAX_LINES).map(clientRow)),
    ...(left > 0 ? [`and ${left} more: --json`] : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

const head = ['client', 'selected', 'score', 'rank', 'distance', 'share'];

type Client = AggregateReport['explanation']['clients'][number];

function clientRow({
  client,
  selected,
  score,
  rank,
  distanceToAggregate,
  share,
}: Client): readonly (string | number)[] {
  const figures = [score === null ? '-' : rounded(score), rank === null ? '-' : `${rank}`];
  return [printable(client), selected ? 'yes' : 'no', ...figures, rounded(distanceToAggregate), rounded(share)];
}

function conditionText({ observed, limit, satisfied, source }: Condition): string {
  const verdict = satisfied ? 'holds' : 'does not hold';
  return `${verdict}: spread ${rounded(observed)} over the norm of the mean, limit ${rounded(limit)} (${source})`;
}

const MOST_VALUES = 8;

function shortened(values: readonly number[]): string {
  const shown = values.slice(0, MOST_VALUES).map(rounded).join(', ');
  return values.length > MOST_VALUES ? `${shown}, …` : shown;
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Ids are a stranger's text, and a terminal obeys some of them. */
const printable = (client: RowName): string =>
  String(client)
    .replaceAll(/[^\x20-\x7e\u00a1-\u{10ffff}]/gu, '?')
    .slice(0, 64);
