// muster rotate: an invite for another key to take a client's place, with the client's history.

import type { Command } from 'commander';
import { actResults } from '../../server/admission/admin-acts.ts';
import { administer } from '../administer.ts';
import { adminCommand, type AdminOptions } from '../admin-command.ts';
import { issuedText } from '../admin-text.ts';
import { printResult } from '../output.ts';

export function rotateCommand(): Command {
  return adminCommand(
    'rotate',
    'Issue an invite for another key to take a client’s place; the old one works until then.',
  )
    .argument('<client>', 'the first characters of its id, 6 or more')
    .action(async (client: string, { dir, json }: AdminOptions) => {
      const result = await administer(dir, { act: 'rotate', input: { client }, result: actResults.rotate });
      await printResult(result, issuedText(result.invite, result.text), json);
    });
}
