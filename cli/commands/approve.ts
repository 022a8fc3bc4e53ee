// muster approve: a client that waits takes part from its next join on.

import type { Command } from 'commander';
import { clientActCommand } from '../client-act-command.ts';

export const approveCommand = (): Command =>
  clientActCommand({ act: 'approve', description: 'Let a client take part that waits for it.', takesReason: false });
