// How often a client that is killed at a random moment has given away more than its privacy ledger says: the real client
// in a program of its own, SIGKILL, the same folder again (test/support/kill-clients.ts).

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Print } from './figure.ts';

const CHILD = fileURLToPath(new URL('../test/support/kill-clients-child.ts', import.meta.url));

const outcomeSchema = z.strictObject({
  /** Deaths with an update on its way. */
  underWay: z.number(),
  roundsSent: z.number(),
  /** What left without the ledger saying so, in words. */
  overspent: z.array(z.string()),
});

export async function benchPrivacyKills({ kills, seed }: { kills: number; seed: number }, print: Print): Promise<void> {
  const args = ['--import', 'tsx', CHILD, String(kills), String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { overspent, ...context } = outcomeSchema.parse(JSON.parse(stdout));
  print({
    figure: 'privacy-kills-overspent',
    value: overspent.length,
    unit: 'count',
    context: { kills, seed, ...context, found: overspent.join('; ') },
  });
  if (overspent.length > 0) process.exitCode = 1;
}
