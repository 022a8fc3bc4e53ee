// Who may take part, on real stores: a founded federation with nobody enrolled, a clock that a test moves, an admin, and
// keys that ask to join.

import { Administration } from '../../server/admission/administration.ts';
import type { EnrolledClient } from '../../server/admission/enrolment-store.ts';
import { type Admitted, admitClient, type JoinPlace, type JoinRequest } from '../../server/admission/join.ts';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import type { FederationStores } from '../../server/storage/federation-stores.ts';
import type { ClientId } from '../../shared/ids.ts';
import { type JoinStatement, joinTranscript } from '../../shared/protocol/join-transcript.ts';
import { accepted, type Refused } from '../../shared/protocol/refusals.ts';
import { FakeClock } from './fake-clock.ts';
import { foundedIn } from './open-round.ts';
import { federation, keyAt, organisation } from './small-federation.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const audience = 'https://fl.example.org';

export interface Asking {
  /** Names the key, and the client unless it is given a name. */
  readonly index?: number;
  readonly name?: string;
  readonly invite?: string | null;
  readonly audience?: string;
  /** What is signed, where it is not what was asked. */
  readonly signed?: Partial<JoinStatement>;
  /** Names the key that signs. */
  readonly signedBy?: number;
}

/** Nobody takes one of them for another. */
const names = ['Amsel', 'Bergwerk', 'Citadelle', 'Dompfaff', 'Eisvogel', 'Fjordland'];

export class AdmissionWorld {
  readonly clock = new FakeClock();
  readonly barred: ClientId[] = [];
  readonly place: JoinPlace;
  readonly admin: Administration;
  readonly stores: FederationStores;

  private constructor(stores: FederationStores, admission: Partial<JoinPlace['admission']>) {
    this.stores = stores;
    const { enrolment } = stores;
    const onBarred = (client: ClientId): void => void this.barred.push(client);
    this.place = {
      federation,
      enrolment,
      admission: { approval: false, lookAlikeNames: 'hold', ...admission },
      isAudience: (origin) => origin === audience,
      onBarred,
    };
    const { publicKey: ledgerKey } = stores.ledger;
    this.admin = new Administration({ federation, enrolment, ledgerKey, clock: this.clock, onBarred });
  }

  static async open(admission: Partial<JoinPlace['admission']> = {}): Promise<AdmissionWorld> {
    return new AdmissionWorld((await foundedIn(temporaryFolder())).stores, admission);
  }

  /** The text of a new invite. */
  async invite(terms: { quota?: number; validForMs?: number } = {}): Promise<string> {
    return accepted(await this.admin.invite({ organisation, quota: 10, ...terms })).text;
  }

  async request({ index = 1, invite = null, signed, signedBy = index, ...asked }: Asking = {}): Promise<JoinRequest> {
    const { publicKey } = await keyAt(index);
    const challenge = 'c1'.repeat(32);
    const now = this.clock.now();
    const statement = { audience, name: names[index - 1] ?? `client ${index}`, ...asked, publicKey, federation };
    const signer = await keyAt(signedBy);
    const signature = await signer.sign(joinTranscript({ ...statement, protocolVersion: 1, challenge, ...signed }));
    return { join: { ...statement, invite, signature }, challenge, challengedAt: now, protocolVersion: 1, now };
  }

  async ask(asking: Asking = {}): Promise<Admitted | Refused> {
    return await admitClient(await this.request(asking), this.place);
  }

  /** Enrolled with an invite of its own. @throws RefusedError */
  async enrolled(asking: Asking = {}): Promise<EnrolledClient> {
    return accepted(await this.ask({ ...asking, invite: asking.invite ?? (await this.invite()) })).client;
  }

  async client(index: number): Promise<EnrolledClient | undefined> {
    return await this.place.enrolment.client((await keyAt(index)).clientId);
  }

  /** Since the federation was founded. */
  async events(): Promise<readonly LedgerEvent[]> {
    return (await this.stores.ledger.entries()).map(({ event }) => event).slice(1);
  }

  async types(): Promise<readonly string[]> {
    return (await this.events()).map(({ type }) => type);
  }
}
