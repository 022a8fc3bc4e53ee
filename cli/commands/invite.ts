// muster invite: a new invite for clients of one organisation.

import type { Command } from 'commander';
import type { OrganisationId } from '../../shared/ids.ts';
import { actResults } from '../../server/admission/admin-acts.ts';
import {
  DEFAULT_VALIDITY_MS,
  LONGEST_VALIDITY_MS,
  MOST_CLIENTS_AN_INVITE,
} from '../../server/admission/issue-invite.ts';
import { administer } from '../administer.ts';
import { adminCommand, type AdminOptions } from '../admin-command.ts';
import { issuedText } from '../admin-text.ts';
import { organisation, wholeNumber } from '../option-values.ts';
import { printResult } from '../output.ts';

type InviteOptions = AdminOptions & { readonly quota: number; readonly days: number };

const DAY_MS = 24 * 3600 * 1000;

export function inviteCommand(): Command {
  return adminCommand('invite', 'Issue an invite: whoever has it can enrol a client.')
    .argument('<organisation>', 'who answers for the clients, in a-z, 0-9 and "-"', organisation('the organisation'))
    .option('--quota <n>', 'how many clients it lets in', wholeNumber('--quota', 1, MOST_CLIENTS_AN_INVITE), 1)
    .option(
      '--days <n>',
      'how long it is good for',
      wholeNumber('--days', 1, LONGEST_VALIDITY_MS / DAY_MS),
      DEFAULT_VALIDITY_MS / DAY_MS,
    )
    .action(async (whose: OrganisationId, { dir, json, quota, days }: InviteOptions) => {
      const input = { organisation: whose, quota, validForMs: days * DAY_MS };
      const result = await administer(dir, { act: 'invite', input, result: actResults.invite });
      await printResult(result, issuedText(result.invite, result.text), json);
    });
}
