// muster unban: a banned client takes part again.

import type { Command } from 'commander';
import { clientActCommand } from '../client-act-command.ts';

export const unbanCommand = (): Command =>
  clientActCommand({ act: 'unban', description: 'Let a banned client take part again.', takesReason: true });
