// Everything that an admin can do about who takes part. Each act that changes something is one transaction with its
// entry in the ledger; each leaves with a result that can be printed or sent, or a refusal that says what to do instead.

import { closest } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { ClientId } from '../../shared/ids.ts';
import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import { type ActInput, actInputs, type ActName, type ActResult } from './admin-acts.ts';
import { clientView, inviteView } from './admin-views.ts';
import { replaceableStatuses } from './enrol-with-invite.ts';
import type { ClientStatus, EnrolledClient, Invite, StatusChange } from './enrolment-store.ts';
import { type Found, findByPrefix } from './find-by-prefix.ts';
import { type IssuingPlace, makeInvite } from './issue-invite.ts';

export interface AdministrationPlace extends IssuingPlace {
  /** A client takes part no longer: its socket is closed, and its update is left out of the round under way. */
  onBarred(client: ClientId): void;
}

type Outcome<Name extends ActName> = Promise<ActResult<Name> | Refused>;
type Change = Pick<StatusChange, 'from' | 'to' | 'reason'>;

export class Administration {
  readonly #place: AdministrationPlace;
  /** Every act by its name, from a message that may hold anything. */
  readonly #acts: ReadonlyMap<string, (input: unknown) => Promise<object | Refused>> = new Map([
    ['invite', reading(actInputs.invite, (terms) => this.invite(terms))],
    ['revoke-invite', reading(actInputs['revoke-invite'], (named) => this.revokeInvite(named))],
    ['invites', reading(actInputs.invites, () => this.invites())],
    ['clients', reading(actInputs.clients, () => this.clients())],
    ['approve', reading(actInputs.approve, (named) => this.approve(named))],
    ['ban', reading(actInputs.ban, (named) => this.ban(named))],
    ['unban', reading(actInputs.unban, (named) => this.unban(named))],
    ['revoke', reading(actInputs.revoke, (named) => this.revoke(named))],
    ['rotate', reading(actInputs.rotate, (named) => this.rotate(named))],
  ]);

  constructor(place: AdministrationPlace) {
    this.#place = place;
  }

  /** Refuses unknown-command for no act, malformed-message for input that does not fit it, and what the act refuses. */
  async perform(act: string, input: unknown): Promise<object | Refused> {
    const perform = this.#acts.get(act);
    if (perform) return await perform(input);
    const names = [...this.#acts.keys()];
    const found = act.slice(0, 100);
    return refuse('unknown-command', {
      expected: names.join(', '),
      found,
      hint: `did you mean ${closest(found, names)}?`,
    });
  }

  async invite(terms: ActInput<'invite'>): Outcome<'invite'> {
    const { text, invite } = await makeInvite(terms, this.#place);
    return { invite: this.#viewOfInvite(invite), text };
  }

  async revokeInvite({ invite }: ActInput<'revoke-invite'>): Outcome<'revoke-invite'> {
    const { enrolment } = this.#place;
    const rows = await enrolment.invites();
    const found = findByPrefix(invite, { rows, idOf: ({ secretDigest }) => secretDigest, code: 'unknown-invite' });
    if (isRefused(found)) return found;
    const { secretDigest } = found.row;
    const revoked = await enrolment.revokeInvite(secretDigest, { type: 'invite-revoked', invite: secretDigest });
    if (revoked) return { invite: this.#viewOfInvite({ ...found.row, revoked }) };
    return refuse('not-applicable', { expected: 'an invite that is not revoked', found: 'one that is' });
  }

  async invites(): Outcome<'invites'> {
    return { invites: (await this.#place.enrolment.invites()).map((invite) => this.#viewOfInvite(invite)) };
  }

  async clients(): Outcome<'clients'> {
    const clients = await this.#place.enrolment.clients();
    return { clients: clients.map((client) => clientView(client, clients)) };
  }

  async approve({ client }: ActInput<'approve'>): Outcome<'approve'> {
    const change = { from: ['pending'], to: 'active', reason: null } as const;
    return await this.#change(client, change, (id) => ({ type: 'client-approved', client: id }));
  }

  async ban({ client, reason }: ActInput<'ban'>): Outcome<'ban'> {
    const change = { from: ['pending', 'active'], to: 'banned', reason } as const;
    return await this.#change(client, change, (id) => ({ type: 'client-banned', client: id, by: 'admin' }));
  }

  /** The client takes part again, also where it was pending before the ban. */
  async unban({ client, reason }: ActInput<'unban'>): Outcome<'unban'> {
    const change = { from: ['banned'], to: 'active', reason } as const;
    return await this.#change(client, change, (id) => ({ type: 'client-unbanned', client: id }));
  }

  /** The key counts no more, for good. Not from a ban: a key revoked can be replaced, and the ban would be forgotten. */
  async revoke({ client, reason }: ActInput<'revoke'>): Outcome<'revoke'> {
    const change = { from: ['pending', 'active'], to: 'revoked', reason } as const;
    return await this.#change(client, change, (id) => ({ type: 'client-revoked', client: id }));
  }

  /** An invite for one key to take this one's place, with its history. Until it is used, nothing changes. */
  async rotate({ client }: ActInput<'rotate'>): Outcome<'rotate'> {
    const found = await this.#find(client);
    if (isRefused(found)) return found;
    const { id: replaces, organisation, status } = found.row;
    if (!replaceableStatuses.includes(status)) return await this.#wrongState(found.row, replaceableStatuses);
    const { text, invite } = await makeInvite({ organisation, replaces }, this.#place);
    return { invite: this.#viewOfInvite(invite), text };
  }

  async #change(
    prefix: string,
    change: Change,
    eventOf: (client: ClientId) => LedgerEvent,
  ): Promise<ActResult<'approve'> | Refused> {
    const { enrolment, onBarred } = this.#place;
    const found = await this.#find(prefix);
    if (isRefused(found)) return found;
    const { id: client } = found.row;
    const changed = await enrolment.changeStatus({ client, ...change }, eventOf(client));
    const clients = await enrolment.clients();
    const after = clients.find(({ id }) => id === client) ?? found.row;
    if (!changed) return await this.#wrongState(after, change.from);
    if (change.to !== 'active') onBarred(client);
    return { client: clientView(after, clients) };
  }

  async #find(prefix: string): Promise<Found<EnrolledClient> | Refused> {
    const rows = await this.#place.enrolment.clients();
    return findByPrefix(prefix, { rows, idOf: ({ id }) => id, nameOf: ({ name }) => name, code: 'unknown-client' });
  }

  async #wrongState({ id, status }: EnrolledClient, expected: readonly ClientStatus[]): Promise<Refused> {
    const facts = { expected: `a client that is ${expected.join(' or ')}`, found: `one that is ${status}` };
    const successor = (await this.#place.enrolment.clients()).find(({ predecessor }) => predecessor === id);
    const hint = successor ? `its place was taken by ${successor.id.slice(0, 12)}` : hints[status];
    return refuse('not-applicable', hint === undefined ? facts : { ...facts, hint });
  }

  #viewOfInvite(invite: Invite): ActResult<'revoke-invite'>['invite'] {
    return inviteView(invite, this.#place.clock.now());
  }
}

const hints: Partial<Record<ClientStatus, string>> = {
  pending: 'muster approve lets it take part',
  banned: 'it is turned away already; muster unban lifts the ban',
  revoked: 'muster rotate lets another key take its place',
};

/** Reads the input by its schema or refuses it. */
function reading<Schema extends z.ZodType>(
  schema: Schema,
  act: (input: z.output<Schema>) => Promise<object | Refused>,
): (input: unknown) => Promise<object | Refused> {
  return async (input) => {
    const read = schema.safeParse(input);
    if (read.success) return await act(read.data);
    const [issue] = read.error.issues;
    const at = issue?.path.map(String).join('.') ?? '';
    return refuse('malformed-message', { expected: issue?.message.slice(0, 200) ?? '', found: `at "${at}"` });
  };
}
