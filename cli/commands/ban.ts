// muster ban: a client takes part no longer, until the ban is lifted.

import type { Command } from 'commander';
import { clientActCommand } from '../client-act-command.ts';

export const banCommand = (): Command =>
  clientActCommand({ act: 'ban', description: 'Turn a client away until the ban is lifted.', takesReason: true });
