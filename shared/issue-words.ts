// What a schema found amiss, in the words of a refusal: what was expected, and the value that was found in its place. The
// schema has to be asked with `reportInput`, as zod otherwise does not say what it found.

import type { z } from 'zod';

type Issue = z.core.$ZodIssue | undefined;

/** Without "Invalid input:" and what zod says of the type that it received. */
export const expectedBy = (issue: Issue): string =>
  issue?.message.replace(/^[A-Z][a-z ]*: expected (.*?)(?:, received .*)?$/, '$1') ?? '';

export const foundBy = (issue: Issue): string =>
  issue?.input === undefined ? 'none' : JSON.stringify(issue.input).slice(0, 64);
