// muster invites: which invites there are, and which of them still let anybody in.

import type { Command } from 'commander';
import { actResults } from '../../server/admission/admin-acts.ts';
import { administer } from '../administer.ts';
import { adminCommand, type AdminOptions } from '../admin-command.ts';
import { invitesText } from '../admin-text.ts';
import { printResult } from '../output.ts';

export function invitesCommand(): Command {
  return adminCommand('invites', 'Show the invites that were issued.').action(async ({ dir, json }: AdminOptions) => {
    const result = await administer(dir, { act: 'invites', input: {}, result: actResults.invites });
    await printResult(result, invitesText(result.invites), json);
  });
}
