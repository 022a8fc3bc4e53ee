// Pre-aggregators in front of a rule are a rule again: what it says of itself holds for the updates as clients sent them,
// and what it found is told of them.

import { type Refused, isRefused } from '../../../shared/protocol/refusals.ts';
import type { Cohort, Mixture } from '../cohort.ts';
import { requireCohort } from '../require-cohort.ts';
import type { Aggregate, AggregationRule, Assumptions, RuleInput } from '../rule.ts';
import { kappaBehindArc } from './arc.ts';
import { weightsBefore } from './mixture.ts';
import { kappaBehindNnm } from './nnm.ts';
import type { PreAggregator, Prepared } from './pre-aggregator.ts';

/**
 * `pres` from left to right, then the rule over the image. Without any it is the rule itself.
 * A row is selected with the row of the image that is its home, and has its score. Its share is what it has of the shares
 * of the image's rows by its coefficients in them: its weight in a weighted mean, and for a rule by coordinates the share
 * of the coordinates in which its value was used, times its weight there. `m` and `neighbours` count rows of the image.
 * Each drawing stage draws from a seed of its own; the rule's seed is the one given, as without pre-aggregators.
 */
export function withPre(pres: readonly PreAggregator[], rule: AggregationRule): AggregationRule {
  if (pres.length === 0) return rule;
  const minimumCohort = (f: number): number => leastCohort(pres, rule, f);
  return {
    name: rule.name,
    variant: `${rule.variant}, after ${pres.map(({ name, variant }) => `${name} (${variant})`).join(', ')}`,
    pre: pres.map(({ name, variant }) => ({ name, variant })),
    minimumCohort,
    assumes: assumptions(pres, rule.assumes),
    async aggregate(input) {
      const tooSmall = requireCohort(input.cohort, minimumCohort(input.f));
      if (tooSmall) return tooSmall;
      const image = await prepared(pres, input);
      if (isRefused(image)) return image;
      const aggregate = await rule.aggregate({ ...input, cohort: image.cohort });
      return isRefused(aggregate) ? aggregate : ofRows(aggregate, image);
    },
  };
}

/** Every stage has its own least: the first n for which none falls short. More rows never leave fewer, so it is bisected. */
function leastCohort(pres: readonly PreAggregator[], rule: AggregationRule, f: number): number {
  let enough = 1;
  while (fallsShort(enough)) {
    enough *= 2;
    // Buckets of that size hold more updates than can be counted.
    if (enough > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  let short = Math.floor(enough / 2);
  while (enough - short > 1) {
    const between = Math.floor((short + enough) / 2);
    if (fallsShort(between)) short = between;
    else enough = between;
  }
  return enough;

  function fallsShort(given: number): boolean {
    let rows = given;
    for (const pre of pres) {
      if (rows < pre.minimumCohort(f)) return true;
      rows = pre.rowsAfter(rows);
    }
    return rows < rule.minimumCohort(f);
  }
}

function assumptions(pres: readonly PreAggregator[], assumes: Assumptions): Assumptions {
  return {
    robustness: robustnessBehind(pres, assumes.robustness),
    largestSpread: null,
    cost: `${assumes.cost} + n^2 d`,
    // Clipping to a ball expands no distance, and no norm beyond C.
    sensitivityL2: (n, f) => (pres.every(({ name }) => name === 'clip') ? assumes.sensitivityL2(n, f) : null),
    draws: assumes.draws || pres.some(({ draws }) => draws),
    reference: assumes.reference,
  };
}

type Robustness = Assumptions['robustness'];

/** Of NNM and ARC alone; each bound holds whatever rule comes after, so that the last stage is accounted for first. */
function robustnessBehind(pres: readonly PreAggregator[], robustness: Robustness): Robustness {
  return pres.reduceRight<Robustness>((after, { name }) => {
    if (after === null) return null;
    if (name === 'nnm')
      return {
        kappa: (n, f) => kappaBehindNnm(after.kappa(n, f), n, f),
        source: `${after.source}; behind NNM 8f/(n-f) (kappa + 1), Allouah et al. 2023 (arXiv 2302.01772)`,
      };
    if (name === 'arc')
      return {
        kappa: (n, f) => kappaBehindArc(after.kappa(n, f)),
        source: `${after.source}; behind ARC 3 kappa, Allouah et al. 2025 (arXiv 2405.14432)`,
      };
    return null;
  }, robustness);
}

interface Image {
  readonly cohort: Cohort;
  /** In the order of the stages. */
  readonly mixtures: readonly Mixture[];
  /** By row of the cohort given: its row of the image. */
  readonly home: readonly number[];
}

async function prepared(pres: readonly PreAggregator[], { cohort, f, seed }: RuleInput): Promise<Image | Refused> {
  let image: Image = { cohort, mixtures: [], home: [...Array(cohort.n).keys()] };
  for (const [stage, pre] of pres.entries()) {
    const outcome = await pre.prepare({
      cohort: image.cohort,
      f,
      seed: pre.draws && seed !== null ? `${seed}/${stage}` : null,
    });
    if (isRefused(outcome)) return outcome;
    image = next(image, outcome);
  }
  return image;
}

const next = ({ cohort, mixtures, home }: Image, { mixture, home: onward }: Prepared): Image => ({
  cohort: cohort.mixed(mixture),
  mixtures: [...mixtures, mixture],
  home: home.map((row) => onward[row] ?? NaN),
});

function ofRows(aggregate: Aggregate, { mixtures, home }: Image): Aggregate {
  const { selected, scores, shares } = aggregate;
  const chosen = new Set(selected);
  return {
    ...aggregate,
    selected: selected && [...home.keys()].filter((row) => chosen.has(home[row] ?? NaN)),
    scores: scores && Float64Array.from(home, (row) => scores[row] ?? NaN),
    shares: mixtures.reduceRight((weights, mixture) => weightsBefore(mixture, weights), shares),
  };
}
