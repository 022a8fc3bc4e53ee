// Terms and records -> what is promised of one unit after a round, against each of those who may look: whoever reads the
// models, whoever reads the ledger and what is exported of it, whoever runs the coordinator. Under local privacy the noise
// is in the update before it leaves, and the three are one; under central privacy the coordinator sees every update.

import { isVoid } from '../../shared/protocol/privacy-claim.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import type { PrivacyTerms } from '../../shared/protocol/terms.ts';

export interface EpsilonByAdversary {
  readonly mode: PrivacyTerms['mode'];
  /** The last round that is counted. */
  readonly afterRound: number;
  /** Null where no epsilon may be claimed; so are the next three. */
  readonly delta: number | null;
  readonly unit: 'example' | 'client' | null;
  readonly adjacency: 'add-remove' | null;
  readonly accountant: string | null;
  /** Over the whole history, of the client that has spent most; null: nothing is promised against that adversary. */
  readonly epsilon: {
    readonly modelReader: number | null;
    readonly ledgerReader: number | null;
    readonly coordinator: number | null;
  };
}

/** `records`: all that have ended up to the last one counted, in order. */
export function epsilonByAdversary(privacy: PrivacyTerms, records: readonly RoundRecord[]): EpsilonByAdversary {
  const { mode } = privacy;
  const afterRound = records.at(-1)?.number ?? 0;
  if (privacy.mode === 'none' || isVoid(privacy)) {
    const epsilon = { modelReader: null, ledgerReader: null, coordinator: null };
    return { mode, afterRound, delta: null, unit: null, adjacency: null, accountant: null, epsilon };
  }
  const { delta, unit, adjacency } = privacy;
  const spent = largestEpsilon(records);
  const epsilon = { modelReader: spent, ledgerReader: spent, coordinator: mode === 'local' ? spent : null };
  return { mode, afterRound, delta, unit, adjacency, accountant: records.at(-1)?.accountant ?? null, epsilon };
}

/** What is spent only grows: the largest figure is of the client that has spent most, when it last took part. */
const largestEpsilon = (records: readonly RoundRecord[]): number =>
  records.reduce(
    (most, { verdicts }) => verdicts.reduce((largest, { epsilon }) => Math.max(largest, epsilon ?? 0), most),
    0,
  );
