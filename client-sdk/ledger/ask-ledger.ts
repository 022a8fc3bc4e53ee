// Asks the coordinator to prove its ledger. A coordinator that declines to prove has proven nothing; one that turns the
// client away (banned, revoked) has said something else, and that is passed on.

import type { FederationId } from '../../shared/ids.ts';
import { type LedgerProof, type LedgerProofRequest, ledgerProofSchema } from '../../shared/protocol/messages.ts';
import { isRefused, refusalCatalogue, RefusedError } from '../../shared/protocol/refusals.ts';
import type { CoordinatorConnection } from '../connection/coordinator-connection.ts';

export type LedgerQuestion = Omit<LedgerProofRequest, 'federation'>;
export type AskLedger = (question: LedgerQuestion) => Promise<LedgerProof>;

export interface LedgerKeeper {
  readonly federation: FederationId;
  readonly connection: Pick<CoordinatorConnection, 'request' | 'insist' | 'insistInThisJoin'>;
  /** Aborted when nobody wants to know any more. */
  readonly signal: AbortSignal;
}

const NO_PROOF: LedgerProof = { kind: 'ledger-proof', consistency: null, recovered: null, model: null };

/** For what was said in the present join. @throws ConnectionLostError when that ends, RefusedError when turned away. */
export function askInThisJoin(keeper: LedgerKeeper): AskLedger {
  return (question) => keeper.connection.insistInThisJoin(() => ask(question, keeper), keeper.signal);
}

/** Waits as long as it takes. @throws the signal's reason, and RefusedError when the client is turned away. */
export function askWheneverJoined(keeper: LedgerKeeper): AskLedger {
  return (question) => keeper.connection.insist(() => ask(question, keeper), keeper.signal);
}

async function ask(question: LedgerQuestion, { federation, connection }: LedgerKeeper): Promise<LedgerProof> {
  const reply = await connection.request('ledger-proof', { federation, ...question }, ledgerProofSchema);
  if (!isRefused(reply)) return reply;
  if (refusalCatalogue[reply.refusal.code].layer === 'admission') throw new RefusedError(reply.refusal);
  return NO_PROOF;
}
