// The learning rate of every step of a round, which client and coordinator must agree on: the one trains with them, the
// other derives from them how much noise an update holds. In go the rate and its schedule, an expression of `step` (from
// 0), `steps` and `round` (from 1) by which it is multiplied; out come finite rates above 0, or a refusal: at a rate of
// 0 a step would leave no noise in the update, below it the step would undo what was learnt. Only a schedule loads mathjs.

import { loadCompiler } from './expressions/compile-expression.ts';
import { type Refused, refuse } from './protocol/refusals.ts';
import type { TrainingTerms } from './protocol/terms.ts';

export type ScheduledTraining = Pick<TrainingTerms, 'learningRate' | 'stepsPerRound' | 'learningRateSchedule'>;

export interface LearningRates {
  readonly kind: 'learning-rates';
  /** False: those of one round are those of all. */
  readonly dependOnRound: boolean;
  /** One for each step of the round. */
  of(round: number): Float64Array | Refused;
}

const SCHEDULE_FORM = { names: ['step', 'steps', 'round'], gives: 'number', example: '0.9 ^ step' } as const;

/** Refuses bad-config where the schedule is no expression; a rate that is no rate is refused once it is asked for. */
export async function learningRates(training: ScheduledTraining): Promise<LearningRates | Refused> {
  const { learningRate, stepsPerRound: steps, learningRateSchedule: schedule } = training;
  if (schedule === undefined) {
    const constant = new Float64Array(steps).fill(learningRate);
    return { kind: 'learning-rates', dependOnRound: false, of: () => constant };
  }
  const compile = await loadCompiler(SCHEDULE_FORM);
  const compiled = compile(schedule);
  if ('fault' in compiled) {
    return refuse('bad-config', {
      message: `the learning-rate schedule "${schedule}" cannot be used`,
      ...compiled.fault,
    });
  }
  const factorAt = (step: number, round: number): number =>
    Number(compiled.expression(new Map(Object.entries({ step, steps, round }))));
  return {
    kind: 'learning-rates',
    dependOnRound: /\bround\b/.test(schedule),
    of(round) {
      const rates = Float64Array.from({ length: steps }, (_, step) => learningRate * factorAt(step, round));
      const odd = rates.findIndex((rate) => !(rate > 0 && rate < Infinity));
      return odd < 0 ? rates : noRate(schedule, { step: odd, round, rate: rates[odd] ?? NaN });
    },
  };
}

function noRate(schedule: string, found: { step: number; round: number; rate: number }): Refused {
  return refuse('bad-config', {
    message: `the learning-rate schedule "${schedule}" gives a step without a learning rate`,
    expected: 'a finite learning rate above 0 at every step',
    found: `${found.rate} at step ${found.step} of round ${found.round}`,
    hint: 'step counts from 0 to steps - 1, round from 1',
  });
}
