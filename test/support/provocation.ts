// What a provocation gives back: the refusal as whoever is refused gets it to see, read as strictly as what carries it
// allows. Only codes of the catalogue can be read.

import { expect } from 'vitest';
import { z } from 'zod';
import { refusedSchema } from '../../shared/protocol/messages.ts';
import { isRefusalCode, isRefused, RefusedError, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import { capturing } from './captured-command.ts';

const fact = z.string().nullish();
const toldSchema = z.object({
  code: z.string().refine(isRefusalCode, 'a code of the refusal catalogue'),
  message: fact,
  expected: fact,
  found: fact,
  hint: fact,
});
/** A verdict has a code and nothing else. */
export type Told = Partial<z.infer<typeof toldSchema>> & Pick<z.infer<typeof toldSchema>, 'code'>;
export type Provocation = () => Promise<Told>;

/** The answer on a socket. */
export const toldOnSocket = (reply: unknown): Told =>
  z.looseObject({ kind: z.literal('refused'), refusal: toldSchema }).parse(reply).refusal;

/** The answer over HTTP, whose status has to be the catalogue's. */
export function toldOverHttp({ status, body }: { readonly status: number; readonly body: unknown }): Told {
  const { refusal } = refusedSchema.parse(body);
  expect([refusal.code, status]).toEqual([refusal.code, refusalCatalogue[refusal.code].httpStatus]);
  return refusal;
}

/** A command that is given --json: the error on stdout, its code for people on stderr, and 2. */
export async function toldByCommand(run: () => Promise<number>): Promise<Told> {
  const { exitCode, stdout, stderr } = await capturing(run);
  const { error } = z.object({ error: toldSchema }).parse(JSON.parse(stdout));
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`(${error.code})`);
  return error;
}

/** What a stage gives back. */
export function toldByStage(outcome: object): Told {
  if (isRefused(outcome)) return outcome.refusal;
  throw new Error(`expected a refusal, found ${JSON.stringify(outcome)}`);
}

/** What the SDK rejects with. */
export async function toldBySdk(act: Promise<unknown>): Promise<Told> {
  const fault: unknown = await act.then(
    () => new Error('expected a refusal, found none'),
    (cause: unknown) => cause,
  );
  if (fault instanceof RefusedError) return fault.refusal;
  throw fault;
}
