// Doors of a coordinator that has nothing behind it: every client that joins is admitted under the key it names, and
// what it is asked is noted. A test puts another answer in the place of one that it is about.

import { type Admitted, type JoinRequest } from '../../server/admission/join.ts';
import type { EnrolledClient } from '../../server/admission/enrolment-store.ts';
import type { Doors, WelcomeFacts } from '../../server/transport/doors.ts';
import type { AnnouncedUpdate, ReceivedUpdate, StagedUpdate } from '../../server/update/stages.ts';
import { clientIdOf } from '../../shared/ed25519.ts';
import type { ClientId } from '../../shared/ids.ts';
import type {
  Decline,
  LedgerProof,
  LedgerProofRequest,
  SpentRounds,
  UploadBegin,
} from '../../shared/protocol/messages.ts';
import { type Refusal, type RefusalCode, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import { baseModel, federation, newcomer, organisation, terms } from './small-federation.ts';

export const stagedAt = new Date('2026-03-01T12:00:30.000Z');

export class NotedDoors implements Doors {
  readonly federation = federation;
  readonly ledgerKey = '1e'.repeat(32);
  readonly joins: JoinRequest[] = [];
  readonly received: ReceivedUpdate[] = [];
  readonly declined: { readonly decline: Decline; readonly client: ClientId | undefined }[] = [];
  readonly spent: { readonly rounds: readonly number[]; readonly client: ClientId }[] = [];
  readonly turnedAwayAs: { readonly code: RefusalCode; readonly client: ClientId | null }[] = [];
  readonly proved: { readonly size: number; readonly client: ClientId }[] = [];
  active = true;
  populationChanges = 0;
  offer: WelcomeFacts['offer'] = null;

  async join(request: JoinRequest): Promise<Admitted | Refused> {
    this.joins.push(request);
    if (request.challenge === undefined) return refuse('replayed');
    const { publicKey, name } = request.join;
    const id = await clientIdOf(publicKey);
    return { kind: 'admitted', client: { id, organisation, name, publicKey, enrolledAt: request.now, ...newcomer } };
  }

  welcome({ id }: EnrolledClient): Promise<WelcomeFacts> {
    const { offer } = this;
    const facts = { organisation, terms, modelDigest: baseModel, checkpoint: 'note', comeBackInMs: null };
    return Promise.resolve({ client: id, ...facts, offer, finished: false });
  }

  proveHistory({ size }: LedgerProofRequest, client: ClientId): Promise<LedgerProof | Refused> {
    this.proved.push({ size, client });
    return Promise.resolve({ kind: 'ledger-proof', consistency: [], recovered: null, model: null });
  }

  announce(
    { envelope, signature }: UploadBegin,
    client: EnrolledClient | undefined,
  ): Promise<AnnouncedUpdate | StagedUpdate | Refused> {
    return Promise.resolve(client ? { kind: 'announced', client, envelope, signature } : refuse('not-enrolled'));
  }

  receive(update: ReceivedUpdate): Promise<StagedUpdate | Refused> {
    this.received.push(update);
    const { client, envelope } = update.announced;
    const { round, updateDigest } = envelope;
    const figures = { maxAbsolute: 1, normL2: 1, noiseRatio: null, noiseDeficit: null };
    const receipt = { federation, round, client: client.id, updateDigest, stagedAt };
    return Promise.resolve({ kind: 'staged', receipt, figures });
  }

  stateSpent({ rounds }: SpentRounds, client: EnrolledClient): Promise<Refused | undefined> {
    this.spent.push({ rounds, client: client.id });
    return Promise.resolve(undefined);
  }

  decline(decline: Decline, client: EnrolledClient | undefined): Promise<Refused | undefined> {
    this.declined.push({ decline, client: client?.id });
    return Promise.resolve(undefined);
  }

  turnedAway({ code }: Refusal, client: ClientId | null): Promise<void> {
    this.turnedAwayAs.push({ code, client });
    return Promise.resolve();
  }

  isActive(): Promise<boolean> {
    return Promise.resolve(this.active);
  }

  populationChanged(): void {
    this.populationChanges += 1;
  }
}
