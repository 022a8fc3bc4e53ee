// SPINE 1. One update from a signed statement to a receipt, a stage a line; what is refused leaves where it stands.
//   announce: admission -> statement (signature, round, base model, terms) -> place (charged here)
//   receive:  bytes (length, digest, tensors, values) -> absolute anomaly -> stage -> receipt

import { isRefused, type Refused } from '../../shared/protocol/refusals.ts';
import { admitUpload, type UploadRequest } from '../admission/admit-upload.ts';
import { vetUpdate } from './anomaly/absolute-anomaly.ts';
import type { AnomalyBounds } from './anomaly/anomaly-bounds.ts';
import { checkBytes } from './integrity/check-bytes.ts';
import { checkStatement, type StatementTerms } from './integrity/check-statement.ts';
import type { AnnouncedUpdate, ReceivedUpdate, RefusedUpdate, StagedUpdate } from './stages.ts';
import { claimPlace, type Place } from './staging/claim-place.ts';
import { stageUpdate, type Staging } from './staging/stage-update.ts';

export interface UpdateRooms {
  readonly statement: StatementTerms;
  readonly place: Place;
  /** Of the updates of a round; null under central privacy: no update is measured, since clipping bounds what it does. */
  readonly boundsOf: (round: number) => AnomalyBounds | null;
  readonly staging: Staging;
}

export async function announceUpdate(
  request: UploadRequest,
  rooms: UpdateRooms,
): Promise<AnnouncedUpdate | StagedUpdate | Refused> {
  const admitted = admitUpload(request);
  if (isRefused(admitted)) return admitted;
  const announced = await checkStatement(admitted, rooms.statement);
  if (isRefused(announced)) return announced;
  return await claimPlace(announced, rooms.place);
}

export async function receiveUpdate(
  received: ReceivedUpdate,
  rooms: UpdateRooms,
): Promise<StagedUpdate | Refused | RefusedUpdate> {
  const intact = await checkBytes(received, rooms.statement.terms.tensors);
  if (isRefused(intact)) return intact;
  const vetted = vetUpdate(intact, rooms.boundsOf(received.announced.envelope.round));
  if (isRefused(vetted)) return vetted;
  return await stageUpdate(vetted, rooms.staging);
}
