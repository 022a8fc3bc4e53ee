// Who belongs to the federation, followed entry by entry: invites as they are issued, used and revoked, clients as they
// enrol, change their status and are judged. An entry that no state before it allows is named; what stands at the end is
// what the tables have to hold.

import type { ClientId, Digest } from '../../shared/ids.ts';
import type { ClientStatus, EnrolledClient, Invite } from '../admission/enrolment-store.ts';
import type { EventOf, LedgerEntry, LedgerEvent } from '../ledger/ledger-event.ts';

/** Why an entry cannot follow those before it. */
export interface Impossible {
  readonly expected: string;
  readonly found: string;
}

export type Standing = Pick<
  EnrolledClient,
  'organisation' | 'status' | 'predecessor' | 'looksLike' | 'suspicion' | 'judged'
> & { readonly invite: Digest };

export type IssuedInvite = Omit<Invite, 'secretDigest'>;

const changes = {
  'client-approved': { from: ['pending'], to: 'active' },
  'client-banned': { from: ['pending', 'active'], to: 'banned' },
  'client-unbanned': { from: ['banned'], to: 'active' },
  'client-revoked': { from: ['pending', 'active'], to: 'revoked' },
  'key-rotated': { from: ['active', 'revoked'], to: 'rotated' },
} as const satisfies Record<string, { readonly from: readonly ClientStatus[]; readonly to: ClientStatus }>;

type Change = EventOf<keyof typeof changes>;

/** An invite is looked at before the entry is written: the time of an entry may be this much past its end. */
const ENROLMENT_LAG_MS = 60_000;

export class CourseOfClients {
  readonly #clients = new Map<ClientId, Standing>();
  readonly #invites = new Map<Digest, IssuedInvite>();

  get clients(): ReadonlyMap<ClientId, Standing> {
    return this.#clients;
  }

  get invites(): ReadonlyMap<Digest, IssuedInvite> {
    return this.#invites;
  }

  /** `next`: the event after this one, since a key that takes another's place enrols and replaces it in one act. */
  follow({ event, at }: Pick<LedgerEntry, 'event' | 'at'>, next: LedgerEvent | undefined): Impossible | undefined {
    if (isChange(event)) return this.#change(event);
    if (event.type === 'invite-issued') return this.#issue(event);
    if (event.type === 'invite-revoked') return this.#revoke(event);
    if (event.type === 'client-enrolled')
      return this.#unusable(event, at) ?? this.#unreplaced(event, next) ?? this.#enrol(event);
    if (event.type === 'spent-rounds-stated' && !this.#clients.has(event.client))
      return { expected: 'a client that enrolled', found: event.client };
    return event.type === 'verdict' ? this.#judge(event) : undefined;
  }

  #issue({ invite, organisation, quota, expiresAt, replaces }: EventOf<'invite-issued'>): Impossible | undefined {
    if (this.#invites.has(invite)) return { expected: 'an invite not issued before', found: invite };
    const terms = { organisation, quota, expiresAt: new Date(expiresAt), replaces };
    this.#invites.set(invite, { ...terms, used: 0, revoked: false });
    return undefined;
  }

  #revoke({ invite }: EventOf<'invite-revoked'>): Impossible | undefined {
    const issued = this.#invites.get(invite);
    if (!issued || issued.revoked)
      return { expected: 'an invite issued and not revoked', found: issued ? 'one revoked' : `${invite}, not issued` };
    this.#invites.set(invite, { ...issued, revoked: true });
    return undefined;
  }

  #unusable({ invite, organisation }: EventOf<'client-enrolled'>, at: Date): Impossible | undefined {
    const issued = this.#invites.get(invite);
    if (!issued) return { expected: 'an invite that was issued', found: invite };
    if (issued.organisation !== organisation)
      return { expected: `organisation ${issued.organisation}, as invited`, found: organisation };
    if (issued.revoked) return { expected: 'an invite that was not revoked', found: invite };
    if (issued.used >= issued.quota) return { expected: `at most ${issued.quota} clients of an invite`, found: 'more' };
    if (at.getTime() < issued.expiresAt.getTime() + ENROLMENT_LAG_MS) return undefined;
    return { expected: `enrolled before ${issued.expiresAt.toISOString()}`, found: at.toISOString() };
  }

  /** An invite for a key to take another's place does nothing else. */
  #unreplaced({ client, invite }: EventOf<'client-enrolled'>, next: LedgerEvent | undefined): Impossible | undefined {
    const replaces = this.#invites.get(invite)?.replaces ?? null;
    if (replaces === null) return undefined;
    if (next?.type === 'key-rotated' && next.client === replaces && next.successor === client) return undefined;
    return { expected: `${replaces} replaced by ${client} in the entry after it`, found: next?.type ?? 'none' };
  }

  #enrol({ client, organisation, invite, status, looksLike }: EventOf<'client-enrolled'>): Impossible | undefined {
    const issued = this.#invites.get(invite);
    if (!issued || this.#clients.has(client)) return { expected: 'a client not enrolled before', found: client };
    this.#invites.set(invite, { ...issued, used: issued.used + 1 });
    const history = { predecessor: null, suspicion: 0, judged: 0 };
    this.#clients.set(client, { organisation, status, looksLike, invite, ...history });
    return undefined;
  }

  #change(event: Change): Impossible | undefined {
    const { client, type } = event;
    const { from, to } = changes[type];
    const standing = this.#clients.get(client);
    const allowed: readonly ClientStatus[] = from;
    if (!standing || !allowed.includes(standing.status))
      return {
        expected: `a client that is ${from.join(' or ')}`,
        found: standing?.status ?? `${client}, not enrolled`,
      };
    if (event.type === 'key-rotated') {
      const complaint = this.#succeed(event, standing);
      if (complaint) return complaint;
    }
    // Whoever is let back in begins afresh.
    const suspicion = type === 'client-unbanned' ? 0 : standing.suspicion;
    this.#clients.set(client, { ...standing, status: to, suspicion });
    return undefined;
  }

  /** The successor goes on with the history of the client whose place it takes. */
  #succeed(
    { client, successor, invite }: EventOf<'key-rotated'>,
    { suspicion, judged }: Standing,
  ): Impossible | undefined {
    const heir = this.#clients.get(successor);
    const isItsOwn = heir?.invite === invite && this.#invites.get(invite)?.replaces === client;
    if (!heir || !isItsOwn)
      return { expected: `a successor enrolled to replace ${client}`, found: heir ? successor : 'one not enrolled' };
    this.#clients.set(successor, { ...heir, predecessor: client, suspicion, judged });
    return undefined;
  }

  #judge({ client, suspicion }: EventOf<'verdict'>): Impossible | undefined {
    const standing = this.#clients.get(client);
    if (!standing) return { expected: 'a verdict on a client that enrolled', found: client };
    if (suspicion !== null) this.#clients.set(client, { ...standing, suspicion, judged: standing.judged + 1 });
    return undefined;
  }
}

const isChange = (event: LedgerEvent): event is Change => Object.hasOwn(changes, event.type);
