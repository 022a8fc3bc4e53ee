// One form for the acts that change what a single client may do.

import type { Command } from 'commander';
import { actResults } from '../server/admission/admin-acts.ts';
import { administer } from './administer.ts';
import { adminCommand, type AdminOptions } from './admin-command.ts';
import { clientText } from './admin-text.ts';
import { printResult } from './output.ts';

export interface ClientAct {
  readonly act: 'approve' | 'ban' | 'unban' | 'revoke';
  readonly description: string;
  readonly takesReason: boolean;
}

export function clientActCommand({ act, description, takesReason }: ClientAct): Command {
  const command = adminCommand(act, description).argument('<client>', 'the first characters of its id, 6 or more');
  if (takesReason) command.option('--reason <text>', 'kept with the client, in this folder alone');
  return command.action(async (client: string, { dir, json, reason }: AdminOptions & { reason?: string }) => {
    const input = takesReason ? { client, reason: reason ?? null } : { client };
    const result = await administer(dir, { act, input, result: actResults[act] });
    await printResult(result, clientText(result.client), json);
  });
}
