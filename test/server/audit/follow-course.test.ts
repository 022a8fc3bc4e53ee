import { describe, expect, it } from 'vitest';
import { type Course, followCourse } from '../../../server/audit/follow-course.ts';
import { type ClientStatus, clientStatuses } from '../../../server/admission/enrolment-store.ts';
import type { LedgerEntry, LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { asOrganisationId, type ClientId, type Digest } from '../../../shared/ids.ts';
import { GENESIS } from '../../../shared/ledger/ledger-hash.ts';
import { accepted, isRefused } from '../../../shared/protocol/refusals.ts';
import * as facts from '../../support/federation-facts.ts';

const { federation, modelOf, clientAt, enrolment, digest } = facts;
const [a, b, c, stranger] = [clientAt(0), clientAt(1), clientAt(2), clientAt(3)];
const at = new Date('2026-03-01T12:00:00.000Z');

const entriesOf = (events: readonly LedgerEvent[]): LedgerEntry[] =>
  events.map((event, index) => ({ sequence: index + 1, federation, at, previous: GENESIS, head: index + 1, event }));

const founding: LedgerEvent = {
  type: 'federation-founded',
  configDigest: digest('config'),
  model: modelOf(0),
  ledgerKey: '1e'.repeat(32),
};
const another = digest('another');
const issued = (quota = 1, invite: Digest = another, replaces: ClientId | null = null): LedgerEvent => ({
  ...facts.inviteFor(quota, invite).event,
  replaces,
});
const until = (expiresAt: string): LedgerEvent => ({ ...facts.inviteFor(1, another).event, expiresAt });
const enrol = (
  client: ClientId,
  changes: Partial<Extract<LedgerEvent, { type: 'client-enrolled' }>> = {},
): LedgerEvent => ({ ...enrolment(client), ...changes });
const joined = [founding, issued(3, facts.inviteSecret), ...facts.clientIds.map((id) => enrol(id))];

const approved = (client: ClientId): LedgerEvent => ({ type: 'client-approved', client });
const banned = (client: ClientId): LedgerEvent => ({ type: 'client-banned', client, by: 'admin' });
const unbanned = (client: ClientId): LedgerEvent => ({ type: 'client-unbanned', client });
const revoked = (client: ClientId): LedgerEvent => ({ type: 'client-revoked', client });
const inviteRevoked = (invite: Digest): LedgerEvent => ({ type: 'invite-revoked', invite });
const rotated = (client: ClientId, successor: ClientId): LedgerEvent => ({
  type: 'key-rotated',
  client,
  successor,
  invite: another,
});
const toReplaceA = [...joined, issued(1, another, a)];
const replacing = [enrol(stranger, { invite: another }), rotated(a, stranger)];
const replacedA = [...toReplaceA, ...replacing];

const seed = (round: number): LedgerEvent => ({
  type: 'round-seed-committed',
  round,
  seedCommitment: digest(`commitment ${round}`),
});
const offer = (round: number, baseModel = modelOf(round - 1), cohort = facts.clientIds): LedgerEvent => ({
  type: 'round-offered',
  round,
  baseModel,
  cohort,
  eligibleDigest: digest('eligible'),
  f: 0,
});
const stagedAs = (update: Digest): LedgerEvent => {
  const { figures } = facts;
  return { type: 'update-staged', round: 1, client: a, update, figures };
};
type Announced = Extract<LedgerEvent, { type: 'update-announced' }>;
function announced(round: number, client: ClientId): Announced {
  const { event } = facts.announced(round, client);
  if (event.type !== 'update-announced') throw new Error('expected a statement');
  return event;
}
/** Under central privacy. */
const bare = ({ envelope, ...event }: Announced): LedgerEvent => {
  const noiseBy = { noiseBy: 'coordinator', noiseMultiplier: 1, clippingNormL2: 1, plannedClients: 3 } as const;
  return { ...event, envelope: { ...envelope, privacy: noiseBy } };
};
const rebased = ({ envelope, ...event }: Announced): LedgerEvent => ({
  ...event,
  envelope: { ...envelope, baseModelDigest: modelOf(7) },
});
const equivocation = (first: Digest, nonce: string): LedgerEvent => {
  const { envelope, ...event } = announced(1, a);
  return { ...event, type: 'equivocation', first, envelope: { ...envelope, nonce } };
};
const second = 'f'.repeat(32);
const firstOfA = announced(1, a).envelope.updateDigest;
const verdict = (round: number, client: ClientId, suspicion: number | null = 0.3): LedgerEvent => ({
  type: 'verdict',
  round,
  ...facts.verdict(round, client),
  suspicion,
});
const verdicts = (round: number, suspicion: number | null = 0.3): LedgerEvent[] =>
  facts.clientIds.map((id) => verdict(round, id, suspicion));
const ended = (round: number, base = modelOf(round - 1)): LedgerEvent => ({
  type: 'round-committed',
  round,
  baseModel: base,
  model: modelOf(round),
  optimiserState: null,
  seed: digest(`seed ${round}`),
  record: digest(`record ${round}`),
});
const abandoned = (round: number): LedgerEvent => ({
  type: 'round-abandoned',
  round,
  code: 'cohort-too-small',
  seed: digest(`seed ${round}`),
  record: digest(`record ${round}`),
});
const offered = [...joined, seed(1), offer(1)];
const sent = [...offered, announced(1, a)];
const charged = (round: number): LedgerEvent => ({
  type: 'round-charged',
  round,
  noiseMultiplier: 1,
  noiseCommitment: digest(`noise ${round}`),
});
const lost: LedgerEvent = { type: 'ledger-recovered', kept: 1, root: digest('root') };
const spent = (client: ClientId, ...rounds: readonly number[]): LedgerEvent => {
  const said = { client, rounds, signature: 'c2lnbmF0dXJl' };
  return { type: 'spent-rounds-stated', ...said, ...facts.charge };
};
const round1 = [...sent, facts.staging(1, a), ...verdicts(1), ended(1)];

/** What may come first, what cannot come then, and why. */
const impossible: readonly (readonly [string, readonly LedgerEvent[], LedgerEvent, string])[] = [
  ['an invite issued twice', joined, issued(1, facts.inviteSecret), 'not issued before'],
  ['an invite revoked that was not issued', joined, inviteRevoked(another), 'not issued'],
  [
    'an invite revoked twice',
    [...joined, inviteRevoked(facts.inviteSecret)],
    inviteRevoked(facts.inviteSecret),
    'one revoked',
  ],
  ['an enrolment without an invite', joined, enrol(stranger, { invite: another }), 'that was issued'],
  [
    'an enrolment for another organisation',
    [...joined, issued()],
    enrol(stranger, { invite: another, organisation: asOrganisationId('others') }),
    'as invited',
  ],
  [
    'an enrolment on a revoked invite',
    [...joined, issued(), inviteRevoked(another)],
    enrol(stranger, { invite: another }),
    'not revoked',
  ],
  ['an enrolment beyond the quota', joined, enrol(stranger), 'at most 3'],
  [
    'an enrolment after the invite expired',
    [...joined, until('2026-03-01T11:58:59.999Z')],
    enrol(stranger, { invite: another }),
    'enrolled before',
  ],
  ['a release charged before the offer', [...joined, seed(1)], charged(1), 'no round'],
  ['a round spent and forgotten where no backup was restored', offered, spent(a, 1), 'a restored backup'],
  ['a round spent and paid for by an update', [...sent, lost], spent(a, 1), 'do not count yet / round 1'],
  ['a round spent twice', [...offered, lost, spent(a, 2, 3)], spent(a, 3), 'do not count yet / round 3'],
  ['a round spent twice, and another', [...offered, lost, spent(a, 1)], spent(a, 1, 2), 'do not count yet / round 1'],
  ['a round spent and released', [...offered, charged(1), lost], spent(a, 1), 'do not count yet / round 1'],
  ['a round spent by the key before', [...toReplaceA, lost, spent(a, 2), ...replacing], spent(stranger, 2), 'round 2'],
  ['a round spent that nobody plans', [...offered, lost], spent(a, 9e15), 'rounds up to 100000'],
  ['a round spent by nobody enrolled', [...offered, lost], spent(stranger, 1), 'a client that enrolled'],
  ['a release charged for another round', offered, charged(2), 'round 1'],
  ['a client enrolled twice', [...joined, issued()], enrol(a, { invite: another }), 'not enrolled before'],
  ['a replacement that replaces nobody', toReplaceA, enrol(stranger, { invite: another }), 'in the entry after'],
  ['a rotation to a client of its own', toReplaceA, rotated(a, b), 'enrolled to replace'],
  ['a rotation to nobody', toReplaceA, rotated(a, stranger), 'enrolled to replace'],
  ['a second rotation', replacedA, rotated(a, stranger), 'active or revoked'],
  ['a ban of a stranger', joined, banned(stranger), 'not enrolled'],
  ['a verdict on a stranger', [...joined, offer(1, modelOf(0), [stranger])], verdict(1, stranger), 'that enrolled'],
  ['a seed out of order', joined, seed(2), 'one seed of round 1'],
  ['two seeds of a round', [...joined, seed(1)], seed(1), 'one seed of round 1'],
  ['a seed after the offer', [...joined, offer(1)], seed(1), 'one seed'],
  ['a seed before the round before has ended', offered, seed(2), 'one seed'],
  ['an offer before the round before has ended', offered, offer(2), 'the end of round 1'],
  ['an offer out of order', round1, offer(3, modelOf(1)), 'round 2'],
  ['an offer of another model than the newest', [...offered, ...verdicts(1), abandoned(1)], offer(2), 'newest model'],
  ['a statement of no round', joined, announced(1, a), 'no round'],
  ['a statement of another round', offered, announced(2, a), 'round 1'],
  [
    'a statement of a client outside the cohort',
    [...joined, offer(1, modelOf(0), [b, c])],
    announced(1, a),
    'of the cohort',
  ],
  ['a second statement as if it were the first', sent, announced(1, a), 'one update'],
  ['a statement on another model', offered, rebased(announced(1, a)), 'an update of model'],
  ['an equivocation without a first statement', offered, equivocation(firstOfA, second), 'as the first'],
  ['an equivocation against another first statement', sent, equivocation(another, second), 'as the first'],
  ['an equivocation of one statement', sent, equivocation(firstOfA, '0'.repeat(32)), 'two statements'],
  ['an update staged without a statement', offered, facts.staging(1, a), 'a statement before it'],
  ['another update staged than stated', sent, stagedAs(another), firstOfA],
  ['an update staged twice', [...sent, facts.staging(1, a)], facts.staging(1, a), 'one entry of this kind'],
  ['an update staged after the end', round1, facts.staging(1, a), 'no round'],
  ['two verdicts on a client', [...offered, verdict(1, a)], verdict(1, a), 'one entry of this kind'],
  ['a verdict of no round', joined, verdict(1, a), 'no round'],
  ['a second end', round1, ended(1), 'a round under way'],
  ['an end of both kinds', round1, abandoned(1), 'a round under way'],
  ['an end without an offer', joined, ended(1), 'a round under way'],
  ['the end of another round', [...offered, ...verdicts(1)], ended(2), 'the end of round 1'],
  ['an end without everybody’s verdict', [...offered, verdict(1, a), verdict(1, b)], ended(1), '3 verdicts'],
  ['a commit on another base', [...offered, ...verdicts(1)], ended(1, modelOf(5)), 'base'],
];

describe('the course of a ledger', () => {
  it.each(impossible)('has no %s', (_, before, event, why) => {
    const entries = entriesOf([...before, event]);
    expect(isRefused(followCourse(entries.slice(0, -1)))).toBe(false);
    const outcome = followCourse(entries);
    const { message, expected, found } = isRefused(outcome) ? outcome.refusal : { message: 'possible' };
    expect(message).toContain(`entry ${entries.length}`);
    expect(`${expected} / ${found}`).toContain(why);
  });

  it('changes a client only from the states that allow it', () => {
    const inState: Record<ClientStatus, readonly LedgerEvent[]> = {
      pending: [...joined, issued(), enrol(stranger, { invite: another, status: 'pending' })],
      active: [...joined, issued(), enrol(stranger, { invite: another })],
      banned: [...joined, issued(), enrol(stranger, { invite: another }), banned(stranger)],
      revoked: [...joined, issued(), enrol(stranger, { invite: another }), revoked(stranger)],
      rotated: [...replacedA],
    };
    const subject = (status: ClientStatus): ClientId => (status === 'rotated' ? a : stranger);
    const allowing = (change: (client: ClientId) => LedgerEvent): readonly ClientStatus[] =>
      clientStatuses.filter((status) => {
        const outcome = followCourse(entriesOf([...inState[status], change(subject(status))]));
        return !isRefused(outcome);
      });
    expect(allowing(approved)).toEqual(['pending']);
    expect(allowing(banned)).toEqual(['pending', 'active']);
    expect(allowing(unbanned)).toEqual(['banned']);
    expect(allowing(revoked)).toEqual(['pending', 'active']);
    const heir = digest('heir');
    const rotations: Record<ClientStatus, boolean> = {
      pending: false,
      active: true,
      banned: false,
      revoked: true,
      rotated: false,
    };
    for (const status of clientStatuses) {
      const replaced = subject(status);
      const taken = [issued(1, heir, replaced), enrol(clientAt(4), { invite: heir })];
      const event: LedgerEvent = { type: 'key-rotated', client: replaced, successor: clientAt(4), invite: heir };
      expect([status, !isRefused(followCourse(entriesOf([...inState[status], ...taken, event])))]).toEqual([
        status,
        rotations[status],
      ]);
    }
  });

  const courseOf = (events: readonly LedgerEvent[]): Course => accepted(followCourse(entriesOf(events)));

  it('goes on from an abandoned round with the same model, and takes a late entry of a good invite', () => {
    const again = offer(2, modelOf(0));
    courseOf([...offered, ...verdicts(1), abandoned(1), seed(2), again, ...verdicts(2), ended(2, modelOf(0))]);
    courseOf([...sent, equivocation(firstOfA, second)]);
    courseOf([...joined, until('2026-03-01T11:59:30.000Z'), enrol(stranger, { invite: another })]);
  });

  it('may be charged for rounds that a client spent and its coordinator lost, and for one that is sent again', () => {
    courseOf([...offered, lost, spent(a, 2, 9), spent(b, 9), spent(a, 1), announced(1, a)]);
    courseOf([...offered, bare(announced(1, a)), lost, spent(a, 1)]);
  });

  it('counts the uses of an invite and what a client was suspected of, to whoever takes its place', () => {
    expect(courseOf(joined).invites.get(facts.inviteSecret)).toMatchObject({ used: 3, quota: 3, revoked: false });
    expect(courseOf(round1).clients.get(a)).toMatchObject({ suspicion: 0.3, judged: 1, status: 'active' });
    const { clients } = courseOf([...round1, banned(a), unbanned(a)]);
    expect(clients.get(a)).toMatchObject({ suspicion: 0, judged: 1, status: 'active' });
    const after = courseOf([
      ...round1,
      issued(1, another, b),
      enrol(stranger, { invite: another }),
      rotated(b, stranger),
    ]);
    expect(after.clients.get(stranger)).toMatchObject({ suspicion: 0.3, judged: 1, predecessor: b });
    expect(after.clients.get(b)).toMatchObject({ status: 'rotated', predecessor: null });
    const silent = [...offered, ...verdicts(1, null)];
    expect(courseOf(silent).clients.get(c)).toMatchObject({ suspicion: 0, judged: 0 });
  });
});
