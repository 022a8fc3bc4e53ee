// `muster aggregate` over updates that a test writes down: its result as an object, or the code of its refusal.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { runHere } from './captured-command.ts';
import { temporaryFolder } from './temporary-folder.ts';

const nameSchema = z.union([z.string(), z.number()]);
const figure = z.number().nullable();
const reportSchema = z.strictObject({
  rule: z.string(),
  n: z.number(),
  f: z.number(),
  m: figure,
  aggregate: z.array(z.number()),
  selected: z.array(nameSchema).nullable(),
  scores: z.array(z.number()).nullable(),
  certificate: z.strictObject({ bound: figure, exact: z.boolean() }),
  explanation: z.strictObject({
    variant: z.string(),
    neighbours: figure,
    clients: z.array(
      z.strictObject({
        client: nameSchema,
        selected: z.boolean(),
        score: figure,
        rank: figure,
        distanceToAggregate: z.number(),
        share: z.number(),
      }),
    ),
    condition: z.unknown(),
    liars: z.unknown(),
    warnings: z.array(z.string()),
  }),
});
export type PrintedAggregate = z.output<typeof reportSchema>;

/** A JSON file of that text, or of that object. */
export function updatesFile(updates: object | string): string {
  const file = join(temporaryFolder(), 'updates.json');
  writeFileSync(file, typeof updates === 'string' ? updates : JSON.stringify(updates));
  return file;
}

/** @throws Error where it is refused. */
export async function aggregateOf(updates: object | string, ...flags: readonly string[]): Promise<PrintedAggregate> {
  return await aggregateFrom('--in', updatesFile(updates), ...flags);
}

/** @throws Error where it is refused. */
export async function aggregateFrom(...args: readonly string[]): Promise<PrintedAggregate> {
  const { exitCode, stdout, stderr } = await runHere('aggregate', ...args, '--json');
  if (exitCode !== 0 || stderr !== '') throw new Error(stderr);
  return reportSchema.parse(JSON.parse(stdout));
}

const text = z.string().nullable();
const errorSchema = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), expected: text, found: text, hint: text }),
});

/** All that a refusal says, in one line. @throws Error where it ends otherwise than with 2. */
export async function refusalOf(updates: object | string, ...flags: readonly string[]): Promise<string> {
  return await refusalFrom('--in', updatesFile(updates), ...flags);
}

/** @throws Error where it ends otherwise than with 2. */
export async function refusalFrom(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runHere('aggregate', ...args, '--json');
  if (exitCode !== 2) throw new Error(`ended with ${exitCode}: ${stdout}${stderr}`);
  const { code, message, expected, found, hint } = errorSchema.parse(JSON.parse(stdout)).error;
  return [code, message, expected, found, hint].join(' | ');
}
