// The statements of clients that a ledger holds, announced updates, equivocations and rounds spent: each of this
// federation, of the client and round of its entry, on its terms of privacy, and signed by that client, whose id is the
// digest of its key. A coordinator can write any entry; it cannot sign for a client.

import { canonicalJson, type Json } from '../../shared/canonical-json.ts';
import { clientIdOf, verifySignature } from '../../shared/ed25519.ts';
import { envelopeBytes, type PrivacyClaim } from '../../shared/protocol/envelope.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import { centralEvent } from '../../shared/protocol/privacy-claim.ts';
import { spentStatementBytes } from '../../shared/protocol/spent-statement.ts';
import { MAX_ROUNDS } from '../../shared/protocol/terms.ts';
import type { EventOf, LedgerEntry } from '../ledger/ledger-event.ts';
import { beyondPlanned } from '../privacy/stated-rounds.ts';
import type { Impossible } from './course-of-clients.ts';
import { damagedEntry } from './verify-entries.ts';

interface KeyedClient {
  readonly id: string;
  readonly publicKey: string;
}

/** The first client whose key is not its own, with what its key is called. */
export async function strangeKey(
  clients: readonly KeyedClient[],
): Promise<{ readonly id: string; readonly found: string } | undefined> {
  for (const { id, publicKey } of clients) {
    const found = /^[0-9a-f]{64}$/.test(publicKey) ? await clientIdOf(publicKey) : 'no key';
    if (found !== id) return { id, found };
  }
  return undefined;
}

interface StatementTerms {
  /** Each with its own key. */
  readonly clients: readonly KeyedClient[];
  /** What the federation's terms make every statement claim; null without declared privacy. */
  readonly claim: PrivacyClaim | null;
  /** As last amended. */
  readonly rounds: number;
}

/** Ledger-damaged, or undefined where every statement holds. */
export async function statementComplaint(
  entries: readonly LedgerEntry[],
  { clients, claim, rounds }: StatementTerms,
): Promise<Refused | undefined> {
  const keys = new Map<string, string>(clients.map(({ id, publicKey }) => [id, publicKey]));
  const amended = entries.findLast(({ event }) => event.type === 'federation-amended')?.sequence ?? 0;
  for (const entry of entries) {
    const { event, sequence } = entry;
    // How many were planned before an amendment nobody knows any more.
    const planned = sequence > amended ? rounds : MAX_ROUNDS;
    const statement =
      event.type === 'update-announced' || event.type === 'equivocation'
        ? ofUpdate(event, entry, claim)
        : event.type === 'spent-rounds-stated' && ofSpent(event, entry, { claim, planned });
    if (!statement) continue;
    const { complaint, client, signature, bytes } = statement;
    if (complaint) return damagedEntry(sequence, complaint);
    if (await verifySignature(keys.get(client) ?? '', signature, bytes)) continue;
    return damagedEntry(sequence, { expected: 'a statement that its client signed', found: 'another' });
  }
  return undefined;
}

interface Statement {
  readonly client: string;
  readonly signature: string;
  /** That were signed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What is wrong with it, whoever signed it. */
  readonly complaint: Impossible | undefined;
}

function ofUpdate(
  { client, round, envelope, signature }: EventOf<'update-announced' | 'equivocation'>,
  { federation }: Pick<LedgerEntry, 'federation'>,
  claim: PrivacyClaim | null,
): Statement {
  const expected = `a statement of ${client} for round ${round} of ${federation}`;
  const found = `a statement of ${envelope.client} for round ${envelope.round} of ${envelope.federation}`;
  const complaint = expected === found ? claimComplaint(envelope.privacy, claim) : { expected, found };
  return { client, signature, bytes: envelopeBytes(envelope), complaint };
}

/** What was charged for a round is what the terms make it cost, and the round is one of theirs. */
function ofSpent(
  { client, rounds, signature, noiseMultiplier, samplingRate, steps }: EventOf<'spent-rounds-stated'>,
  { federation }: Pick<LedgerEntry, 'federation'>,
  { claim, planned }: { readonly claim: PrivacyClaim | null; readonly planned: number },
): Statement {
  const cost = canonicalJson({ noiseMultiplier, samplingRate, steps });
  const complaint =
    cost === costOf(claim)
      ? beyondPlanned(rounds, planned)
      : { expected: `the cost of the terms, ${costOf(claim)}`, found: cost };
  return {
    client,
    signature,
    bytes: spentStatementBytes({ federation, client, rounds }),
    complaint,
  };
}

function costOf(claim: PrivacyClaim | null): string {
  if (claim === null) return 'none';
  if ('noiseBy' in claim) return canonicalJson({ ...centralEvent(claim) });
  const { noiseMultiplier, samplingRate, steps } = claim;
  return canonicalJson({ noiseMultiplier, samplingRate, steps });
}

function claimComplaint(claimed: Json, claim: PrivacyClaim | null): Impossible | undefined {
  const [expected, found] = [claim, claimed].map((each) => canonicalJson(each));
  return expected === found ? undefined : { expected: `the claim of the terms, ${expected}`, found: found ?? '' };
}
