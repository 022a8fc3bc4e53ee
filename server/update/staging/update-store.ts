// Port: the updates of a round, one per client. An update is written down when its signed statement is accepted (which
// is also when its privacy is charged: the first byte has left the client), then staged or refused.

import type { SampledGaussianEvent } from '../../../shared/accounting/privacy-event.ts';
import type { ClientId, Digest } from '../../../shared/ids.ts';
import type { Envelope } from '../../../shared/protocol/envelope.ts';
import type { Refusal } from '../../../shared/protocol/refusals.ts';
import type { LedgerEvent } from '../../ledger/ledger-event.ts';
import type { UpdateFigures } from '../update-figures.ts';

export interface UpdateRow {
  readonly round: number;
  readonly client: ClientId;
  readonly digest: Digest;
  readonly envelope: Envelope;
  /** Ed25519, hex. */
  readonly signature: string;
  readonly state: 'announced' | 'staged' | 'refused';
  /** Set when refused, and kept if the same update is staged afterwards. */
  readonly refusal: Refusal | null;
  readonly figures: UpdateFigures | null;
  readonly stagedAt: Date | null;
}

/** Each method that changes something writes its ledger event in the same transaction. */
export interface UpdateStore {
  /** A new row in state `announced` with the charge for it. @throws InvariantError when the client has a row this round. */
  announce(
    update: Pick<UpdateRow, 'round' | 'client' | 'digest' | 'envelope' | 'signature'>,
    charge: SampledGaussianEvent | null,
    event: LedgerEvent,
  ): Promise<void>;
  /** announced | refused -> staged. */
  stage(at: UpdateKey, staged: { figures: UpdateFigures; stagedAt: Date }, event: LedgerEvent): Promise<void>;
  /** announced | refused -> refused. */
  refuse(
    at: UpdateKey,
    refused: { refusal: Refusal; figures: UpdateFigures | null },
    event: LedgerEvent,
  ): Promise<void>;
  find(at: UpdateKey): Promise<UpdateRow | undefined>;
  /** In the order of client ids. */
  ofRound(round: number): Promise<readonly UpdateRow[]>;
}

export interface UpdateKey {
  readonly round: number;
  readonly client: ClientId;
}
