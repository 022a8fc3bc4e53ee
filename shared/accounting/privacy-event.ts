// Releases that cost privacy, described once and never changed (after dp_accounting's DpEvent): an accountant takes a
// history of them. What is stored and signed is always a sampled Gaussian; the others describe plans and programs, and
// `./compose-events.ts` reduces every one to sampled Gaussians. Adjacency: add/remove one example.

import { InvariantError } from '../invariant-error.ts';

/** `steps` releases of the Poisson-subsampled Gaussian mechanism, add/remove-one adjacency. */
export interface SampledGaussianEvent {
  /** Noise standard deviation in units of the L2 sensitivity; 0 means no noise, hence no privacy. */
  readonly noiseMultiplier: number;
  /** Probability with which each example takes part in a step. */
  readonly samplingRate: number;
  /** Number of steps, each with fresh noise and a fresh sample. */
  readonly steps: number;
}

/** One release over all examples. */
export interface GaussianEvent {
  readonly kind: 'gaussian';
  /** As in SampledGaussianEvent. */
  readonly noiseMultiplier: number;
}

/** Releases one after the other, each chosen in the knowledge of those before. */
export interface ComposedEvent {
  readonly kind: 'composed';
  readonly events: readonly PrivacyEvent[];
}

/** The same release `count` times, each with noise and a sample of its own. */
export interface CountedEvent {
  readonly kind: 'counted';
  readonly event: PrivacyEvent;
  readonly count: number;
}

export type PrivacyEvent = SampledGaussianEvent | GaussianEvent | ComposedEvent | CountedEvent;

export const gaussian = (noiseMultiplier: number): GaussianEvent =>
  Object.freeze({ kind: 'gaussian', noiseMultiplier } as const);

export const sampledGaussian = (noiseMultiplier: number, samplingRate: number, steps = 1): SampledGaussianEvent =>
  Object.freeze({ noiseMultiplier, samplingRate, steps });

export const composed = (...events: readonly PrivacyEvent[]): ComposedEvent =>
  Object.freeze({ kind: 'composed', events: Object.freeze([...events]) } as const);

export const counted = (event: PrivacyEvent, count: number): CountedEvent =>
  Object.freeze({ kind: 'counted', event, count } as const);

/** @throws InvariantError where a figure is outside its range: nothing may be charged for nonsense. */
export function requireSound({ noiseMultiplier, samplingRate, steps }: SampledGaussianEvent): void {
  if (!(noiseMultiplier >= 0 && noiseMultiplier < Infinity)) {
    throw new InvariantError(`expected a finite noise multiplier of at least 0, found ${noiseMultiplier}`);
  }
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    throw new InvariantError(`expected a sampling rate from 0 to 1, found ${samplingRate}`);
  }
  requireCount(steps, 'steps');
}

/** @throws InvariantError */
export function requireCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new InvariantError(`expected a whole number of ${what} of at least 0, found ${count}`);
}
