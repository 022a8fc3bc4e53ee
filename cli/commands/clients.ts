// muster clients: who belongs to the federation, and whose name looks like whose.

import type { Command } from 'commander';
import { actResults } from '../../server/admission/admin-acts.ts';
import { administer } from '../administer.ts';
import { adminCommand, type AdminOptions } from '../admin-command.ts';
import { clientsText } from '../admin-text.ts';
import { printResult } from '../output.ts';

export function clientsCommand(): Command {
  return adminCommand('clients', 'Show who is enrolled.').action(async ({ dir, json }: AdminOptions) => {
    const result = await administer(dir, { act: 'clients', input: {}, result: actResults.clients });
    await printResult(result, clientsText(result.clients), json);
  });
}
