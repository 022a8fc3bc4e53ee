// What muster privacy audit shows of an audit: the object of --json, and the same for people.

import { type PrivacyAudit, SIGNIFICANCE } from '../../simulation/privacy-audit/run-audit.ts';
import type { Fit } from '../../simulation/privacy-audit/kolmogorov-smirnov.ts';
import { percent, table } from '../text.ts';

/** Undefined: the system's secure generator. */
export type AuditSeed = number | undefined;

export function auditReport(audit: PrivacyAudit, canaries: number, seed: AuditSeed): object {
  const { event, delta, epsilon, errorBound, accountantVersion, inside, outside, pValue, lowerBound } = audit;
  const meaning = { accountant: 'pld', accountantVersion, adjacency: 'add-remove', unit: 'example', errorBound };
  const { failures, confidence } = audit;
  return {
    passed: failures.length === 0,
    failures,
    ...event,
    canaries,
    randomness: seed === undefined ? 'secure' : 'seeded',
    seed: seed ?? null,
    epsilon,
    delta,
    ...meaning,
    kolmogorovSmirnov: { pValue, significance: SIGNIFICANCE, inside, outside },
    lowerBound: { confidence, ...lowerBound },
  };
}

export function auditText(audit: PrivacyAudit, canaries: number, seed: AuditSeed): string {
  const { event, failures, inside, outside, pValue } = audit;
  const { noiseMultiplier, samplingRate, steps } = event;
  return [
    `The audit ${failures.length === 0 ? 'passed' : 'FAILED'}: ${steps} steps of noise ${noiseMultiplier} and rate ${samplingRate}, ${canaries} canaries in the run and as many out of it.`,
    '',
    `Losses observed against the accountant’s: p ${figure(pValue)}, ${failures.includes('distribution') ? 'NOT as predicted' : 'as predicted'} (Kolmogorov-Smirnov; fails at ${SIGNIFICANCE}).`,
    table(['', 'distance', 'p'], [row('canaries in the run', inside), row('canaries out of it', outside)]),
    '',
    ...boundText(audit),
    '',
    ...remarks(audit, seed),
  ].join('\n');
}

const row = (name: string, { distance, pValue }: Fit): readonly string[] => [name, figure(distance), figure(pValue)];

function boundText({
  epsilon,
  delta,
  accountantVersion,
  lowerBound,
  confidence,
  failures,
}: PrivacyAudit): readonly string[] {
  const { largestCertifiable } = lowerBound;
  const more = failures.includes('bound') ? ', which is MORE' : '';
  return [
    `Epsilon at delta ${delta} (one example added or removed): the accountant says at most ${figure(epsilon)} (${accountantVersion}),`,
    `the canaries show at least ${figure(lowerBound.epsilon)} with ${percent(confidence).trim()} confidence${more}: ${testText(lowerBound)}`,
    `So many canaries can show ${figure(largestCertifiable)} at most.`,
  ];
}

function testText({ threshold, hits, falseAlarms }: PrivacyAudit['lowerBound']): string {
  if (threshold === Infinity) return 'no test told them apart.';
  return `the best test named ${hits.successes} of ${hits.trials} rightly, ${falseAlarms.successes} of ${falseAlarms.trials} wrongly.`;
}

function remarks({ failures }: PrivacyAudit, seed: AuditSeed): readonly string[] {
  const simulated = `Seed ${seed} made batches and noise: sampling, clipping and the use of noise were audited, not the generator.`;
  return [failures.length === 0 ? LIMITS : AGAIN, ...(seed === undefined ? [] : [simulated])];
}

const AGAIN = 'A sound mechanism fails one audit in a hundred by chance: repeat a failed one, with fresh randomness.';
const LIMITS =
  'An audit that passed has found no fault where canaries can see one; it proves no privacy. Epsilon is the accountant’s.';

const figure = (value: number): string => (value === 0 ? '0' : value.toPrecision(4));
