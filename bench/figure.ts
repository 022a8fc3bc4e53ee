// The one form in which figures are printed: a JSON object a line. The ids are listed here and, with what they mean, in
// bench/README.md; a test compares the two.

import { arch, cpus } from 'node:os';

export const figureIds = [
  'demo-accuracy-min',
  'demo-accuracy-median',
  'demo-accuracy-max',
  'demo-twin-accuracy-max',
  'demo-epsilon',
  'demo-seconds-median',
  'demo-attacks-stopped',
  'demo-honest-refused',
  'demo-honest-noise-ratio-min',
  'demo-honest-noise-deficit-max',
  'krum-kernel-one-thread',
  'krum-kernel-two-threads',
  'krum-plain-javascript',
  'krum-pairs',
  'krum-pairs-over-kernel',
  'krum-cdist',
  'krum-cdist-over-kernel',
  'krum-gram',
  'krum-gram-over-kernel',
  'krum-close-latency',
  'krum-peak-memory',
  'coordinate-rule',
  'coordinate-rule-numpy',
  'coordinate-rule-numpy-over-ours',
  'aggregation-conformance',
  'anomaly-detected',
  'anomaly-false-alarms',
  'anomaly-false-bans',
  'anomaly-gates',
  'admission-updates-per-second',
  'admission-mb-per-second',
  'admission-baseline-mb-per-second',
  'admission-over-baseline',
  'accounting-epsilon',
  'accounting-epsilon-opacus',
  'accounting-epsilon-dp-accounting',
  'accounting-noise',
  'accounting-noise-opacus',
  'accounting-noise-dp-accounting',
  'privacy-kills-overspent',
  'private-step',
  'clipped-gradient-sum',
  'plain-step',
  'private-over-plain',
  'clipped-gradient-sum-over-plain',
  'central-accuracy',
  'central-accuracy-opacus',
  'central-accuracy-minus-opacus',
  'central-seconds-median',
] as const;
export type FigureId = (typeof figureIds)[number];

export type Unit = 'share' | 'points' | 'ms' | 's' | 'count' | 'ratio' | 'epsilon' | '1/s' | 'MB/s' | 'MB';
export type Context = Readonly<Record<string, string | number | readonly number[]>>;

export interface Figure {
  readonly figure: FigureId;
  /** Null where it could not be measured: `context.skipped` says why. */
  readonly value: number | null;
  readonly unit: Unit;
  readonly context: Context;
}

export type Print = (figure: Figure) => void;

/** Prints figures of one bench on stdout: with `json` an object a line with the machine it was measured on, else text. */
export function printer(bench: string, json: boolean): Print {
  const machine = { node: process.version, cpu: `${cpus()[0]?.model ?? arch()} x ${cpus().length}` };
  const asJson = ({ figure, value, unit, context }: Figure): string =>
    JSON.stringify({ bench, figure, value, unit, context: { ...context, ...machine } });
  const asText = ({ figure, value, unit, context }: Figure): string =>
    `${figure.padEnd(36)}${value === null ? `skipped: ${String(context['skipped'])}` : `${Number(value.toPrecision(5))} ${unit}`}`;
  return (figure) => void process.stdout.write(`${json ? asJson(figure) : asText(figure)}\n`);
}
