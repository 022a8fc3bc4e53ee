import { describe, expect, it } from 'vitest';
import { initialModel, type InitialTensor } from '../../../server/model/initial-model.ts';

const kernel: InitialTensor = { name: 'dense/kernel', shape: [300, 40], initial: 'glorot-uniform' };
const bias: InitialTensor = { name: 'dense/bias', shape: [40], initial: 'zeros' };

describe('the initial model', () => {
  it('is the same for the same seed, whatever the order of its tensors, and another for another seed', () => {
    expect(initialModel([kernel, bias], 7)).toEqual(initialModel([bias, kernel], 7));
    expect(initialModel([kernel, bias], 7)).not.toEqual(initialModel([kernel, bias], 8));
  });

  it('lays tensors in canonical order: here the bias before the kernel', () => {
    const values = initialModel([kernel, bias], 7);
    expect(values).toHaveLength(12_040);
    expect(values.subarray(0, 40).every((value) => value === 0)).toBe(true);
    expect(values.subarray(40).filter((value) => value === 0)).toHaveLength(0);
  });

  it('draws kernels uniformly on Glorot’s interval', () => {
    const values = initialModel([kernel], 7);
    const limit = Math.sqrt(6 / 340);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    expect(most).toBeLessThanOrEqual(limit);
    expect(least).toBeGreaterThanOrEqual(-limit);
    // 12,000 draws reach within a thousandth of both ends and average within 5 standard errors of 0.
    expect(Math.min(most, -least)).toBeGreaterThan(0.999 * limit);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(average)).toBeLessThan((5 * limit) / Math.sqrt(3 * values.length));
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(variance / (limit ** 2 / 3)).toBeCloseTo(1, 1);
  });

  it('counts the receptive field of a convolution among its fans', () => {
    // Height 5, width 5, 8 channels in, 16 out: fans 200 and 400.
    const convolution: InitialTensor = { name: 'c', shape: [5, 5, 8, 16], initial: 'glorot-uniform' };
    const most = Math.max(...initialModel([convolution], 1).map(Math.abs));
    expect(most).toBeLessThanOrEqual(Math.sqrt(6 / 600));
    expect(most).toBeGreaterThan(0.99 * Math.sqrt(6 / 600));
  });

  it('draws each tensor from a stream of its own: one more leaves the others as they are', () => {
    const more: InitialTensor = { name: 'a/kernel', shape: [3, 3], initial: 'glorot-uniform' };
    expect(initialModel([kernel, more], 7).subarray(9)).toEqual(initialModel([kernel], 7));
    const twin = { ...more, name: 'b/kernel' };
    const twins = initialModel([more, twin], 7);
    expect(twins.subarray(0, 9)).not.toEqual(twins.subarray(9));
  });

  it('may hold scalars', () => {
    expect(initialModel([{ name: 'temperature', shape: [], initial: 'zeros' }], 1)).toEqual(new Float32Array(1));
  });
});
