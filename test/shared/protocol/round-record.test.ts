import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { type RoundRecord, roundRecordSchema, verdictSchema } from '../../../shared/protocol/round-record.ts';
import * as facts from '../../support/federation-facts.ts';

const committed = facts.record(1);
const abandoned: RoundRecord = {
  ...committed,
  state: 'abandoned',
  code: 'cohort-too-small',
  model: null,
  aggregation: null,
  aggregateNormL2: null,
  stepNormL2: null,
  optimiser: { ...committed.optimiser, stateAfter: null },
};

const fits = (record: unknown): boolean => roundRecordSchema.safeParse(record).success;

describe('the record of a round', () => {
  it.each([committed, abandoned])('comes back from its canonical text, $state', (record) => {
    expect(roundRecordSchema.parse(JSON.parse(canonicalJson(record)))).toEqual(record);
  });

  it.each(Object.keys(committed))('misses nothing: not %s', (key) => {
    const { [key]: left, ...rest }: Readonly<Record<string, unknown>> = committed;
    expect(left).toBeDefined();
    expect(fits(rest)).toBe(false);
  });

  it('holds nothing that nobody knows, at any depth', () => {
    const { rule, aggregation, optimiser } = committed;
    const more = { note: 'x' };
    for (const changes of [
      more,
      { rule: { ...rule, ...more } },
      { rule: { ...rule, pre: [{ name: 'nnm', variant: '', ...more }] } },
      { aggregation: { ...aggregation, ...more } },
      { aggregation: { ...aggregation, certificate: { ...aggregation?.certificate, ...more } } },
      { aggregation: { ...aggregation, condition: { ...aggregation?.condition, ...more } } },
      { aggregation: { ...aggregation, liars: { ...aggregation?.liars, ...more } } },
      { optimiser: { ...optimiser, ...more } },
    ])
      expect(fits({ ...committed, ...changes })).toBe(false);
  });

  it('has figures that are finite or none', () => {
    const certificate = { bound: Infinity, exact: true };
    expect(fits({ ...committed, aggregation: { ...committed.aggregation, certificate } })).toBe(false);
    expect(
      fits({ ...committed, aggregation: { ...committed.aggregation, certificate: { ...certificate, bound: null } } }),
    ).toBe(true);
    expect(fits({ ...committed, aggregateNormL2: NaN })).toBe(false);
  });

  it('names states of the optimiser by digest', () => {
    for (const stateAfter of ['x', 'AB'.repeat(32), 1, undefined])
      expect(fits({ ...committed, optimiser: { ...committed.optimiser, stateAfter } })).toBe(false);
  });
});

describe('a verdict', () => {
  const verdict = facts.verdict(1, facts.clientAt(0));

  it.each(['score', 'rank', 'distanceToAggregate', 'share'])('says %s, be it that there is none', (figure) => {
    expect(verdictSchema.safeParse({ ...verdict, [figure]: null }).success).toBe(true);
    for (const other of [undefined, Infinity, NaN, '1'])
      expect(verdictSchema.safeParse({ ...verdict, [figure]: other }).success).toBe(false);
  });
});
