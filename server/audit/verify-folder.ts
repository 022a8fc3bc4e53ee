// The other tables of a data folder against its verified ledger: what they hold is what the ledger says was decided, and
// what clients signed is theirs. What a table says and no entry does is damage, and the other way round.

import type { FederationId } from '../../shared/ids.ts';
import { privacyClaimOf } from '../../shared/protocol/privacy-claim.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { federationConfigSchema } from '../config.ts';
import type { LedgerEntry } from '../ledger/ledger-event.ts';
import { comparedClients, comparedInvites } from './compared-members.ts';
import {
  type Compared,
  comparedCharges,
  comparedConfig,
  comparedRecords,
  comparedReleases,
  comparedSeeds,
  comparedUpdates,
  comparedVerdicts,
  comparedVersions,
} from './compared-rounds.ts';
import type { FolderFacts } from './folder-facts.ts';
import type { Course } from './follow-course.ts';
import { parseJson } from './ledger-export.ts';
import { DAMAGE_HINT } from './verify-entries.ts';
import { statementComplaint, strangeKey } from './verify-statements.ts';

/** A ledger that verifies. */
export interface AuditedLedger {
  readonly federation: FederationId;
  readonly entries: readonly LedgerEntry[];
  readonly course: Course;
}

/** Undefined where all agree; ledger-damaged otherwise. */
export async function folderComplaint(facts: FolderFacts, ledger: AuditedLedger): Promise<Refused | undefined> {
  const { entries, course, federation } = ledger;
  const events = entries.map(({ event }) => event);
  const compared = [
    await comparedConfig(facts, events),
    await comparedRecords(facts, events),
    comparedVerdicts(facts, events),
    comparedVersions(facts, events),
    comparedClients(facts, course),
    comparedInvites(facts, course),
    comparedUpdates(facts, events),
    comparedCharges(facts, events),
    comparedReleases(facts, events),
    await comparedSeeds(facts, events, federation),
  ];
  for (const each of compared) {
    const complaint = firstDifference(each);
    if (complaint) return complaint;
  }
  return await signerComplaint(facts, entries);
}

function firstDifference({ table, ledger }: Compared): Refused | undefined {
  for (const what of new Set([...ledger.keys(), ...table.keys()]))
    if (ledger.get(what) !== table.get(what)) return disagreement(what, ledger.get(what), table.get(what));
  return undefined;
}

/** A client's id is the digest of its key: only so does a signature say who signed. */
async function signerComplaint(
  { config: text, clients }: FolderFacts,
  entries: readonly LedgerEntry[],
): Promise<Refused | undefined> {
  const config = federationConfigSchema.safeParse(parseJson(text));
  if (!config.success) return disagreement('the configuration', 'that of a federation', 'another text');
  const strange = await strangeKey(clients);
  if (strange) return disagreement(`the key of client ${strange.id}`, strange.id, strange.found);
  return await statementComplaint(entries, { clients, claim: privacyClaimOf(config.data), rounds: config.data.rounds });
}

function disagreement(what: string, ledger = 'nothing of it', table = 'nothing of it'): Refused {
  return refuse('ledger-damaged', {
    message: `the folder does not hold what its ledger says: ${what}`,
    expected: ledger.slice(0, 300),
    found: table.slice(0, 300),
    hint: DAMAGE_HINT,
  });
}
