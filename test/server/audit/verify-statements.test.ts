import { describe, expect, it } from 'vitest';
import { statementComplaint } from '../../../server/audit/verify-statements.ts';
import type { EventOf } from '../../../server/ledger/ledger-event.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { GENESIS } from '../../../shared/ledger/ledger-hash.ts';
import type { PrivacyClaim } from '../../../shared/protocol/envelope.ts';
import { privacyClaimOf } from '../../../shared/protocol/privacy-claim.ts';
import { spentStatementBytes } from '../../../shared/protocol/spent-statement.ts';
import { centralTerms } from '../../support/central-terms.ts';
import { federation, member, terms } from '../../support/small-federation.ts';

const [anna, ben] = [await member(1), await member(2)];
const central = privacyClaimOf({ ...terms, privacy: centralTerms });
const rounds = [2, 5];
const signature = await anna.key.sign(spentStatementBytes({ federation, client: anna.client.id, rounds }));
const charged = { noiseMultiplier: 1.03, samplingRate: 0.1, steps: 10 };
const stated = { type: 'spent-rounds-stated', client: anna.client.id, rounds, signature, ...charged } as const;

interface Wish {
  readonly of?: typeof federation;
  readonly claim?: PrivacyClaim | null;
  /** Rounds in all. */
  readonly planned?: number;
  readonly amendedAfter?: boolean;
}

async function complaintAbout(
  changes: Partial<EventOf<'spent-rounds-stated'>>,
  { of = federation, claim = privacyClaimOf(terms), planned = 5, amendedAfter = false }: Wish = {},
): Promise<string | undefined> {
  const at = new Date('2026-03-01T12:00:00.000Z');
  const entry = { sequence: 7, federation: of, at, previous: GENESIS, head: 7, event: { ...stated, ...changes } };
  const amended = { ...entry, sequence: 8, event: { type: 'federation-amended', configDigest: GENESIS } } as const;
  const entries = amendedAfter ? [entry, amended] : [entry];
  const expected = { clients: [anna.client, ben.client], claim, rounds: planned };
  return (await statementComplaint(entries, expected))?.refusal.expected;
}

describe('an entry that charges a client for rounds it has stated as spent', () => {
  it('holds what the client signed, at the cost of the terms', async () => {
    expect(await complaintAbout({})).toBeUndefined();
    const release = { noiseMultiplier: 1.5, samplingRate: 1, steps: 1 };
    expect(await complaintAbout(release, { claim: central })).toBeUndefined();
  });

  it.each([
    ['other rounds', { rounds: [2, 4, 5] }, {}],
    ['another client', { client: ben.client.id }, {}],
    ['another federation', {}, { of: asFederationId('elsewhere') }],
  ])('is damage where it was signed for %s', async (_, changes, wish) => {
    expect(await complaintAbout(changes, wish)).toBe('a statement that its client signed');
  });

  it('is damage where a round is beyond those of the terms, unless they were amended since', async () => {
    expect(await complaintAbout({}, { planned: 4 })).toBe('rounds up to 4');
    expect(await complaintAbout({}, { planned: 4, amendedAfter: true })).toBeUndefined();
  });

  it.each([
    ['less noise', { noiseMultiplier: 1 }, {}],
    ['another sampling rate', { samplingRate: 0.2 }, {}],
    ['fewer steps', { steps: 9 }, {}],
    ['the noise of one example for a round under central privacy', {}, { claim: central }],
    ['anything without privacy', {}, { claim: null }],
  ])('is damage where it charges %s', async (_, changes, wish) => {
    expect(await complaintAbout(changes, wish)).toContain('the cost of the terms');
  });
});
