// muster privacy: what releases cost in epsilon, the noise and the steps that a budget allows, and what a federation could
// run within it. Epsilon is always shown with delta, unit, adjacency and what computed it.

import { Command } from 'commander';
import { type Accountant, type AccountantName, type EpsilonBound } from '../../shared/accounting/accountant.ts';
import { accountants } from '../../shared/accounting/accountants.ts';
import { calibrateSteps } from '../../shared/accounting/calibrate.ts';
import { SMALLEST_DELTA } from '../../shared/accounting/pld/pld.ts';
import { sampledGaussian } from '../../shared/accounting/privacy-event.ts';
import { accepted, RefusedError, refuse } from '../../shared/protocol/refusals.ts';
import { misfit, oneOf, positiveNumber, probability, samplingRate, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult, tell } from '../output.ts';
import { noNoiseMeets, privacyPlan, type PrivacyPlanWish } from '../privacy/plan.ts';
import { pricedNoise, shownEpsilon } from '../privacy/price.ts';
import { epsilonText, planText } from '../privacy/text.ts';
import { privacyAuditCommand } from './privacy-audit.ts';
import { privacyTrainCommand } from './privacy-train.ts';

/** Numerical composition of more steps than this takes minutes, or memory that is not there. */
const MOST_STEPS = 2 ** 31;

interface Options {
  readonly accountant: AccountantName;
  readonly delta: number;
  readonly json?: JsonTarget;
}

interface Release {
  readonly noise: number;
  readonly rate: number;
  readonly steps: number;
}

export function privacyCommand(): Command {
  const privacy = new Command('privacy')
    .description('What differentially private training costs, and what a privacy budget allows.')
    .helpCommand(false)
    .addHelpText('after', HELP);
  for (const command of [epsilonCommand(), noiseCommand(), stepsCommand(), planCommand()]) privacy.addCommand(command);
  privacy.addCommand(privacyAuditCommand());
  privacy.addCommand(privacyTrainCommand());
  return privacy;
}

const HELP = `
Examples:
  muster privacy epsilon --noise 1.1 --rate 0.01 --steps 1000 --delta 1e-5
  muster privacy noise --epsilon 3 --rate 0.01 --steps 1000 --delta 1e-5
  muster privacy steps --epsilon 3 --noise 1.1 --rate 0.01 --delta 1e-5
  muster privacy plan --examples 400 --rounds 15 --epsilon 8 --delta 1e-4 --parameters 7850 --clients 20

Each step is a Poisson-subsampled Gaussian release: every example takes part with probability --rate, on its own, and the
noise has --noise times the clipping norm as its standard deviation. Neighbours differ by one example added or removed.
Accountants: pld, numerical composition and the tightest; rdp, what federations enforce; exact, for --rate 1 alone.`;

function epsilonCommand(): Command {
  return accounted('epsilon', 'The epsilon of a number of steps.', TIGHTEST_FIRST)
    .requiredOption(
      '--noise <multiplier>',
      'noise standard deviation over the clipping norm',
      positiveNumber('--noise'),
    )
    .requiredOption('--rate <q>', 'probability with which an example is in a batch', samplingRate('--rate'))
    .requiredOption('--steps <n>', 'steps in all', wholeNumber('--steps', 1, MOST_STEPS))
    .action(async ({ noise, rate, steps, delta, accountant: name, json }: Options & Release) => {
      const accountant = accountantFor(name, rate);
      const bound = accountant.epsilon([sampledGaussian(noise, rate, steps)], delta);
      tellWarnings(bound);
      const shown = shownEpsilon(bound, delta, accountant);
      await printResult(shown, epsilonText(shown), json);
    });
}

function noiseCommand(): Command {
  return accounted('noise', 'The least noise multiplier that keeps within an epsilon, rounded up.', TIGHTEST_FIRST)
    .requiredOption('--epsilon <budget>', 'not to be passed', positiveNumber('--epsilon'))
    .requiredOption('--rate <q>', 'probability with which an example is in a batch', samplingRate('--rate'))
    .requiredOption('--steps <n>', 'steps in all', wholeNumber('--steps', 1, MOST_STEPS))
    .action(async ({ epsilon, rate, steps, delta, accountant: name, json }: Options & Release & Budget) => {
      const accountant = accountantFor(name, rate);
      const { noiseMultiplier, bound } = priced({ samplingRate: rate, steps, epsilon, delta }, accountant);
      tellWarnings(bound);
      const shown = { noiseMultiplier, ...shownEpsilon(bound, delta, accountant) };
      await printResult(shown, `noise multiplier ${noiseMultiplier}: ${epsilonText(shown)}`, json);
    });
}

interface Budget {
  readonly epsilon: number;
}

function priced(...given: Parameters<typeof pricedNoise>): ReturnType<typeof pricedNoise> {
  try {
    return pricedNoise(...given);
  } catch (fault) {
    throw new RefusedError(noNoiseMeets(fault).refusal);
  }
}

function stepsCommand(): Command {
  return accounted('steps', 'The most steps that keep within an epsilon.', TIGHTEST_FIRST)
    .requiredOption('--epsilon <budget>', 'not to be passed', positiveNumber('--epsilon'))
    .requiredOption(
      '--noise <multiplier>',
      'noise standard deviation over the clipping norm',
      positiveNumber('--noise'),
    )
    .requiredOption('--rate <q>', 'probability with which an example is in a batch', samplingRate('--rate'))
    .action(async ({ epsilon, noise, rate, delta, accountant: name, json }: Options & Release & Budget) => {
      const accountant = accountantFor(name, rate);
      const steps = calibrateSteps({ samplingRate: rate, noiseMultiplier: noise, epsilon, delta }, accountant);
      const bound = accountant.epsilon([sampledGaussian(noise, rate, steps)], delta);
      tellWarnings(bound);
      const shown = { steps, ...shownEpsilon(bound, delta, accountant) };
      await printResult(shown, `${steps} steps: ${epsilonText(shown)}`, json);
    });
}

function planCommand(): Command {
  return accounted('plan', 'Batches, steps and noise with which a federation keeps within an epsilon.', ENFORCED_FIRST)
    .requiredOption('--examples <n>', 'of one client', wholeNumber('--examples', 1))
    .requiredOption('--rounds <n>', 'of the federation', wholeNumber('--rounds', 1, MOST_ROUNDS))
    .requiredOption('--epsilon <budget>', 'of each client over all rounds', positiveNumber('--epsilon'))
    .option('--batch <n>', 'expected batch size (several are tried)', wholeNumber('--batch', 1))
    .option('--steps-per-round <n>', 'local steps (1 and 10)', wholeNumber('--steps-per-round', 1, MOST_STEPS_A_ROUND))
    .option('--clipping-norm <norm>', 'of each example’s gradient', positiveNumber('--clipping-norm'), 1)
    .option('--learning-rate <rate>', 'of local training', positiveNumber('--learning-rate'), 1)
    .option(
      '--parameters <d>',
      'values of the model: with --clients shows what a liar can do',
      wholeNumber('--parameters', 1),
    )
    .option('--clients <n>', 'of a cohort', wholeNumber('--clients', 2))
    .action(async ({ accountant: name, json, ...wish }: Options & PrivacyPlanWish) => {
      const accountant = accountants[name];
      requirePlannable(wish);
      const candidates = accepted(privacyPlan(wish, accountant));
      const meaning = {
        accountant: name,
        accountantVersion: accountant.version,
        adjacency: 'add-remove',
        unit: 'example',
      };
      await printResult({ ...withNulls(wish), ...meaning, candidates }, planText(wish, accountant, candidates), json);
    });
}

function tellWarnings({ warnings }: EpsilonBound): void {
  for (const warning of warnings) tell(`warning: ${warning}`);
}

/** Together far below the most steps. */
const MOST_ROUNDS = 1_000_000;
const MOST_STEPS_A_ROUND = 1000;

/** The first is the default. A plan is for federations, and holds several rates. */
const TIGHTEST_FIRST = ['pld', 'rdp', 'exact'] as const;
const ENFORCED_FIRST = ['rdp', 'pld'] as const;

function accounted(name: string, description: string, choices: readonly AccountantName[]): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--delta <delta>', 'well below 1 / number of examples', probability('--delta', SMALLEST_DELTA))
    .option('--accountant <name>', choices.join(', '), oneOf(choices, 'bad-option'), choices[0])
    .option('--json [file]', 'the result as JSON, on stdout or in a file');
}

/** @throws RefusedError where the accountant does not hold at that sampling rate. */
function accountantFor(name: AccountantName, rate: number): Accountant {
  const accountant = accountants[name];
  const complaint = accountant.complaint([sampledGaussian(1, rate)]);
  if (complaint === undefined) return accountant;
  const hint = 'pld is the tightest wherever examples are sampled';
  throw new RefusedError(refuse('bad-option', { message: complaint, found: `--accountant ${name}`, hint }).refusal);
}

/** @throws RefusedError for options that do not fit each other. */
function requirePlannable({ examples, batch, parameters, clients }: PrivacyPlanWish): void {
  if (batch !== undefined && batch > examples) {
    throw misfit('--batch', `at most the number of examples, ${examples}`, `${batch}`);
  }
  if ((parameters === undefined) !== (clients === undefined)) {
    const [given, missing] = clients === undefined ? ['--parameters', '--clients'] : ['--clients', '--parameters'];
    throw misfit(given, `${missing} with it: how far a liar can shift a model takes both`, `${given} alone`);
  }
}

/** Every key is there, so that a reader need not ask; batch and steps stand in the candidates. */
function withNulls(wish: PrivacyPlanWish): object {
  const { examples, rounds, epsilon, delta, clippingNorm, learningRate, parameters = null, clients = null } = wish;
  return { examples, rounds, epsilon, delta, clippingNorm, learningRate, parameters, clients };
}
