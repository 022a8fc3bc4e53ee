// What an expression may compute, and how. Every operation is ours and total: none throws, none reads anything
// but its arguments. A figure that was not measured is null and a number that does not exist (0/0, sqrt(-1)) is NaN.
// Both travel through arithmetic; a comparison with one is undecided, as null (unmeasured) or NaN (failed), and `and`,
// `or`, `not` and the conditional are Kleene's strong three-valued logic (Kleene 1952, section 64): decided where the
// decided sides suffice, so that "normZ > 6 or cosineToPrevious < 0" needs no cosine where normZ is 7.

export type Sort = 'number' | 'boolean';

/** Null: unmeasured. NaN: failed, also in place of a boolean. */
type Value = number | boolean | null;

export interface Operation {
  readonly takes: Sort;
  readonly gives: Sort;
  /** Fewest and most arguments. */
  readonly arity: readonly [number, number];
  readonly of: (...values: Value[]) => Value;
}

/** By mathjs' name of the operator's function. Comparisons are exact, without mathjs' tolerance. */
export const operators: ReadonlyMap<string, Operation> = new Map([
  ['unaryMinus', arithmetic([1, 1], (a) => -a)],
  ['add', arithmetic([2, 2], (a, b) => a + b)],
  ['subtract', arithmetic([2, 2], (a, b) => a - b)],
  ['multiply', arithmetic([2, 2], (a, b) => a * b)],
  ['divide', arithmetic([2, 2], (a, b) => a / b)],
  ['pow', arithmetic([2, 2], (a, b) => a ** b)],
  ['smaller', comparison((a, b) => a < b)],
  ['smallerEq', comparison((a, b) => a <= b)],
  ['larger', comparison((a, b) => a > b)],
  ['largerEq', comparison((a, b) => a >= b)],
  ['equal', comparison((a, b) => a === b)],
  ['unequal', comparison((a, b) => a !== b)],
  ['not', { takes: 'boolean', gives: 'boolean', arity: [1, 1], of: not }],
  ['and', { takes: 'boolean', gives: 'boolean', arity: [2, 2], of: and }],
  ['or', { takes: 'boolean', gives: 'boolean', arity: [2, 2], of: (a, b) => not(and(not(a), not(b))) }],
]);

export const functions: ReadonlyMap<string, Operation> = new Map([
  ['abs', arithmetic([1, 1], Math.abs)],
  ['sqrt', arithmetic([1, 1], Math.sqrt)],
  ['log', arithmetic([1, 1], Math.log)],
  ['exp', arithmetic([1, 1], Math.exp)],
  ['min', arithmetic([1, Infinity], Math.min)],
  ['max', arithmetic([1, Infinity], Math.max)],
  // Never undecided itself: asks whether its argument was measured.
  ['measured', { takes: 'number', gives: 'boolean', arity: [1, 1], of: (value) => value !== null }],
]);

/** The conditional, as a function: undecided where its condition is. */
export function choose(condition: Value, yes: Value, no: Value): Value {
  if (typeof condition !== 'boolean') return condition;
  return condition ? yes : no;
}

function not(value: Value): Value {
  return typeof value === 'boolean' ? !value : value;
}

/** False before failed, failed before unmeasured, unmeasured before true. */
function and(...values: Value[]): Value {
  if (values.includes(false)) return false;
  if (values.includes(NaN)) return NaN;
  return values.includes(null) ? null : true;
}

function arithmetic(arity: Operation['arity'], calculate: (...values: number[]) => number): Operation {
  const of = (...values: Value[]): Value => {
    const numbers = values.filter((value) => typeof value === 'number');
    return numbers.length < values.length ? null : calculate(...numbers);
  };
  return { takes: 'number', gives: 'number', arity, of };
}

function comparison(holds: (a: number, b: number) => boolean): Operation {
  const of = (a: Value, b: Value): Value => {
    if (typeof a !== 'number' || typeof b !== 'number') return null;
    return Number.isNaN(a) || Number.isNaN(b) ? NaN : holds(a, b);
  };
  return { takes: 'number', gives: 'boolean', arity: [2, 2], of };
}
