// A client says which rounds it has spent -> those that were not charged here are: of both sides the larger account counts,
// whichever of them was restored from a backup. It is the client's word, and signed: all it can do is to make its own
// account worse. What cannot have been run is left out: rounds beyond all that the federation plans, and, unless the
// ledger itself says that its end was lost, beyond those offered so far. Whoever claims a round ahead of its time pays for
// it ahead of its time, and not twice.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { verifySignature } from '../../shared/ed25519.ts';
import type { SpentRounds } from '../../shared/protocol/messages.ts';
import { privacyEventOf } from '../../shared/protocol/privacy-claim.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { spentStatementBytes } from '../../shared/protocol/spent-statement.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import type { EnrolledClient, EnrolmentStore } from '../admission/enrolment-store.ts';
import type { LedgerStore } from '../ledger/ledger-store.ts';
import type { ChargeStore, ReleaseLog } from './charge-store.ts';

export interface StatedPlace {
  readonly terms: FederationTerms;
  readonly charges: ChargeStore;
  readonly releases: Pick<ReleaseLog, 'releases'>;
  readonly enrolment: Pick<EnrolmentStore, 'client'>;
  readonly ledger: Pick<LedgerStore, 'lastOf'>;
}

export interface ChargedRounds {
  readonly kind: 'charged';
  /** None where all were charged before, or none can be. */
  readonly rounds: readonly number[];
}

/** Durable when it resolves. To be called in the client's own turn (turns.ts). Refuses bad-signature. */
export async function chargeStated(
  { rounds, signature }: Pick<SpentRounds, 'rounds' | 'signature'>,
  client: EnrolledClient,
  place: StatedPlace,
): Promise<ChargedRounds | Refused> {
  const { federation } = place.terms;
  const statement = spentStatementBytes({ federation, client: client.id, rounds });
  if (!(await verifySignature(client.publicKey, signature, statement))) return refuse('bad-signature');
  const cost = costOf(place.terms);
  if (!cost) return nothingCharged;
  const [last, known] = [await lastRun(place), await chargedTo(client, place)];
  const charged = rounds.filter((round) => round <= last && !known.has(round));
  if (charged.length === 0) return nothingCharged;
  const said = { client: client.id, rounds, signature };
  await place.charges.chargeStated({ type: 'spent-rounds-stated', ...said, charged, ...cost });
  return { kind: 'charged', rounds: charged };
}

const nothingCharged: ChargedRounds = { kind: 'charged', rounds: [] };

/** Null where nothing is counted: without privacy, or with seeded noise. */
function costOf(terms: FederationTerms): SampledGaussianEvent | null {
  const { privacy } = terms;
  return privacy.mode === 'local' && privacy.void ? null : privacyEventOf(terms);
}

/** The last round that can have been run. */
async function lastRun({ terms, ledger }: StatedPlace): Promise<number> {
  const isEndLost = (await ledger.lastOf('ledger-recovered')) !== undefined;
  return isEndLost ? terms.rounds : ((await ledger.lastOf('round-offered'))?.round ?? 0);
}

/** To everybody by a release; to it, and to the clients whose place it took. */
async function chargedTo(
  client: EnrolledClient,
  { charges, releases, enrolment }: StatedPlace,
): Promise<ReadonlySet<number>> {
  const rounds = new Set((await releases.releases()).map(({ round }) => round));
  for (let each: EnrolledClient | undefined = client; each;) {
    for (const { round } of await charges.charges(each.id)) rounds.add(round);
    each = each.predecessor === null ? undefined : await enrolment.client(each.predecessor);
  }
  return rounds;
}
