// Cohorts with liars among them, for the tests of what is said of an aggregate: random and by the field's attacks.

import { seededRandomSource, standardNormals } from '../../../../shared/random-source.ts';

export interface Shape {
  readonly n: number;
  readonly f: number;
  readonly d: number;
}

type Rows = readonly (readonly number[])[];
type Drawn = (count: number) => readonly number[];

export const drawnFrom = (...labels: readonly (string | number)[]): Drawn => {
  const random = seededRandomSource(0, 'hostile-cohorts', ...labels);
  return (count) => [...standardNormals(random, count)];
};

const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const near = ({ n, d }: Shape, drawn: Drawn): Rows => times(n, () => drawn(d).map((value) => value + 1));

/** The first f of honest rows are replaced. */
const lying = (shape: Shape, drawn: Drawn, lie: (honest: readonly number[], liar: number) => readonly number[]): Rows =>
  near(shape, drawn).map((row, i) => (i < shape.f ? lie(row, i) : row));

const meanOf = (rows: Rows): readonly number[] =>
  (rows[0] ?? []).map((_, k) => rows.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / rows.length);

/** A little is enough (Baruch et al. 2019): the honest mean less 1.5 standard deviations by coordinate. */
function alie(shape: Shape, drawn: Drawn): Rows {
  const rows = near(shape, drawn);
  const honest = rows.slice(shape.f);
  const mean = meanOf(honest);
  const variance = meanOf(honest.map((row) => row.map((value, k) => (value - (mean[k] ?? NaN)) ** 2)));
  const lie = mean.map((value, k) => value - 1.5 * Math.sqrt(variance[k] ?? NaN));
  return rows.map((row, i) => (i < shape.f ? lie : row));
}

const cohortKinds: Readonly<Record<string, (shape: Shape, drawn: Drawn) => Rows>> = {
  honest: near,
  alie,
  'heterogeneous honest': (shape, drawn) => {
    const centres = times(4, () => drawn(shape.d).map((value) => 3 * value));
    return near(shape, drawn).map((row, i) => row.map((value, k) => value + (centres[i % 4]?.[k] ?? NaN)));
  },
  'colluding cluster': (shape, drawn) => {
    const target = drawn(shape.d).map((value) => 5 * value);
    return lying(shape, drawn, (row) => row.map((value, k) => (target[k] ?? NaN) + 0.01 * value));
  },
  'sign flips': (shape, drawn) => lying(shape, drawn, (row) => row.map((value) => -4 * value)),
  'scaled, each further': (shape, drawn) => lying(shape, drawn, (row, i) => row.map((value) => value * 10 ** (1 + i))),
  'far, each its own way': (shape, drawn) => lying(shape, drawn, (row) => row.map((value) => 30 * (value - 1))),
  'two camps': (shape, drawn) => near(shape, drawn).map((row, i) => row.map((value) => (i % 2 ? value : -value) + 1)),
  sparse: (shape, drawn) =>
    near(shape, drawn).map((row, i) => row.map((value, k) => ((i * 7 + k * 3) % 5 === 0 ? 100 * value * value : 0))),
};

export const kindNames: readonly string[] = Object.keys(cohortKinds);
export const hostileCohort = (kind: string, shape: Shape, ...labels: readonly (string | number)[]): Rows =>
  cohortKinds[kind]?.(shape, drawnFrom(kind, shape.n, shape.f, shape.d, ...labels)) ?? [];
