// From the text of an expression, such as an admin's rule or a learning-rate schedule, to a function of named figures.
// mathjs parses and compiles; what may stand in the tree is listed here, and everything else is refused: assignments,
// definitions, indexing, property access, strings, matrices, ranges, units, chained comparisons, products without a sign.
// Every node is checked against the sort, number or boolean, that its place asks for, so that what is accepted gives the
// sort that was asked for. mathjs knows no function but ours (operations.ts). Loaded by the first expression, mathjs'
// number-only build: half the memory of the whole.

import { closest } from 'fastest-levenshtein';
import type { ConstantNode, MathJsInstance, MathNode, SymbolNode } from 'mathjs';
import type { Refusal } from '../protocol/refusals.ts';
import { choose, functions, type Operation, operators, type Sort } from './operations.ts';

const MAX_CHARACTERS = 500;
const MAX_NODES = 100;
const MAX_DEPTH = 20;
const SPLIT = 'write a shorter one';

/** What is wrong with an expression: a refusal without its code. */
export type Fault = Pick<Refusal, 'expected' | 'found' | 'hint'>;

/**
 * Of the figures by name: a value of the sort asked for, null (it depends on a figure that was not measured) or NaN (it
 * failed).
 */
export type Expression = (figures: Map<string, number | null>) => unknown;

export interface ExpressionForm {
  /** The figures that it may name. */
  readonly names: readonly string[];
  /** What it gives. */
  readonly gives: Sort;
  /** What to write instead of what cannot be read, such as `normZ > 6`. */
  readonly example: string;
}

type Compile = (text: string) => { readonly expression: Expression } | { readonly fault: Fault };

export async function loadCompiler(form: ExpressionForm): Promise<Compile> {
  const { create, parseDependencies } = await import('mathjs/number');
  const math = create({ ...parseDependencies });
  const override = true;
  math.import({ choose }, { override });
  for (const [name, { of }] of [...operators, ...functions]) math.import({ [name]: of }, { override });
  return (text) => compile(text, form, math);
}

function compile(text: string, { names, gives, example }: ExpressionForm, math: MathJsInstance): ReturnType<Compile> {
  const unreadable = faultInText(text);
  if (unreadable) return { fault: unreadable };
  const tree = parsed(text, example, math);
  if ('fault' in tree) return tree;
  const fault = tooManyNodes(tree.root) ?? faultIn(tree.root, { sort: gives, depth: 1, names, math });
  if (fault) return { fault };
  const code = withoutConditionals(tree.root, math).compile();
  return { expression: (figures): unknown => code.evaluate(figures) };
}

function parsed(
  text: string,
  example: string,
  math: MathJsInstance,
): { readonly root: MathNode } | { readonly fault: Fault } {
  try {
    return { root: math.parse(text) };
  } catch (cause) {
    return { fault: { expected: 'an expression', found: String(cause), hint: `write one such as ${example}` } };
  }
}

function faultInText(text: string): Fault | undefined {
  if (text.length > MAX_CHARACTERS) {
    return { expected: `at most ${MAX_CHARACTERS} characters`, found: `${text.length}`, hint: SPLIT };
  }
  // mathjs reads "normL2 + 5%" as "normL2 + 5% of normL2" and leaves no trace of it in the tree.
  return text.includes('%') ? { expected: 'no percent sign', found: text, hint: 'write 0.05 for 5 %' } : undefined;
}

function tooManyNodes(tree: MathNode): Fault | undefined {
  const nodes = tree.filter(() => true).length;
  return nodes > MAX_NODES ? { expected: `at most ${MAX_NODES} parts`, found: `${nodes}`, hint: SPLIT } : undefined;
}

/** Where a node stands: the sort that is asked for, and the depth, the root's being 1. */
interface Place {
  readonly sort: Sort;
  readonly depth: number;
  readonly names: readonly string[];
  readonly math: MathJsInstance;
}

function faultIn(node: MathNode, place: Place): Fault | undefined {
  const { math, depth } = place;
  if (depth > MAX_DEPTH) return { expected: `at most ${MAX_DEPTH} levels`, found: node.toString(), hint: SPLIT };
  const inner = { ...place, depth: depth + 1 };
  if (math.isParenthesisNode(node)) return faultIn(node.content, inner);
  if (math.isConstantNode(node)) return faultInConstant(node, place);
  if (math.isSymbolNode(node)) return faultInName(node, place);
  if (math.isOperatorNode(node) && !node.implicit) return faultInCall(operators.get(node.fn), node, place);
  if (math.isFunctionNode(node) && math.isSymbolNode(node.fn)) return faultInFunction(node, node.fn.name, place);
  if (math.isConditionalNode(node)) {
    const { condition, trueExpr, falseExpr } = node;
    return faultIn(condition, { ...inner, sort: 'boolean' }) ?? faultIn(trueExpr, inner) ?? faultIn(falseExpr, inner);
  }
  return notAllowed(node);
}

/** Of an operator or function with its arguments; `operation` is undefined where it is none of ours. */
function faultInCall(operation: Operation | undefined, call: Call, place: Place): Fault | undefined {
  if (!operation) return notAllowed(call);
  const { takes, gives, arity } = operation;
  const [least, most] = arity;
  if (gives !== place.sort) return wrongSort(call, place.sort);
  if (call.args.length < least || call.args.length > most) {
    const expected = least === most ? `${least}` : `${least} or more`;
    return { expected: `arguments: ${expected}`, found: call.toString(), hint: 'log is the natural logarithm' };
  }
  for (const argument of call.args) {
    const fault = faultIn(argument, { ...place, sort: takes, depth: place.depth + 1 });
    if (fault) return fault;
  }
  return undefined;
}

type Call = MathNode & { readonly args: readonly MathNode[] };

function faultInFunction(call: Call, name: string, place: Place): Fault | undefined {
  const operation = functions.get(name);
  return operation ? faultInCall(operation, call, place) : unknownName(name, [...functions.keys()]);
}

function faultInName(node: SymbolNode, { sort, names }: Place): Fault | undefined {
  if (!names.includes(node.name)) return unknownName(node.name, names);
  return sort === 'number' ? undefined : wrongSort(node, sort);
}

function faultInConstant(node: ConstantNode, { sort }: Place): Fault | undefined {
  const value: unknown = node.value;
  if (typeof value === 'number' ? !Number.isFinite(value) : typeof value !== 'boolean') return notAllowed(node);
  return typeof value === sort ? undefined : wrongSort(node, sort);
}

const wrongSort = (node: MathNode, sort: Sort): Fault => ({
  expected: sort === 'number' ? 'a number' : 'a comparison, or true or false',
  found: node.toString(),
  hint: 'comparisons take numbers; and, or and not take comparisons, in brackets after not',
});

const notAllowed = (node: MathNode): Fault => ({
  expected: 'figures, finite numbers, + - * / ^, comparisons of two, and, or, not, ?:, and the listed functions',
  found: node.toString(),
  hint: `the functions are ${[...functions.keys()].join(', ')}; write every * and both halves of a < b and b < c`,
});

const unknownName = (name: string, names: readonly string[]): Fault => ({
  expected: `one of ${names.join(', ')}`,
  found: name,
  hint: `did you mean "${closest(name, names)}"?`,
});

/** mathjs takes an undecided condition for false: ours is left undecided. */
function withoutConditionals(tree: MathNode, math: MathJsInstance): MathNode {
  const inner = (node: MathNode): MathNode => withoutConditionals(node, math);
  return tree.transform((node) => {
    if (!math.isConditionalNode(node)) return node;
    const parts = [inner(node.condition), inner(node.trueExpr), inner(node.falseExpr)];
    return new math.FunctionNode(new math.SymbolNode('choose'), parts);
  });
}
