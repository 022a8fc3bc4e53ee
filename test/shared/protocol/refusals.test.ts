import { describe, expect, it } from 'vitest';
import { isRefusalCode, isRefused, refusalCatalogue, refuse, RefusedError } from '../../../shared/protocol/refusals.ts';

const kinds = Object.entries(refusalCatalogue);

describe('the catalogue of refusals', () => {
  it.each(kinds)('describes %s in one line, with an HTTP status that says error', (code, kind) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(kind.meaning).toMatch(/^\S.*[^.\s]$/);
    expect(kind.httpStatus).toBeGreaterThanOrEqual(400);
    expect(kind.httpStatus).toBeLessThan(600);
  });

  it('gives no two codes one meaning', () => {
    expect(new Set(kinds.map(([, kind]) => kind.meaning)).size).toBe(kinds.length);
  });

  it('knows its codes, and nothing that every object has', () => {
    expect(kinds.every(([code]) => isRefusalCode(code))).toBe(true);
    for (const text of ['', 'toString', '__proto__', 'constructor', 'Banned']) expect(isRefusalCode(text)).toBe(false);
  });
});

describe('a refusal', () => {
  it('says what the catalogue says unless told better', () => {
    const plain = refuse('bad-shape');
    expect(plain).toEqual({
      kind: 'refused',
      refusal: { code: 'bad-shape', message: refusalCatalogue['bad-shape'].meaning },
    });
    expect(refuse('bad-shape', { message: 'tensor w' }).refusal.message).toBe('tensor w');
  });

  it('carries expected, found and hint, and keeps its code whatever the facts hold', () => {
    const facts = { expected: '[784,10]', found: '[784,12]', hint: 'train from the offered model' };
    expect(refuse('bad-shape', facts).refusal).toMatchObject({ code: 'bad-shape', ...facts });
    const smuggled = { ...facts, code: 'banned' };
    expect(refuse('bad-shape', smuggled).refusal.code).toBe('bad-shape');
  });

  it('is told apart from any other outcome', () => {
    expect(isRefused(refuse('banned'))).toBe(true);
    expect(isRefused({ kind: 'decoded' })).toBe(false);
  });

  it('can be thrown without losing what it says', () => {
    const { refusal } = refuse('f-too-large', { expected: 'f <= 8', found: 'f = 9' });
    const thrown = new RefusedError(refusal);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).toMatchObject({ name: 'RefusedError', message: refusal.message, refusal });
  });
});
