// An admin's own rules over the figures of an update (figure-names.ts), as expressions: `normZ > 6 or cosineToMedian <
// -0.2`. In goes the federation file's list; out comes a judge, or a refusal that names the rule. A rule fires where it
// is true. Where it cannot be told because a figure was not measured it does not fire; where it fails (0/0 in a
// comparison that decides) it flags, whatever it was to do, so that nothing passes unseen and nobody is left out by a
// mistake. What may stand in an expression and how it is computed: shared/expressions.

import { type Expression, type Fault, loadCompiler } from '../../../shared/expressions/compile-expression.ts';
import { type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import { figureNames } from './figure-names.ts';

export interface AdminRule {
  /** Letters a to z, digits and hyphens, at most 40; on verdicts and the ledger. */
  readonly name: string;
  /** At most 500 characters. */
  readonly when: string;
  readonly action: 'flag' | 'quarantine';
}

export interface FiredRule {
  readonly name: string;
  readonly action: AdminRule['action'];
  /** Why the rule could not be evaluated; it flags then. */
  readonly failed?: string;
}

/** By the names of figure-names.ts; null: not measured. */
type Figures = Readonly<Record<string, number | null>>;

export interface AdminRules {
  readonly kind: 'admin-rules';
  /** The rules that fire, in their order. A figure that is missing counts as not measured. Never throws. */
  judge(figures: Figures): readonly FiredRule[];
}

const MAX_RULES = 50;
const NAME = /^[a-z0-9-]{1,40}$/;
const RULE_FORM = {
  names: Object.keys(figureNames),
  gives: 'boolean',
  example: 'normZ > 6 or cosineToMedian < -0.2',
} as const;

/** Refuses bad-config. Loads mathjs (tens of megabytes) where there is a rule. */
export async function parseAdminRules(rules: readonly AdminRule[]): Promise<AdminRules | Refused> {
  const unfit = faultInList(rules);
  if (unfit) return unfit;
  const compile = rules.length > 0 ? await loadCompiler(RULE_FORM) : undefined;
  const parsed: ParsedRule[] = [];
  for (const rule of rules) {
    const compiled = compile?.(rule.when);
    if (compiled && 'fault' in compiled) return refusedRule(rule.name, compiled.fault);
    if (compiled) parsed.push({ ...rule, condition: compiled.expression });
  }
  return { kind: 'admin-rules', judge: (figures) => parsed.flatMap((rule) => judgeBy(rule, figures) ?? []) };
}

interface ParsedRule extends AdminRule {
  readonly condition: Expression;
}

function faultInList(rules: readonly AdminRule[]): Refused | undefined {
  if (rules.length > MAX_RULES) {
    const message = 'the federation file holds too many admin rules';
    return refuse('bad-config', { message, expected: `at most ${MAX_RULES}`, found: `${rules.length}` });
  }
  const names = rules.map(({ name }) => name);
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined) return refusedRule(odd, { expected: 'a name of 1 to 40 of a-z, 0-9 and -', found: odd });
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice === undefined ? undefined : refusedRule(twice, { expected: 'distinct names', found: `${twice} twice` });
}

const refusedRule = (name: string, fault: Fault): Refused =>
  refuse('bad-config', { message: `the admin rule "${name}" cannot be used`, ...fault });

const NO_NUMBER = 'it compares with NaN: a figure is NaN, or a division 0/0, a root or a logarithm has no value';

function judgeBy({ name, action, condition }: ParsedRule, figures: Figures): FiredRule | undefined {
  try {
    const holds = condition(scopeOf(figures));
    if (holds === true) return { name, action };
    return holds === false || holds === null ? undefined : { name, action: 'flag', failed: NO_NUMBER };
  } catch (cause) {
    return { name, action: 'flag', failed: String(cause) };
  }
}

/** Every documented figure and nothing else. */
const scopeOf = (figures: Figures): Map<string, number | null> =>
  new Map(Object.keys(figureNames).map((name) => [name, figures[name] ?? null]));
