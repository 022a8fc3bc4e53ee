import { describe, expect, it } from 'vitest';
import { type ComplexArray, fourierTransform, ROUNDING_PER_LEVEL } from '../../../../shared/accounting/pld/fourier.ts';
import { InvariantError } from '../../../../shared/invariant-error.ts';
import { seededRandomSource } from '../../../../shared/random-source.ts';

function drawn(size: number): ComplexArray {
  const random = seededRandomSource(5, 'fourier', size);
  const values = (): Float64Array => Float64Array.from({ length: size }, () => random.uniform() - 0.5);
  return { re: values(), im: values() };
}

/** By its definition, in order. */
function naive({ re, im }: ComplexArray): readonly (readonly [number, number])[] {
  const size = re.length;
  return Array.from({ length: size }, (_, k) => {
    let [sumRe, sumIm] = [0, 0];
    for (let j = 0; j < size; j++) {
      const angle = (-2 * Math.PI * ((j * k) % size)) / size;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      sumRe += (re[j] ?? NaN) * cos - (im[j] ?? NaN) * sin;
      sumIm += (re[j] ?? NaN) * sin + (im[j] ?? NaN) * cos;
    }
    return [sumRe, sumIm] as const;
  });
}

function reversedBits(k: number, levels: number): number {
  let reversed = 0;
  for (let level = 0; level < levels; level++) reversed = 2 * reversed + (Math.floor(k / 2 ** level) % 2);
  return reversed;
}

const sumOfSizes = ({ re, im }: ComplexArray): number => re.reduce((sum, x, i) => sum + Math.hypot(x, im[i] ?? NaN), 0);

describe('the Fourier transform', () => {
  it.each([2, 4, 8, 64, 1024])('of %d numbers is the sum that defines it, in bit-reversed order', (size) => {
    const values = drawn(size);
    const expected = naive(values);
    const transform = fourierTransform(size);
    const allowed = ROUNDING_PER_LEVEL * transform.levels * sumOfSizes(values) + size * 1e-16 * sumOfSizes(values);
    transform.forward(values);
    expected.forEach(([re, im], k) => {
      const at = reversedBits(k, transform.levels);
      expect(Math.hypot((values.re[at] ?? NaN) - re, (values.im[at] ?? NaN) - im)).toBeLessThanOrEqual(allowed);
    });
  });

  it('comes back to what went in', () => {
    const values = drawn(4096);
    const before = { re: values.re.slice(), im: values.im.slice() };
    const transform = fourierTransform(4096);
    transform.forward(values);
    transform.inverse(values);
    values.re.forEach((re, i) => expect(re).toBeCloseTo(before.re[i] ?? NaN, 13));
    values.im.forEach((im, i) => expect(im).toBeCloseTo(before.im[i] ?? NaN, 13));
  });

  it.each([0, 1, 3, 12, -2, 2.5, NaN])('throws for a size of %d', (size) => {
    expect(() => fourierTransform(size)).toThrow(InvariantError);
  });
});
