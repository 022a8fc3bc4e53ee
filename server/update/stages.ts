// One update on its way from bytes to staged. A stage takes only the type of the stage before it, so that none can be
// skipped: announced (signed statement checked) -> received (bytes) -> intact -> vetted -> staged.

import type { ClientId, Digest, FederationId } from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import type { Refused } from '../../shared/protocol/refusals.ts';
import type { Magnitudes } from '../../shared/vector/vector.ts';
import type { EnrolledClient } from '../admission/enrolment-store.ts';
import type { UpdateFigures } from './update-figures.ts';

/** A member of the cohort has signed what it is about to send. */
export interface AnnouncedUpdate {
  readonly kind: 'announced';
  readonly client: EnrolledClient;
  readonly envelope: Envelope;
  /** Ed25519 over the envelope's bytes, hex. */
  readonly signature: string;
}

export interface ReceivedUpdate {
  readonly kind: 'received';
  readonly announced: AnnouncedUpdate;
  /** As they came off the socket; nobody writes to them any more. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Whole, authentic, of the model's shape, finite. */
export interface IntactUpdate {
  readonly kind: 'intact';
  readonly announced: AnnouncedUpdate;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** d values in canonical order; they may lie in `bytes`, and nobody writes to either. */
  readonly values: Float32Array;
  /** Of the values: finding them finite has measured them. */
  readonly magnitudes: Magnitudes;
}

export interface VettedUpdate {
  readonly kind: 'vetted';
  readonly announced: AnnouncedUpdate;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly values: Float32Array;
  readonly figures: UpdateFigures;
}

/** Refused for what its values are: the figures go into the record, never to the client. */
export interface RefusedUpdate extends Refused {
  readonly figures: UpdateFigures;
}

/** Durable: its bytes are in the blob store and its row is written. */
export interface StagedUpdate {
  readonly kind: 'staged';
  readonly receipt: Receipt;
  readonly figures: UpdateFigures;
}

/** The answer to a staged update; the same update again gets the same receipt. */
export interface Receipt {
  readonly federation: FederationId;
  readonly round: number;
  readonly client: ClientId;
  readonly updateDigest: Digest;
  readonly stagedAt: Date;
}
