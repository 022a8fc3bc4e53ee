import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issueInvite } from '../../../server/admission/issue-invite.ts';
import { asDigest, asOrganisationId } from '../../../shared/ids.ts';
import { parseInvite } from '../../../shared/protocol/invite.ts';
import { foundedIn } from '../../support/open-round.ts';
import { federation } from '../../support/small-federation.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const organisation = asOrganisationId('st-mary');

describe('an invite', () => {
  it('is kept as its secret’s digest alone: neither database nor ledger holds the secret', async () => {
    const dir = temporaryFolder();
    const { folder, stores } = await foundedIn(dir);
    const { enrolment, ledger } = stores;
    const text = await issueInvite({ organisation, quota: 3 }, federation, enrolment);
    const { secret = '' } = parseInvite(text) ?? {};
    const secretDigest = asDigest(createHash('sha256').update(secret).digest('hex'));
    expect(await enrolment.invite(secretDigest)).toEqual({ secretDigest, organisation, quota: 3, used: 0 });
    const events = (await ledger.entries()).map(({ event }) => event);
    expect(events.slice(1)).toEqual([{ type: 'invite-issued', organisation, quota: 3 }]);
    await folder.close();
    const database = readFileSync(join(dir, 'muster.sqlite')).toString('latin1');
    expect(database).toContain(secretDigest);
    expect(database).not.toContain(secret);
  });

  it('is never the same twice', async () => {
    const { enrolment } = (await foundedIn(temporaryFolder())).stores;
    const [first, second] = [
      await issueInvite({ organisation, quota: 1 }, federation, enrolment),
      await issueInvite({ organisation, quota: 1 }, federation, enrolment),
    ];
    expect(first).not.toBe(second);
    expect(parseInvite(first)?.federation).toBe(federation);
  });
});
