// muster revoke-invite: an invite lets nobody in any more; whoever enrolled with it stays.

import type { Command } from 'commander';
import { actResults } from '../../server/admission/admin-acts.ts';
import { administer } from '../administer.ts';
import { adminCommand, type AdminOptions } from '../admin-command.ts';
import { shortId } from '../admin-text.ts';
import { printResult } from '../output.ts';

export function revokeInviteCommand(): Command {
  return adminCommand('revoke-invite', 'Make an invite useless; whoever enrolled with it stays.')
    .argument('<invite>', 'the first characters of its id in muster invites, 6 or more')
    .action(async (invite: string, { dir, json }: AdminOptions) => {
      const input = { invite };
      const result = await administer(dir, { act: 'revoke-invite', input, result: actResults['revoke-invite'] });
      const { id, used, quota } = result.invite;
      await printResult(result, `Invite ${shortId(id)} is revoked; ${used} of ${quota} had used it.`, json);
    });
}
