import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { declare } from '../../shared/declare.ts';

const thing = declare({
  name: 'thing',
  options: z.strictObject({
    norm: z.number().positive(),
    kind: z.enum(['round', 'square']).default('round'),
    parts: z.int().max(3).default(1),
  }),
  make: (options) => options,
});

describe('options that are declared', () => {
  it('come out with every default filled in', () => {
    expect(thing.make({ norm: 2 })).toEqual({ kind: 'made', made: { norm: 2, kind: 'round', parts: 1 } });
  });

  it.each([
    [{}, 'norm of thing: number', 'none'],
    [{ norm: 0 }, 'norm of thing: number to be >0', '0'],
    [{ norm: 1, kind: 'oval' }, 'kind of thing: one of "round"|"square"', '"oval"'],
    [{ norm: 1, parts: 4 }, 'parts of thing: number to be <=3', '4'],
    [{ norm: 1, parts: 1.5 }, 'parts of thing: int', '1.5'],
    [7, 'options of thing: object', '7'],
  ])('are refused with what is expected where, and what was found: %j', (options, expected, found) => {
    expect(thing.make(options)).toMatchObject({ kind: 'refused', refusal: { code: 'bad-option', expected, found } });
  });

  it('are refused with the nearest name where one is not known', () => {
    const refusal = { code: 'bad-option', found: 'nrm', hint: 'did you mean "norm"?' };
    expect(thing.make({ norm: 1, nrm: 1 })).toMatchObject({ kind: 'refused', refusal });
  });
});
