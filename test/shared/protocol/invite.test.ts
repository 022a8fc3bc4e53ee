import { describe, expect, it } from 'vitest';
import { asFederationId } from '../../../shared/ids.ts';
import { formatInvite, newInvite, parseInvite } from '../../../shared/protocol/invite.ts';

const federation = asFederationId('digits-2026');
const secret = 'a5'.repeat(32);

describe('an invite', () => {
  it('is read back from its text, with the white space of a paste around it', () => {
    const invite = newInvite(federation);
    for (const text of [formatInvite(invite), ` ${formatInvite(invite)}\n`]) expect(parseInvite(text)).toEqual(invite);
  });

  it('holds 256 random bits, never the same', () => {
    const secrets = Array.from({ length: 50 }, () => newInvite(federation).secret);
    expect(new Set(secrets).size).toBe(50);
    expect(secrets.every((each) => /^[0-9a-f]{64}$/.test(each))).toBe(true);
  });

  it.each([
    '',
    'digits-2026',
    `.${secret}`,
    secret,
    `digits-2026.${secret.slice(1)}`,
    `digits-2026.${secret}0`,
    `digits-2026.${secret.toUpperCase()}`,
    `digits-2026.${secret}.${secret}`,
    `Digits.${secret}`,
    `../x.${secret}`,
    `digits-2026 .${secret}`,
  ])('is not %j', (text) => {
    expect(parseInvite(text)).toBeUndefined();
  });
});
