// What Opacus, dp_accounting, TensorFlow Privacy and papers publish for Poisson-sampled and full-participation Gaussians,
// by RDP: each row with the orders and the conversion that it was made with. Numbers are those of our own list; rows that
// are missing are of mechanisms that are not built here (trees, zCDP, substitution) or of the file of PLD.

import { describe, expect, it } from 'vitest';
import { type RdpOptions, rdpAccountantWith } from '../../../shared/accounting/rdp-accountant.ts';
import { sampledGaussian } from '../../../shared/accounting/privacy-event.ts';

const wholeFrom = (least: number, most: number): readonly number[] =>
  Array.from({ length: most - least + 1 }, (_, i) => least + i);

/** tensorflow_privacy's before 2022. */
const oldOrders = [1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 4.5, ...wholeFrom(5, 63), 128, 256, 512];

function epsilonBy(options: RdpOptions, steps: readonly ReturnType<typeof sampledGaussian>[], delta: number): number {
  return rdpAccountantWith(options).epsilon(steps, delta).epsilon;
}

describe('epsilon by RDP, improved conversion, default orders', () => {
  // Sources: 1 opacus accountants_test.py; 4, 5, 7, 8 tensorflow_privacy compute_dp_sgd_privacy_test.py; 11, 12 its
  // statements (3 decimals); 13-27 opacus prv_accountant.py's settings by its RDP. 9 and 10 by Opacus 1.6.0's
  // compute_rdp: dp_accounting's 3.2392676 and 22.6248601 sum absolute values of an alternating series.
  it.each([
    [1, 1.5, 0.04, 2250, 1e-5, 7.32911117143, 5e-10],
    [4, 1.3, 150 / 60000, 6000, 1e-5, 0.7242234026109595, 1e-12],
    [5, 1, 0.001, 30000, 1e-7, 1.4154988495444842, 1e-12],
    [7, 0.7, 1, 2, 1e-5, 10.8602036, 1e-8],
    [8, 0.35, 1, 2, 1e-5, 26.2880374, 1e-8],
    [9, 0.7, 0.01, 120, 1e-5, 3.2391921939102066, 1e-10],
    [11, 1, 0.0064, 782, 1e-6, 1.616, 5e-4],
    [12, 1, 1, 5, 1e-6, 13.376, 5e-4],
    [13, 0.8, 0.001, 100, 1e-6, 1.371067, 1e-6],
    [14, 1.5, 0.001, 100, 1e-6, 0.316136, 1e-6],
    [15, 3, 0.001, 100, 1e-6, 0.140379, 3e-6],
    [16, 0.8, 0.05, 100, 1e-6, 7.662756, 1e-7],
    [17, 1.5, 0.05, 100, 1e-6, 2.154185, 1e-6],
    [18, 2, 0.2, 100, 1e-6, 6.122819, 1e-7],
    [19, 0.8, 0.2, 100, 1e-6, 26.4775, 1e-7],
    [21, 2, 0.05, 1000, 1e-6, 4.475501, 1e-7],
    [22, 0.8, 0.05, 1000, 1e-6, 21.136717, 1e-7],
    [23, 0.8, 0.001, 20000, 1e-6, 1.897196, 1e-6],
    [24, 3, 0.05, 20000, 1e-6, 14.815202, 1e-7],
    [26, 0.8, 0.001, 50000, 1e-6, 2.407468, 1e-6],
    [27, 3, 0.05, 50000, 1e-6, 26.336227, 1e-7],
    [37, 1, 0.01, 300, 1e-5, 1.451369, 1e-6],
    [45, 1.1, 256 / 60000, 14062, 1e-5, 2.5966, 2e-5],
  ])('is that of row %d: noise %d, rate %d, %d steps, delta %d', (_, noise, rate, steps, delta, theirs, precision) => {
    const found = epsilonBy({}, [sampledGaussian(noise, rate, steps)], delta);
    expect(Math.abs(found / theirs - 1)).toBeLessThan(precision);
  });

  it.each([
    ['1,000 examples, batch 32, 50 epochs', 1.1, 0.032, 1563, 1e-5, 7.6648],
    ['200 examples, batch 20, 30 epochs', 1, 0.1, 300, 1e-3, 10.3267],
    ['600 examples, batch 60, 20 epochs', 1.3, 0.1, 200, 1e-4, 6.0771],
    ['full participation', 5, 1, 100, 1e-5, 10.7255],
  ])('is Opacus’s for clients of the size of federated learning: %s', (_, noise, rate, steps, delta, theirs) => {
    expect(epsilonBy({}, [sampledGaussian(noise, rate, steps)], delta)).toBeCloseTo(theirs, 4);
  });

  it('is Opacus’s for two mechanisms one after the other', () => {
    const history = [sampledGaussian(1, 0.01, 1000), sampledGaussian(1.5, 0.02, 500)];
    expect(epsilonBy({}, history, 1e-5)).toBeCloseTo(2.561583, 6);
  });
});

describe('epsilon by RDP with the orders that a row names', () => {
  it('is that of row 6, an overflow test of tensorflow_privacy, to a relative 1e-9', () => {
    const found = epsilonBy({ orders: oldOrders }, [sampledGaussian(0.1, 1024 / 1e8, 976563)], 1e-7);
    expect(Math.abs(found / 5907982.3113819 - 1)).toBeLessThan(1e-9);
  });

  it('is 1 in row 33, orders 1 to 99.999 by thousandths (dp_accounting, rdp_privacy_accountant_test.py)', () => {
    const orders = Array.from({ length: 98_999 }, (_, i) => (1001 + i) / 1000);
    expect(epsilonBy({ orders }, [sampledGaussian(4.530877117, 1)], 1e-6)).toBeCloseTo(1, 7);
  });

  it('is that of row 36, two mechanisms at whole orders 2 to 32 (opacus analysis/rdp.py)', () => {
    const history = [sampledGaussian(1, 1e-5, 10), sampledGaussian(3, 1e-4, 4)];
    const bound = rdpAccountantWith({ orders: wholeFrom(2, 32) }).epsilon(history, 1e-5);
    expect(bound.epsilon).toBeCloseTo(0.336, 3);
    expect(bound.order).toBe(23);
  });

  it('is that of row 37, five orders (opacus compute_dp_sgd_privacy)', () => {
    const bound = rdpAccountantWith({ orders: [2, 5, 10, 20, 100] }).epsilon([sampledGaussian(1, 0.01, 300)], 1e-5);
    expect(bound.epsilon).toBeCloseTo(2.39, 2);
    expect(bound.order).toBe(5);
  });
});

describe('epsilon by RDP with the classic conversion', () => {
  // 42, 43 tensorflow_privacy compute_noise_from_budget_test.py; 44 Abadi et al. 2016; 45 tensorflow_privacy's tutorial.
  it.each([
    [42, 1.3, 0.0025, 6000, 1e-5, 0.941870567, 1e-9],
    [43, 1, 0.001, 30000, 1e-7, 1.70928734, 2e-9],
    [44, 4, 0.01, 10000, 1e-5, 1.2586, 3e-5],
    [45, 1.1, 256 / 60000, 14062, 1e-5, 3.0083, 1e-5],
  ])('is that of row %d: noise %d, rate %d, %d steps, delta %d', (_, noise, rate, steps, delta, theirs, precision) => {
    const found = epsilonBy({ conversion: 'classic' }, [sampledGaussian(noise, rate, steps)], delta);
    expect(Math.abs(found / theirs - 1)).toBeLessThan(precision);
  });
});
