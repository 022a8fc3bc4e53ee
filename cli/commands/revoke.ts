// muster revoke: a key counts no more, for good; another can take its place (muster rotate).

import type { Command } from 'commander';
import { clientActCommand } from '../client-act-command.ts';

export const revokeCommand = (): Command =>
  clientActCommand({
    act: 'revoke',
    description: 'Take a key out for good, such as a stolen one; muster rotate lets another take its place.',
    takesReason: true,
  });
