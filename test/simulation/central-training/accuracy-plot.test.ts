import { describe, expect, it } from 'vitest';
import { accuracyPlot } from '../../../simulation/central-training/accuracy-plot.ts';
import type { CentralResult } from '../../../simulation/central-training/central-training.ts';
import { centralResult } from './central-result.ts';

/** What stands between an element's tags, such as text. */
const contents = (svg: string, element: string): string[] =>
  [...svg.matchAll(new RegExp(`<${element}[^>]*>([^<]*)</${element}>`, 'g'))].map(([, text = '']) => text);

/** Of each drawn path its points, in pixels. */
const paths = (svg: string): (readonly [number, number])[][] =>
  [...svg.matchAll(/ d="(M[^"Z]{20,})Z?"/g)].map(([, path = '']) =>
    [...path.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const),
  );

describe('the plot of a central training', () => {
  it('is one SVG that stands alone and names digits, delta and unit', async () => {
    const svg = await accuracyPlot(centralResult([3]));
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*<\/svg>\n$/s);
    expect(contents(svg, 'text')).toContain('8000 digits, delta 0.00001, one example added or removed');
    expect(svg).toContain('accuracy on test digits (%)');
  });

  it('has a line and a legend for each budget', async () => {
    const svg = await accuracyPlot(centralResult([1, 3, 8]));
    expect(contents(svg, 'text').filter((text) => text.startsWith('epsilon'))).toEqual([
      'epsilon 1: 90.0 % (88.0 to 92.0)',
      'epsilon 3: 90.0 % (88.0 to 92.0)',
      'epsilon 8: 90.0 % (88.0 to 92.0)',
    ]);
    const bands = paths(svg);
    expect(bands).toHaveLength(6);
  });

  it('draws the median within the band from the least to the most, epoch by epoch', async () => {
    const [band = [], line = []] = paths(await accuracyPlot(centralResult([3])));
    expect(line).toHaveLength(3);
    expect(band).toHaveLength(6);
    // From 0 % at the bottom of the frame to 100 % at its top.
    const percentAt = (y: number): number => (100 * (410 - y)) / (410 - 40);
    expect(line.map(([, y]) => Math.round(percentAt(y)))).toEqual([10, 70, 90]);
    expect(new Set(band.map(([, y]) => Math.round(percentAt(y))))).toEqual(new Set([8, 12, 68, 72, 88, 92]));
  });

  it('leaves the range out where there is one run', async () => {
    const { budgets, ...result } = centralResult([3]);
    const alone: CentralResult = {
      ...result,
      budgets: budgets.map((budget) => ({ ...budget, accuracy: { min: 0.9, median: 0.9, max: 0.9 } })),
    };
    expect(contents(await accuracyPlot(alone), 'text')).toContain('epsilon 3: 90.0 %');
  });
});
