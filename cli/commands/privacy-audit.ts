// muster privacy audit: canaries through the mechanism that trains, and what an observer can tell of them beside what the
// accountant says. Ends with 3 where the two disagree.

import { Command } from 'commander';
import { SMALLEST_DELTA } from '../../shared/accounting/pld/pld.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { secureRandomSource, seededRandomSource } from '../../shared/random-source.ts';
import type { PrivacyAudit } from '../../simulation/privacy-audit/run-audit.ts';
import { FailedCheckError } from '../failed-check.ts';
import { interruption } from '../interrupt.ts';
import { positiveNumber, probability, samplingRate, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, requireWritable, tell } from '../output.ts';
import { auditReport, auditText } from '../privacy/audit-report.ts';

interface Options {
  readonly noise: number;
  readonly rate: number;
  readonly steps: number;
  readonly delta: number;
  readonly canaries: number;
  readonly seed?: number;
  readonly json?: JsonTarget;
}

const MOST_STEPS = 100_000;
/** With fewer nothing can be told, with more the batches do not fit into memory. */
const CANARIES = [100, 20_000] as const;
/** Weights times what goes by weight in a step: a batch of examples, and noise that costs as much as so many. Seconds. */
const LONG_WORK = 2e8;
const NOISE_IN_EXAMPLES = 50;

export function privacyAuditCommand(): Command {
  return new Command('audit')
    .description('Put the mechanism that trains to the proof: what canaries in it betray, beside what epsilon allows.')
    .option('--noise <multiplier>', 'noise standard deviation over the clipping norm', positiveNumber('--noise'), 1)
    .option('--rate <q>', 'probability with which an example is in a batch', samplingRate('--rate'), 0.1)
    .option('--steps <n>', 'steps in all', wholeNumber('--steps', 1, MOST_STEPS), 100)
    .option('--delta <delta>', 'of both epsilons', probability('--delta', SMALLEST_DELTA), 1e-5)
    .option('--canaries <n>', 'in the run, and as many out of it', wholeNumber('--canaries', ...CANARIES), 2000)
    .option('--seed <n>', 'simulate all randomness, for the same result again', wholeNumber('--seed', 0))
    .option('--json [file]', 'the result as JSON, on stdout or in a file')
    .addHelpText('after', HELP)
    .action(async (options: Options) => await run(options));
}

const HELP = `
A canary is an example whose gradient nobody else's touches and clipping cuts to the clipping norm: the worst case of the
accountant. The observer sees every noised sum. The audit fails, with exit code 3, where the distribution of what it
finds is not the accountant's (p at most 0.01), or where it shows a larger epsilon than the accountant's.
The epsilon shown rests on counting and is far below the accountant's at a small --delta; it comes closer with more
--canaries or at a --delta of 0.01.`;

async function run({ noise, rate, steps, delta, canaries, seed, json }: Options): Promise<void> {
  await requireWritable(json);
  const { signal, dispose } = interruption();
  try {
    const options = { noiseMultiplier: noise, samplingRate: rate, steps, delta, canariesPerSide: canaries };
    const random = seed === undefined ? secureRandomSource() : seededRandomSource(seed, 'privacy-audit');
    // It brings TensorFlow.js: not for --help.
    const { runPrivacyAudit } = await import('../../simulation/privacy-audit/run-audit.ts');
    const work = steps * 2 * canaries * (NOISE_IN_EXAMPLES + rate * canaries);
    const onStep = work > LONG_WORK ? tellTenths(steps) : undefined;
    const audit = accepted<PrivacyAudit>(
      await runPrivacyAudit({ ...options, random, signal, ...(onStep && { onStep }) }),
    );
    await printResult(auditReport(audit, canaries, seed), auditText(audit, canaries, seed), json);
    if (audit.failures.length > 0) throw new FailedCheckError('the audit failed');
  } finally {
    dispose();
  }
}

function tellTenths(steps: number): (step: number) => void {
  return (step) => {
    if (Math.floor((10 * step) / steps) > Math.floor((10 * (step - 1)) / steps)) tell(`step ${step} of ${steps}`);
  };
}
