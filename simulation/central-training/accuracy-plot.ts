// The curves of a central training as one SVG file that stands alone: for each budget the median accuracy of its runs
// after every epoch, in a band from the least to the most.

import { median } from '../../shared/vector/vector.ts';
import type { CentralBudget, CentralResult } from './central-training.ts';

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';
/** All in pixels. The legend stands to the right of the frame. */
const FRAME = { width: 900, height: 440, marginTop: 40, marginRight: 230 };
const LEGEND = { left: 14, top: 6, line: 20 };

/** @throws Error where the libraries that draw, development dependencies, are not installed. */
export async function accuracyPlot(result: CentralResult): Promise<string> {
  const { Plot, document } = await drawing();
  const { budgets, judgedOn, delta, trained } = result;
  const points = budgets.flatMap(pointsOf);
  const { left: dx, top, line } = LEGEND;
  const legend = budgets.map((budget, place) =>
    Plot.text([legendText(budget)], {
      frameAnchor: 'top-right',
      textAnchor: 'start',
      dx,
      dy: top + line * place,
      fill: () => nameOf(budget),
      fontSize: 12,
    }),
  );
  // Of a type that only browsers have.
  const svg: unknown = Plot.plot({
    document,
    ...FRAME,
    height: Math.max(FRAME.height, 2 * FRAME.marginTop + line * budgets.length),
    style: { background: 'white' },
    x: { label: 'epoch' },
    y: { label: `accuracy on ${judgedOn} digits (%)`, domain: [0, 100], grid: true },
    color: { domain: budgets.map(nameOf), scheme: 'Observable10' },
    marks: [
      Plot.areaY(points, { x: 'epoch', y1: 'least', y2: 'most', fill: 'name', fillOpacity: 0.15 }),
      Plot.lineY(points, { x: 'epoch', y: 'median', stroke: 'name' }),
      Plot.text([`${trained} digits, delta ${delta}, one example added or removed`], {
        frameAnchor: 'top-right',
        dy: -24,
      }),
      ...legend,
    ],
  });
  return `${String(svg).replace('<svg ', `<svg xmlns="${SVG_NAMESPACE}" `)}\n`;
}

async function drawing(): Promise<{ Plot: typeof import('@observablehq/plot'); document: object }> {
  const absent = (cause: unknown): never => {
    const message = 'expected @observablehq/plot and linkedom (they draw), found none: run `npm ci` without --omit=dev';
    throw new Error(message, { cause });
  };
  const [Plot, { parseHTML }] = await Promise.all([
    import('@observablehq/plot').catch(absent),
    import('linkedom').catch(absent),
  ]);
  return { Plot, document: parseHTML('<html><body></body></html>').document };
}

interface CurveBand {
  readonly name: string;
  readonly epoch: number;
  /** All three in percent. */
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

const nameOf = ({ epsilon }: CentralBudget): string => `epsilon ${epsilon}`;

function legendText({ epsilon, accuracy: { min, median: middle, max } }: CentralBudget): string {
  const percent = (share: number): string => (100 * share).toFixed(1);
  const range = min === max ? '' : ` (${percent(min)} to ${percent(max)})`;
  return `epsilon ${epsilon}: ${percent(middle)} %${range}`;
}

/** All runs of a budget have their points at the same steps. */
function pointsOf(budget: CentralBudget): readonly CurveBand[] {
  const [first, ...others] = budget.runs.map(({ curve }) => curve);
  return (first ?? []).map(({ epoch, accuracy }, place) => {
    const percents = [accuracy, ...others.map((curve) => curve[place]?.accuracy ?? NaN)].map((share) => 100 * share);
    const band = { least: Math.min(...percents), median: median(percents), most: Math.max(...percents) };
    return { name: nameOf(budget), epoch, ...band };
  });
}
