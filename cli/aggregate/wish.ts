// Which rule `muster aggregate` computes: what the flags say, else what the file says, with the steps in front of it and
// the seeds that they draw from.

import { isRefused, type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { PreAggregator } from '../../server/aggregation/pre/pre-aggregator.ts';
import { preAggregatorOf } from '../../server/aggregation/pre/pre-aggregators.ts';
import { withPre } from '../../server/aggregation/pre/with-pre.ts';
import type { AggregationRule } from '../../server/aggregation/rule.ts';
import { ruleNames, ruleOf } from '../../server/aggregation/rules.ts';
import type { RuleWish } from './input.ts';

type Options = Readonly<Record<string, unknown>>;

/**
 * Key by key, flags before the file. A rule named by a flag leaves behind the m and the options that the file gives to
 * another; a seed given by a flag takes the place of every seed in the file.
 */
export function mergedWish(file: RuleWish, flags: RuleWish): RuleWish {
  const isOtherRule = flags.rule !== undefined && file.rule !== undefined && flags.rule !== file.rule;
  const { m, options = {} }: RuleWish = isOtherRule ? {} : file;
  const keep = flags.seed === undefined ? <T extends Options>(given: T): T => given : withoutSeed;
  return {
    rule: flags.rule ?? file.rule,
    f: flags.f ?? file.f,
    m: flags.m ?? m,
    pre: flags.pre ?? file.pre?.map(({ name, ...rest }) => ({ name, ...keep(rest) })),
    options: { ...keep(options), ...flags.options },
    seed: flags.seed ?? file.seed,
  };
}

function withoutSeed(options: Options): Options {
  const { seed: _, ...rest } = options;
  return rest;
}

export interface ComposedRule {
  readonly kind: 'composed';
  /** With the steps in front of it. */
  readonly rule: AggregationRule;
  readonly name: string;
  readonly f: number;
  /** What the rule draws from; steps that draw have a seed of their own by now. */
  readonly seed: string | null;
  readonly reference: AggregationRule['assumes']['reference'];
}

/** Refuses unknown-rule, and bad-option for options and steps that do not fit and for seeds that are missing. */
export function composedRule({ rule: name, f = 0, m, pre = [], options = {}, seed }: RuleWish): ComposedRule | Refused {
  if (name === undefined) {
    const hint = 'add --rule NAME';
    return refuse('bad-option', { message: 'no rule is named', expected: ruleNames.join(', '), hint });
  }
  // One update averaged is what Krum is.
  const all = m === undefined || (name === 'krum' && m === 1) ? options : { ...options, m };
  const rule = seeded({ name, options: all, seed }, (own) => ruleOf({ name, options: own }));
  if (isRefused(rule)) return rule;
  const steps: PreAggregator[] = [];
  for (const [stage, { name: step, ...own }] of pre.entries()) {
    const made = seeded({ name: step, options: own, seed }, (settings) => preAggregatorOf({ ...settings, name: step }));
    if (isRefused(made)) return made;
    // As a round has it, where the seed is not the step's own: every stage draws something else.
    steps.push(drawingFrom('seed' in own ? made.seed : made.seed && `${made.seed}/${stage}`, made.made));
  }
  const { reference } = rule.made.assumes;
  return { kind: 'composed', rule: withPre(steps, rule.made), name, f, seed: rule.seed, reference };
}

interface Seedable {
  readonly name: string;
  readonly options: Options;
  /** Drawn from where the options hold no seed of their own. */
  readonly seed: number | undefined;
}

interface Seeded<Made> {
  readonly kind: 'seeded';
  readonly made: Made;
  /** Null where nothing is drawn. */
  readonly seed: string | null;
}

/** Refuses what `make` refuses, and bad-option for a seed that is missing or none. */
function seeded<Made extends AggregationRule | PreAggregator>(
  { name, options, seed }: Seedable,
  make: (options: Options) => { readonly kind: 'made'; readonly made: Made } | Refused,
): Seeded<Made> | Refused {
  const outcome = make(withoutSeed(options));
  if (isRefused(outcome)) return outcome;
  const { made } = outcome;
  if (!('assumes' in made ? made.assumes.draws : made.draws)) {
    // Where nothing is drawn a seed is an option like any other that is not known.
    const complaint = 'seed' in options ? make(options) : outcome;
    return isRefused(complaint) ? complaint : { kind: 'seeded', made, seed: null };
  }
  const own = options['seed'] ?? seed;
  if (typeof own === 'number' && Number.isSafeInteger(own) && own >= 0) return { kind: 'seeded', made, seed: `${own}` };
  const hint = 'add --seed N, or "seed" among its options; the same seed draws the same again';
  const found = own === undefined ? 'none' : JSON.stringify(own).slice(0, 64);
  return refuse('bad-option', { message: `${name} draws`, expected: 'a seed, a whole number from 0', found, hint });
}

const drawingFrom = (seed: string | null, step: PreAggregator): PreAggregator =>
  seed === null ? step : { ...step, draws: false, prepare: (input) => step.prepare({ ...input, seed }) };
