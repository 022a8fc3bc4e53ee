import { describe, expect, it } from 'vitest';
import { isNestedDeeper } from '../../../server/transport/nesting.ts';
import { fc } from '../../support/properties.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('the depth of JSON text', () => {
  it('is that of what it says, whatever stands in its strings and keys', () => {
    const brackets = fc.string({ unit: fc.constantFrom('[', '{', '}', ']', '"', '\\', 'a') });
    const values = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        brackets,
        fc.integer(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(brackets, tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    fc.assert(
      fc.property(values, fc.nat({ max: 8 }), fc.constantFrom(undefined, 2), (value, depth, indent) => {
        expect(isNestedDeeper(JSON.stringify(value, null, indent), depth)).toBe(depthOf(value) > depth);
      }),
    );
  });

  it('is told without reading on, and without a stack', () => {
    expect(isNestedDeeper('['.repeat(200_000), 16)).toBe(true);
    expect(isNestedDeeper('{"a":'.repeat(200_000), 16)).toBe(true);
    expect(isNestedDeeper('[]'.repeat(200_000), 16)).toBe(false);
  });
});
