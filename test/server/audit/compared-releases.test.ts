import { describe, expect, it } from 'vitest';
import { comparedReleases } from '../../../server/audit/compared-rounds.ts';
import { configText, parseFederation } from '../../../server/config.ts';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import type { Digest } from '../../../shared/ids.ts';
import { accepted } from '../../../shared/protocol/refusals.ts';
import type { RoundRecord } from '../../../shared/protocol/round-record.ts';
import * as facts from '../../support/federation-facts.ts';

const configOf = (privacy: object): string =>
  configText(
    accepted(
      parseFederation({
        federation: 'wards',
        rounds: 3,
        model: { tensors: [{ name: 'kernel', shape: [2] }] },
        rule: { name: 'mean' },
        training: { learningRate: 1, stepsPerRound: 1, samplingRate: 0.1, expectedBatchSize: 10, clippingNormL2: 1 },
        privacy,
      }),
    ),
  );
const central = configOf({ mode: 'central', clippingNormL2: 1, epsilonBudget: 9, delta: 1e-5 });
const none = configOf({ mode: 'none' });

const charge = (noise: Digest, noiseMultiplier = 2): LedgerEvent => ({
  type: 'round-charged',
  round: 1,
  noiseMultiplier,
  noiseCommitment: noise,
});
const [commit] = facts.commitEvents(1).filter(({ type }) => type === 'round-committed');
if (!commit) throw new Error('expected a commit');
const [first, second] = [facts.digest('first'), facts.digest('second')];

function recordOf(noiseCommitment: Digest | null): RoundRecord {
  const record = facts.record(1);
  if (noiseCommitment === null) return record;
  const clipping = { clippingNormL2: 1, nextClippingNormL2: 1, plannedClients: 20 };
  const release = { noiseMultiplier: 2, noiseCommitment, aggregate: facts.digest('aggregate'), reference: null };
  return { ...record, central: { ...clipping, ...release } };
}

function agree(config: string, record: RoundRecord, events: readonly LedgerEvent[]): boolean {
  const nothing = { versions: [], clients: [], invites: [], updates: [], charges: [], seeds: [] };
  const { table, ledger } = comparedReleases({ ...nothing, config, records: [record] }, events);
  return JSON.stringify([...table]) === JSON.stringify([...ledger]);
}

describe('the release of a committed round', () => {
  it('is the one that was charged last before the commit: a crash may have charged another', () => {
    expect(agree(central, recordOf(second), [charge(first), charge(second), commit])).toBe(true);
    expect(agree(central, recordOf(first), [charge(first), charge(second), commit])).toBe(false);
  });

  it('is charged in full, and before the commit', () => {
    expect(agree(central, recordOf(first), [charge(first, 9), commit])).toBe(false);
    expect(agree(central, recordOf(first), [commit, charge(first)])).toBe(false);
    expect(agree(central, recordOf(first), [commit])).toBe(false);
  });

  it('is there under central privacy, and nowhere else', () => {
    expect(agree(central, recordOf(null), [commit])).toBe(false);
    expect(agree(central, recordOf(null), [charge(first), commit])).toBe(false);
    expect(agree(none, recordOf(null), [commit])).toBe(true);
    expect(agree(none, recordOf(first), [commit])).toBe(false);
  });
});
