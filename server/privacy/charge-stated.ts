// A client says which rounds it has spent and a restored backup has forgotten -> they are charged: of both sides the
// larger account counts. It is the client's word, and signed: all it can do is to make its own account worse. Whoever
// claims a round ahead of its time pays for it ahead of its time, and not twice. What can be charged: stated-rounds.ts.

import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { verifySignature } from '../../shared/ed25519.ts';
import type { SpentRounds } from '../../shared/protocol/messages.ts';
import { isVoid, privacyEventOf } from '../../shared/protocol/privacy-claim.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { spentStatementBytes } from '../../shared/protocol/spent-statement.ts';
import type { FederationTerms } from '../../shared/protocol/terms.ts';
import type { EnrolledClient, EnrolmentStore } from '../admission/enrolment-store.ts';
import type { LedgerStore } from '../ledger/ledger-store.ts';
import type { ChargeStore, ReleaseLog } from './charge-store.ts';
import { notCharged } from './stated-rounds.ts';

export interface CountedPlace {
  readonly charges: Pick<ChargeStore, 'charges'>;
  readonly releases: Pick<ReleaseLog, 'releases'>;
  readonly enrolment: Pick<EnrolmentStore, 'client'>;
  readonly ledger: Pick<LedgerStore, 'lastOf'>;
}

export interface StatedPlace extends CountedPlace {
  readonly terms: FederationTerms;
  readonly charges: ChargeStore;
}

export interface ChargedRounds {
  readonly kind: 'charged';
  /** All that were stated, or none where the statement says nothing new. */
  readonly rounds: readonly number[];
}

/**
 * Durable when it resolves. To be called in a turn that runs alone (turns.ts). Refuses bad-signature; wrong-terms for a
 * round beyond all that are planned; replayed where only some of the rounds count already.
 */
export async function chargeStated(
  { rounds, signature }: Pick<SpentRounds, 'rounds' | 'signature'>,
  client: EnrolledClient,
  place: StatedPlace,
): Promise<ChargedRounds | Refused> {
  const { federation, rounds: planned } = place.terms;
  const statement = spentStatementBytes({ federation, client: client.id, rounds });
  if (!(await verifySignature(client.publicKey, signature, statement))) return refuse('bad-signature');
  const cost = costOf(place.terms);
  if (!cost) return nothingCharged;
  const counted = await countedRounds(client, place);
  const isCounted = (round: number): boolean => counted?.has(round) ?? false;
  const complaint = notCharged(rounds, { isRestored: counted !== undefined, planned, isCounted });
  if (complaint) {
    const { code, ...facts } = complaint;
    return code === null
      ? nothingCharged
      : refuse(code, { message: 'rounds stated as spent are charged all or none', ...facts });
  }
  await place.charges.chargeStated({ type: 'spent-rounds-stated', client: client.id, rounds, signature, ...cost });
  return { kind: 'charged', rounds };
}

const nothingCharged: ChargedRounds = { kind: 'charged', rounds: [] };

/** Null where nothing is counted: without privacy, or with seeded noise. */
const costOf = (terms: FederationTerms): SampledGaussianEvent | null =>
  isVoid(terms.privacy) ? null : privacyEventOf(terms);

/**
 * What counts against the client where a backup was restored: charged to everybody by a release, to it, or to the clients
 * whose place it took. Undefined where none was: nothing can have been forgotten.
 */
export async function countedRounds(
  client: Pick<EnrolledClient, 'id' | 'predecessor'>,
  { charges, releases, enrolment, ledger }: CountedPlace,
): Promise<ReadonlySet<number> | undefined> {
  if ((await ledger.lastOf('ledger-recovered')) === undefined) return undefined;
  const rounds = new Set((await releases.releases()).map(({ round }) => round));
  for (let each: typeof client | undefined = client; each;) {
    for (const { round } of await charges.charges(each.id)) rounds.add(round);
    each = each.predecessor === null ? undefined : await enrolment.client(each.predecessor);
  }
  return rounds;
}
