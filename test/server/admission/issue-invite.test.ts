import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issueInvite } from '../../../server/admission/issue-invite.ts';
import { asClientId, asDigest, asOrganisationId } from '../../../shared/ids.ts';
import { parseInvite } from '../../../shared/protocol/invite.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { foundedIn } from '../../support/open-round.ts';
import { federation } from '../../support/small-federation.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const organisation = asOrganisationId('st-mary');

async function place() {
  const dir = temporaryFolder();
  const { folder, stores } = await foundedIn(dir);
  const { enrolment, ledger } = stores;
  const issuing = { federation, enrolment, ledgerKey: ledger.publicKey, clock: new FakeClock() };
  return { dir, folder, enrolment, ledger, issuing };
}

describe('an invite', () => {
  it('is kept as its secret’s digest alone: neither database nor ledger holds the secret', async () => {
    const { dir, folder, enrolment, ledger, issuing } = await place();
    const replaces = asClientId('ab'.repeat(32));
    const text = await issueInvite({ organisation, quota: 3, validForMs: 60_000, replaces }, issuing);
    const { secret = '' } = parseInvite(text) ?? {};
    const secretDigest = asDigest(createHash('sha256').update(secret).digest('hex'));
    const expiresAt = new Date('2026-03-01T12:01:00.000Z');
    const terms = { organisation, quota: 3, replaces };
    expect(await enrolment.invite(secretDigest)).toEqual({
      secretDigest,
      ...terms,
      used: 0,
      expiresAt,
      revoked: false,
    });
    const events = (await ledger.entries()).map(({ event }) => event);
    const issued = { type: 'invite-issued', invite: secretDigest, ...terms, expiresAt: expiresAt.toISOString() };
    expect(events.slice(1)).toEqual([issued]);
    await folder.close();
    const database = readFileSync(join(dir, 'muster.sqlite')).toString('latin1');
    expect(database).toContain(secretDigest);
    expect(database).not.toContain(secret);
  });

  it('is good for one client and one week, and replaces nobody, unless it is said otherwise', async () => {
    const { enrolment, issuing } = await place();
    await issueInvite({ organisation }, issuing);
    const expiresAt = new Date('2026-03-08T12:00:00.000Z');
    expect(await enrolment.invites()).toMatchObject([{ quota: 1, expiresAt, replaces: null }]);
  });

  it('names its federation and the key of its ledger, and is never the same twice', async () => {
    const { ledger, issuing } = await place();
    const [first, second] = [
      await issueInvite({ organisation }, issuing),
      await issueInvite({ organisation }, issuing),
    ];
    expect(first).not.toBe(second);
    expect(parseInvite(first)).toMatchObject({ federation, ledgerKey: ledger.publicKey });
  });
});
