import { describe, expect, it } from 'vitest';
import { readExport } from '../../../server/audit/ledger-export.ts';
import { verifyLedger } from '../../../server/audit/verify-ledger.ts';
import { parseLedgerRow } from '../../../server/storage/ledger-row.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { isRefused } from '../../../shared/protocol/refusals.ts';
import { fc } from '../../support/properties.ts';

const federation = asFederationId('digits');

const empty = {
  form: 'muster-ledger/1',
  federation,
  ledgerKey: 'ab'.repeat(32),
  entries: ['{}'],
  checkpoints: ['note'],
};

function codeOf(text: string): string {
  const outcome = readExport(text);
  return isRefused(outcome) ? outcome.refusal.code : outcome.kind;
}

describe('an exported ledger', () => {
  it('is read where it has its form', () => {
    expect(codeOf(JSON.stringify(empty))).toBe('export');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"form"'],
    ['another form', JSON.stringify({ ...empty, form: 'muster-ledger/2' })],
    ['an unknown member', JSON.stringify({ ...empty, extra: 1 })],
    ['entries of another type', JSON.stringify({ ...empty, entries: [1] })],
    ['no list', JSON.stringify({ ...empty, checkpoints: {} })],
    ['a checkpoint beyond every size', JSON.stringify({ ...empty, checkpoints: ['x'.repeat(4097)] })],
    ['an entry beyond every size', JSON.stringify({ ...empty, entries: ['x'.repeat(8 * 1024 * 1024 + 1)] })],
    ['a key that is none', JSON.stringify({ ...empty, ledgerKey: 'AB'.repeat(32) })],
    ['a name that is none', JSON.stringify({ ...empty, federation: '../x' })],
    ['nests of a million', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`],
    ['nests of a million in a member', `{"form":${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}}`],
    ['a list in the place of an object', '[]'],
    ['null', 'null'],
  ])('is refused as %s', (_, text) => {
    expect(codeOf(text)).toBe('ledger-damaged');
  });

  it('never makes the reader throw, whatever JSON it is, and changes no prototype', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(codeOf(text)).toBe('ledger-damaged');
      }),
      { seed: 3, numRuns: 300 },
    );
    codeOf(JSON.stringify(empty).replace('{', '{"__proto__":{"polluted":1},'));
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('never makes the verifier throw, whatever its texts and notes are', async () => {
    const outcomes = fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.json())), async (texts) => {
      const outcome = await verifyLedger({
        federation,
        entries: texts.map((text) => ({ text })),
        heads: texts.map((note) => ({ note })),
        parse: parseLedgerRow,
      });
      expect(isRefused(outcome) && outcome.refusal.code).toBe('ledger-damaged');
    });
    await fc.assert(outcomes, { seed: 4, numRuns: 200 });
  });
});
