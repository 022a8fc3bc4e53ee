import { describe, expect, it } from 'vitest';
import { SampledGaussian, type SampledGaussianOptions } from '../../../client-sdk/privacy/sampled-gaussian.ts';
import { pldEpsilon } from '../../../shared/accounting/pld/pld.ts';
import { accepted, isRefused } from '../../../shared/protocol/refusals.ts';
import { secureRandomSource, seededRandomSource } from '../../../shared/random-source.ts';
import { kolmogorovSmirnov } from '../../../simulation/privacy-audit/kolmogorov-smirnov.ts';
import {
  type AuditedMechanism,
  type AuditOptions,
  type PrivacyAudit,
  runPrivacyAudit,
} from '../../../simulation/privacy-audit/run-audit.ts';

const claim = { noiseMultiplier: 1, samplingRate: 0.1, steps: 60 };

async function audited(options: Partial<AuditOptions> & { readonly seed?: number }): Promise<PrivacyAudit> {
  const { seed = 1, ...others } = options;
  const random = seededRandomSource(seed, 'audit');
  const { signal } = new AbortController();
  const audit = await runPrivacyAudit({ ...claim, delta: 1e-5, canariesPerSide: 2000, random, signal, ...others });
  return accepted<PrivacyAudit>(audit);
}

/** Does other than it says. */
function claiming(claimed: SampledGaussianOptions, done: SampledGaussianOptions): AuditedMechanism {
  const { noiseMultiplier, samplingRate } = claimed;
  const mechanism = new SampledGaussian(done);
  return {
    step: (sumClipped) => mechanism.step(sumClipped),
    get event() {
      return { noiseMultiplier, samplingRate, steps: mechanism.event.steps };
    },
  };
}

const broken: readonly [string, (options: SampledGaussianOptions) => AuditedMechanism][] = [
  ['adds 0.8 of the noise', (o) => claiming(o, { ...o, noiseMultiplier: 0.8 * o.noiseMultiplier })],
  ['samples at 1.5 of the rate', (o) => claiming(o, { ...o, samplingRate: 1.5 * o.samplingRate })],
  [
    'adds 1.25 of the noise, and so less is learnt than could be',
    (o) => claiming(o, { ...o, noiseMultiplier: 1.25 * o.noiseMultiplier }),
  ],
  [
    'does not clip',
    (options) => {
      const mechanism = new SampledGaussian(options);
      return {
        step: (sumClipped) => mechanism.step((indices) => sumClipped(indices, Infinity)),
        get event() {
          return mechanism.event;
        },
      };
    },
  ],
  [
    'counts every other step',
    (options) => {
      const mechanism = new SampledGaussian(options);
      return {
        step: (sumClipped) => mechanism.step(sumClipped),
        get event() {
          return { ...mechanism.event, steps: Math.ceil(mechanism.event.steps / 2) };
        },
      };
    },
  ],
];

/** Deals the examples out instead of drawing them: each takes part in every other step. */
function dealing(options: SampledGaussianOptions): AuditedMechanism {
  const mechanism = new SampledGaussian({ ...options, samplingRate: 1 });
  return {
    step(sumClipped) {
      const turn = mechanism.event.steps % 2;
      return mechanism.step((indices, norm) =>
        sumClipped(
          indices.filter((i) => i % 2 === turn),
          norm,
        ),
      );
    },
    get event() {
      return { ...mechanism.event, samplingRate: options.samplingRate };
    },
  };
}

describe('the audit', () => {
  it.each([1, 2, 3, 4, 5])(
    'passes the mechanism that trains, and shows no more than its epsilon (seed %d)',
    async (seed) => {
      const audit = await audited({ seed });
      expect(audit.failures).toEqual([]);
      expect(audit.pValue).toBeGreaterThan(0.01);
      const neitherAsSmall = (1 - Math.min(audit.inside.pValue, audit.outside.pValue)) ** 2;
      expect(audit.pValue).toBeCloseTo(1 - neitherAsSmall, 12);
      expect(audit.event).toEqual(claim);
      expect(audit.epsilon).toBe(pldEpsilon([claim], 1e-5).epsilon);
      expect(audit.lowerBound.epsilon).toBeLessThanOrEqual(audit.epsilon);
      expect(audit.lowerBound.largestCertifiable).toBeCloseTo(4.8757, 4);
    },
  );

  it('fails it as often as it says: p-values are uniform over seeds', async () => {
    const few = { canariesPerSide: 300, steps: 4 };
    const pValues: number[] = [];
    for (let seed = 0; seed < 40; seed++) pValues.push((await audited({ ...few, seed })).pValue);
    expect(kolmogorovSmirnov(Float64Array.from(pValues), (p) => p).pValue).toBeGreaterThan(0.01);
  });

  it('passes it under secure randomness: fails once in 10,000 runs', async () => {
    const { pValue } = await audited({ random: secureRandomSource() });
    expect(pValue).toBeGreaterThan(1e-4);
  });

  it.each(broken)('fails a mechanism that %s', async (_what, mechanism) => {
    const { failures, pValue } = await audited({ mechanism });
    expect(failures).toContain('distribution');
    expect(pValue).toBeLessThan(1e-6);
  });

  it('fails a mechanism that deals batches out instead of drawing them', async () => {
    // Under more noise than this who takes part how often hardly shows.
    const clear = { noiseMultiplier: 0.4, samplingRate: 0.5, steps: 20 };
    const { failures, inside, outside } = await audited({ ...clear, mechanism: dealing });
    expect(failures).toContain('distribution');
    expect(inside.pValue).toBeLessThan(1e-4);
    expect(outside.pValue).toBeGreaterThan(0.01);
  });

  it('shows that a mechanism which does not clip is above its epsilon', async () => {
    const mechanism = broken.find(([what]) => what === 'does not clip')?.[1];
    const audit = await audited({ steps: 100, noiseMultiplier: 2, ...(mechanism && { mechanism }) });
    expect(audit.failures).toEqual(['distribution', 'bound']);
    expect(audit.lowerBound.epsilon).toBeGreaterThan(audit.epsilon);
  });

  it.each([
    ['full participation', { noiseMultiplier: 5, samplingRate: 1, steps: 8 }],
    ['one step', { noiseMultiplier: 1, samplingRate: 0.2, steps: 1 }],
    ['rare participation', { noiseMultiplier: 1.1, samplingRate: 0.02, steps: 100 }],
  ])('holds at %s', async (_what, event) => {
    const { failures, inside, outside } = await audited({ ...event, seed: 2 });
    expect(failures).toEqual([]);
    expect(Math.min(inside.pValue, outside.pValue)).toBeGreaterThan(0.005);
  });

  it('shows more than half of the accountant’s epsilon where there are canaries enough', async () => {
    const event = { noiseMultiplier: 1, samplingRate: 1, steps: 1 };
    const { epsilon, lowerBound } = await audited({ ...event, delta: 0.01, canariesPerSide: 10_000 });
    expect(lowerBound.epsilon).toBeLessThanOrEqual(epsilon);
    expect(lowerBound.epsilon).toBeGreaterThan(epsilon / 2);
  });

  it('is the same again from the same seed, and another from another', async () => {
    const few = { canariesPerSide: 200, steps: 5 };
    const [first, again, other] = [await audited(few), await audited(few), await audited({ ...few, seed: 2 })];
    expect(again).toEqual(first);
    expect(other.inside.distance).not.toBe(first.inside.distance);
  });

  it('tells of every step', async () => {
    const steps: number[] = [];
    await audited({ canariesPerSide: 100, steps: 4, onStep: (step) => steps.push(step) });
    expect(steps).toEqual([1, 2, 3, 4]);
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const onStep = (step: number): void => {
      if (step === 2) controller.abort(new Error('enough'));
    };
    await expect(audited({ canariesPerSide: 100, signal: controller.signal, onStep })).rejects.toThrow('enough');
  });

  it('is refused before the first step where nothing can be predicted', async () => {
    const { signal } = new AbortController();
    const mechanism = (): AuditedMechanism => {
      throw new Error('must not be asked');
    };
    const claimed = { ...claim, noiseMultiplier: 0.02, delta: 1e-5, canariesPerSide: 100 };
    const refused = await runPrivacyAudit({ ...claimed, random: secureRandomSource(), signal, mechanism });
    expect(isRefused(refused) && refused.refusal.code).toBe('bad-option');
  });
});
