import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { GENESIS } from '../../../shared/ledger/ledger-hash.ts';
import type { LedgerEvent } from '../../../server/ledger/ledger-event.ts';
import { parseLedgerRow } from '../../../server/storage/ledger-row.ts';
import { openFolder, testClock } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { expectSoundLedger } from '../../support/sound-ledger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { federation, figures, organisation } = facts;
const client = facts.clientAt(0);
const key = facts.digest('x');
const round = 1;
const { envelope, signature } = facts.announced(round, client).update;

/** One of each kind: a kind that has none here does not compile. */
const events: { readonly [Type in LedgerEvent['type']]: Extract<LedgerEvent, { type: Type }> } = {
  'federation-founded': { type: 'federation-founded', configDigest: key, model: key, ledgerKey: 'ab'.repeat(32) },
  'federation-amended': { type: 'federation-amended', configDigest: key },
  'invite-issued': {
    type: 'invite-issued',
    invite: key,
    organisation,
    quota: 3,
    expiresAt: '2026-12-31T00:00:00.000Z',
    replaces: client,
  },
  'invite-revoked': { type: 'invite-revoked', invite: key },
  'client-enrolled': {
    type: 'client-enrolled',
    client,
    organisation,
    invite: key,
    status: 'pending',
    looksLike: client,
  },
  'client-approved': { type: 'client-approved', client },
  'client-banned': { type: 'client-banned', client, by: 'history' },
  'client-unbanned': { type: 'client-unbanned', client },
  'client-revoked': { type: 'client-revoked', client },
  'key-rotated': { type: 'key-rotated', client, successor: facts.clientAt(1), invite: key },
  'round-seed-committed': { type: 'round-seed-committed', round, seedCommitment: key },
  'round-offered': { type: 'round-offered', round, baseModel: key, cohort: [client], eligibleDigest: key, f: 0 },
  'update-announced': { type: 'update-announced', round, client, envelope, signature },
  equivocation: { type: 'equivocation', round, client, first: key, envelope, signature },
  'update-staged': {
    type: 'update-staged',
    round,
    client,
    update: key,
    figures: { ...figures, noiseRatio: null, noiseDeficit: null },
  },
  'round-charged': { type: 'round-charged', round, noiseMultiplier: 1.1, noiseCommitment: key },
  refused: { type: 'refused', round: null, client, code: 'too-large' },
  'refusals-counted': { type: 'refusals-counted', round: null, client: null, counts: { 'too-large': 40, replayed: 1 } },
  declined: { type: 'declined', round, client, code: 'budget-exhausted' },
  verdict: { type: 'verdict', round, ...facts.verdict(round, client) },
  'round-committed': {
    type: 'round-committed',
    round,
    baseModel: key,
    model: key,
    optimiserState: key,
    seed: key,
    record: key,
  },
  'round-abandoned': { type: 'round-abandoned', round, code: 'cohort-too-small', seed: key, record: key },
  'spent-rounds-stated': {
    type: 'spent-rounds-stated',
    client,
    rounds: [1, 4],
    signature,
    noiseMultiplier: 1.1,
    samplingRate: 0.1,
    steps: 10,
  },
  'checkpoint-disputed': { type: 'checkpoint-disputed', client, checkpoint: 'muster/digits\n7\n…\n' },
  'ledger-recovered': { type: 'ledger-recovered', kept: 4, root: key },
};
const kinds = Object.values(events);
const place = { sequence: 1, federation, at: '2026-03-01T12:00:00.123Z', previous: GENESIS, head: 1 };
const textOf = (event: LedgerEvent, more: { readonly [key: string]: string } = {}): string =>
  canonicalJson({ ...event, ...more, ...place });

describe('a ledger row', () => {
  it('gives back every kind of event, numbered, dated, named and chained', async () => {
    const stores = (await openFolder(temporaryFolder())).storeOf(federation);
    const { ledger } = stores;
    await facts.found(stores);
    for (const event of kinds) await ledger.append(event);
    const hashes = (await ledger.rows()).map(({ hash }) => hash);
    const expected = kinds.map((event, index) => ({
      sequence: index + 2,
      federation,
      at: testClock.now(),
      previous: hashes[index],
      head: index + 2,
      event,
    }));
    expect((await ledger.entries()).slice(1)).toEqual(expected);
    await expectSoundLedger(ledger, ledger.publicKey);
  });

  it('has columns that agree with its text', async () => {
    const stores = (await openFolder(temporaryFolder())).storeOf(federation);
    await facts.found(stores);
    await stores.ledger.append(...kinds);
    for (const { sequence, text, at, type, round: ofRound, client: of } of await stores.ledger.rows()) {
      const entry = parseLedgerRow(text);
      const { round: told, client: named } = { round: null, client: null, ...entry.event };
      expect({ sequence, at, type, ofRound, of }).toEqual({
        sequence: entry.sequence,
        at: entry.at,
        type: entry.event.type,
        ofRound: told,
        of: named,
      });
    }
  });

  it.each([
    ['none', { rounds: [] }],
    ['none of those stated', { charged: [] }],
    ['a part of those stated', { charged: [4] }],
    ['one twice', { rounds: [1, 1, 4] }],
  ])('is refused as damaged where rounds are stated and what is charged is %s', (_, change) => {
    const row = { ...events['spent-rounds-stated'], ...place };
    expect(parseLedgerRow(canonicalJson(row)).event).toMatchObject({ rounds: [1, 4] });
    expect(() => parseLedgerRow(canonicalJson({ ...row, ...change }))).toThrow();
  });

  it('is refused as damaged with a member more or less, or a misshapen one: no kind has room for a name', () => {
    for (const event of kinds) {
      expect(parseLedgerRow(textOf(event)).event).toEqual(event);
      for (const extra of ['name', 'reason', 'x'])
        expect(() => parseLedgerRow(textOf(event, { [extra]: 'Ward 7' })), `${event.type} ${extra}`).toThrow();
      for (const member of Object.keys(event)) {
        const { [member]: dropped, ...rest } = JSON.parse(textOf(event));
        expect(dropped).toBeDefined();
        expect(() => parseLedgerRow(JSON.stringify(rest)), `${event.type} without ${member}`).toThrow();
        const misshapen = JSON.stringify({ ...rest, [member]: { wrong: true } });
        expect(() => parseLedgerRow(misshapen), `${event.type} ${member}`).toThrow();
      }
    }
  });
});
