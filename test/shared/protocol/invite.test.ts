import { describe, expect, it } from 'vitest';
import { asFederationId } from '../../../shared/ids.ts';
import { formatInvite, newInvite, parseInvite } from '../../../shared/protocol/invite.ts';

const federation = asFederationId('digits-2026');
const secret = 'a5'.repeat(32);
const ledgerKey = '1e'.repeat(32);

describe('an invite', () => {
  it('is read back from its text, with the white space of a paste around it', () => {
    const invite = newInvite(federation, ledgerKey);
    for (const text of [formatInvite(invite), ` ${formatInvite(invite)}\n`]) expect(parseInvite(text)).toEqual(invite);
  });

  it('holds 256 random bits, never the same', () => {
    const secrets = Array.from({ length: 50 }, () => newInvite(federation, ledgerKey).secret);
    expect(new Set(secrets).size).toBe(50);
    expect(secrets.every((each) => /^[0-9a-f]{64}$/.test(each))).toBe(true);
  });

  it('names the federation, its secret and the key of the ledger, in that order', () => {
    expect(formatInvite({ federation, secret, ledgerKey })).toBe(`digits-2026.${secret}.${ledgerKey}`);
  });

  it.each([
    '',
    'digits-2026',
    `.${secret}.${ledgerKey}`,
    `${secret}.${ledgerKey}`,
    `digits-2026.${secret}`,
    `digits-2026.${secret}.`,
    `digits-2026.${secret.slice(1)}.${ledgerKey}`,
    `digits-2026.${secret}0.${ledgerKey}`,
    `digits-2026.${secret}.${ledgerKey.slice(1)}`,
    `digits-2026.${secret}.${ledgerKey}0`,
    `digits-2026.${secret.toUpperCase()}.${ledgerKey}`,
    `digits-2026.${secret}.${ledgerKey.toUpperCase()}`,
    `digits-2026.${secret}.${ledgerKey}.${ledgerKey}`,
    `Digits.${secret}.${ledgerKey}`,
    `../x.${secret}.${ledgerKey}`,
    `digits-2026 .${secret}.${ledgerKey}`,
  ])('is not %j', (text) => {
    expect(parseInvite(text)).toBeUndefined();
  });
});
