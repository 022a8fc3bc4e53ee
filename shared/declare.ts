// How a rule, a pre-aggregator or a server optimiser is declared: its name, its options as a schema with every default
// filled in, and what is made of them. The rooms that hold them list them in registries.

import { closest } from 'fastest-levenshtein';
import type { z } from 'zod';
import { expectedBy, foundBy } from './issue-words.ts';
import { type Refused, refuse } from './protocol/refusals.ts';

export interface Declaration<Options extends z.ZodObject, Made> {
  readonly name: string;
  /** A strict object. */
  readonly options: Options;
  make(options: z.output<Options>): Made;
}

/** A declaration whose options may be anything that a file or a command line holds. */
export interface Declared<Made> {
  readonly name: string;
  readonly optionNames: readonly string[];
  /** Refuses bad-option. */
  make(options: unknown): { readonly kind: 'made'; readonly made: Made } | Refused;
}

export function declare<Options extends z.ZodObject, Made>({
  name,
  options: schema,
  make,
}: Declaration<Options, Made>): Declared<Made> {
  const optionNames = Object.keys(schema.shape);
  return {
    name,
    optionNames,
    make(options) {
      const parsed = schema.safeParse(options, { reportInput: true });
      if (parsed.success) return { kind: 'made', made: make(parsed.data) };
      return misfit(name, optionNames, parsed.error);
    },
  };
}

function misfit(name: string, optionNames: readonly string[], { issues }: z.ZodError): Refused {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue?.code !== 'unrecognized_keys') {
    const place = issue?.path.join('.') || 'options';
    return refuse('bad-option', {
      expected: `${place} of ${name}: ${expectedBy(issue)}`,
      found: foundBy(issue),
    });
  }
  const found = issue.keys[0] ?? '';
  if (optionNames.length === 0) return refuse('bad-option', { expected: `no options of ${name}`, found });
  const hint = `did you mean "${closest(found, [...optionNames])}"?`;
  return refuse('bad-option', { expected: `options of ${name}: ${optionNames.join(', ')}`, found, hint });
}
