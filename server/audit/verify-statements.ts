// The statements of clients that a ledger holds, announced updates and equivocations: each of this federation, of the
// client and round of its entry, on its terms of privacy, and signed by that client, whose id is the digest of its key. A coordinator can write
// any entry; it cannot sign for a client.

import { canonicalJson } from '../../shared/canonical-json.ts';
import { clientIdOf, verifySignature } from '../../shared/ed25519.ts';
import { envelopeBytes, type PrivacyClaim } from '../../shared/protocol/envelope.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
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
}

/** Ledger-damaged, or undefined where every statement holds. */
export async function statementComplaint(
  entries: readonly LedgerEntry[],
  { clients, claim }: StatementTerms,
): Promise<Refused | undefined> {
  const keys = new Map<string, string>(clients.map(({ id, publicKey }) => [id, publicKey]));
  for (const { event, sequence, federation } of entries) {
    if (event.type !== 'update-announced' && event.type !== 'equivocation') continue;
    const { client, round, envelope, signature } = event;
    if (envelope.client !== client || envelope.round !== round || envelope.federation !== federation)
      return damagedEntry(sequence, {
        expected: `a statement of ${client} for round ${round} of ${federation}`,
        found: `one of ${envelope.client} for round ${envelope.round} of ${envelope.federation}`,
      });
    if (canonicalJson(envelope.privacy) !== canonicalJson(claim))
      return damagedEntry(sequence, {
        expected: `the claim of the terms, ${canonicalJson(claim)}`,
        found: canonicalJson(envelope.privacy),
      });
    if (await verifySignature(keys.get(client) ?? '', signature, envelopeBytes(envelope))) continue;
    return damagedEntry(sequence, { expected: 'a statement that its client signed', found: 'another' });
  }
  return undefined;
}
