// A data folder as its ledger describes it, read at one moment although a coordinator may be writing, and verified whole.
// What cannot even be read is damage too.

import type { FederationId } from '../../shared/ids.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { StoredLedger } from './ledger-export.ts';
import { DAMAGE_HINT } from './verify-entries.ts';
import type { FolderFacts } from './folder-facts.ts';
import { folderComplaint } from './verify-folder.ts';
import { type Held, type VerifiedLedger, verifyLedger } from './verify-ledger.ts';
import type { FederationStores } from '../storage/federation-stores.ts';
import { parseLedgerRow } from '../storage/ledger-row.ts';

/** Attempts until nothing was appended meanwhile. */
const ATTEMPTS = 20;

export interface StoredFederation extends StoredLedger {
  readonly kind: 'stored';
  readonly facts: FolderFacts;
}

/** Refuses ledger-damaged where a row cannot be read. */
export async function readFederation(
  federation: FederationId,
  stores: FederationStores,
): Promise<StoredFederation | Refused> {
  try {
    for (let attempt = 1; ; attempt++) {
      const before = (await stores.ledger.newest())?.size;
      const stored = await readOnce(federation, stores);
      // Every transaction that changes what is read here appends: the same size is the same moment.
      const after = (await stores.ledger.newest())?.size;
      if (before === after || attempt === ATTEMPTS) return stored;
    }
  } catch (fault) {
    const message = 'the folder holds what no coordinator wrote';
    return refuse('ledger-damaged', { message, found: String(fault).slice(0, 300), hint: DAMAGE_HINT });
  }
}

async function readOnce(federation: FederationId, stores: FederationStores): Promise<StoredFederation> {
  const { ledger, rounds, models, enrolment, updates, charges } = stores;
  const founding = await stores.federation.founding();
  const rows = await ledger.rows();
  const heads = await ledger.heads();
  const records = await rounds.records();
  // Those that have ended and the one that may be under way.
  const numbers = Array.from({ length: records.length + 1 }, (_, index) => index + 1);
  const sent = await Promise.all(numbers.map((round) => updates.ofRound(round)));
  const seeds = await Promise.all(
    numbers.map(async (round) => {
      const committed = await rounds.seedOf(round);
      return committed ? [{ round, ...committed }] : [];
    }),
  );
  const facts = {
    config: founding?.config ?? '',
    records,
    versions: await models.versions(),
    clients: await enrolment.clients(),
    invites: await enrolment.invites(),
    updates: sent.flat(),
    charges: await charges.charges(),
    seeds: seeds.flat(),
  };
  return { kind: 'stored', federation, rows, heads, facts };
}

/** The ledger and all that the folder says besides. Refuses as `verifyLedger`. */
export async function verifyFolder(stored: StoredFederation, held: Held = {}): Promise<VerifiedLedger | Refused> {
  const { federation, rows: entries, heads, facts } = stored;
  const verified = await verifyLedger({ federation, entries, heads, parse: parseLedgerRow, ...held });
  if (isRefused(verified)) return verified;
  return (await folderComplaint(facts, { federation, ...verified })) ?? verified;
}
