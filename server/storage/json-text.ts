// A JSON column on its way out: text that parses and fits its schema, or the row is damaged and reading it throws.

import type { z } from 'zod';

export function fromJsonText<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  return schema.parse(JSON.parse(text));
}
