// What the reference scripts of bench/python took, where this machine has what they need.

import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

/** Seconds of each run by name, or why there are none. */
export type PythonSeconds = Readonly<Record<string, readonly number[] | string>>;

const secondsSchema = z.record(z.string(), z.union([z.array(z.number()), z.string()]));
const MOST_OUTPUT_BYTES = 2 ** 20;

/** MUSTER_PYTHON names the interpreter, python3 unless given. A string: why nothing was measured. */
export async function pythonSeconds(script: string, args: readonly number[]): Promise<PythonSeconds | string> {
  return await printedByPython(new URL(`python/${script}`, import.meta.url), args, secondsSchema);
}

/** The JSON that a script prints, or why there is none. */
export async function printedByPython<T>(
  script: URL,
  args: readonly (string | number)[],
  schema: z.ZodType<T>,
): Promise<T | string> {
  const path = fileURLToPath(script);
  const python = process.env['MUSTER_PYTHON'] ?? 'python3';
  try {
    const { stdout } = await promisify(execFile)(python, [path, ...args.map(String)], { maxBuffer: MOST_OUTPUT_BYTES });
    return schema.parse(JSON.parse(stdout));
  } catch (fault) {
    return `${python} could not run ${basename(path)}: ${reasonOf(fault)}`;
  }
}

/** The last words of the script, such as that it lacks a module; else those of whoever could not start it. */
function reasonOf(fault: unknown): string {
  const words = fault instanceof Error && 'stderr' in fault ? String(fault.stderr).trim() : '';
  return words.split('\n').at(-1) || String(fault);
}

/** The seconds of one name, or why there are none. */
export const secondsOf = (found: PythonSeconds | string, name: string): readonly number[] | string =>
  typeof found === 'string' ? found : (found[name] ?? `${name} was not measured`);
