import { beforeAll, describe, expect, it } from 'vitest';
import { normL2 } from '../../shared/vector/vector.ts';
import type { AttackName } from '../../simulation/attacks.ts';
import { type Digits, loadDigits, splitDigits, takeDigits } from '../../simulation/digits.ts';
import { byzantineIndices, makePopulation, type PopulationOptions } from '../../simulation/population.ts';
import { simulatedTask } from './task.ts';

let digits: Digits;
beforeAll(async () => {
  digits = await loadDigits();
});

/** Of 400 digits, the demo's size. */
function fourShards(): readonly (readonly number[])[] {
  return splitDigits(digits, { clients: 20, seed: 1 }).shards.slice(0, 4);
}

function population(changes: Partial<PopulationOptions> = {}): ReturnType<typeof makePopulation> {
  const shards = fourShards();
  const options = {
    digits,
    shards,
    byzantine: 2,
    attack: 'label-flip',
    seed: 1,
    reproducible: true,
    run: 'federation',
  } as const;
  return makePopulation({ ...options, ...changes });
}

describe('who lies', () => {
  it('is drawn by the seed: as many as asked for, all different, ascending', () => {
    const draws = Array.from({ length: 40 }, (_, seed) => byzantineIndices({ clients: 20, byzantine: 4, seed }));
    for (const draw of draws) {
      expect([...new Set(draw)].sort((a, b) => a - b)).toEqual(draw);
      expect(draw).toHaveLength(4);
      expect(draw.every((index) => index >= 0 && index < 20)).toBe(true);
    }
    expect(byzantineIndices({ clients: 20, byzantine: 4, seed: 3 })).toEqual(draws[3]);
    expect(new Set(draws.map(String)).size).toBeGreaterThan(35);
    expect(new Set(draws.flat()).size).toBe(20);
  });

  it('is the same in the federation and in its twin, and nobody under attack none', () => {
    const liars = population().flatMap(({ byzantine, index }) => (byzantine ? [index] : []));
    expect(liars).toEqual(byzantineIndices({ clients: 4, byzantine: 2, seed: 1 }));
    expect(population({ run: 'twin' }).flatMap(({ byzantine, index }) => (byzantine ? [index] : []))).toEqual(liars);
    expect(population({ attack: 'none' }).some(({ byzantine }) => byzantine)).toBe(false);
  });
});

describe('a member', () => {
  it('holds the digits of its shard, with their true labels', () => {
    population().forEach(({ examples, index }) => {
      const { images, labels, count } = takeDigits(digits, fourShards()[index] ?? []);
      expect(count).toBe(400);
      expect(Buffer.from(examples.labels).equals(labels)).toBe(true);
      expect(Buffer.from(examples.images.buffer).equals(Buffer.from(images.buffer))).toBe(true);
    });
  });

  it('draws what no other member, run or round draws, and the same again when reproducible', async () => {
    const task = simulatedTask();
    const update = async (index: number, run: 'federation' | 'twin', round: number): Promise<string> =>
      String(await population({ attack: 'none', run })[index]?.trainer.train({ ...task, round }));
    const updates = [
      await update(0, 'federation', 1),
      await update(1, 'federation', 1),
      await update(0, 'twin', 1),
      await update(0, 'federation', 2),
    ];
    expect(new Set(updates).size).toBe(4);
    expect(await update(0, 'federation', 1)).toBe(updates[0]);
  });

  it('draws its own noise even over the same digits as another member', async () => {
    const [shard = []] = fourShards();
    const twins = population({ shards: [shard, shard], attack: 'none' });
    const updates = await Promise.all(twins.map(({ trainer }) => trainer.train(simulatedTask())));
    expect(updates[0]).not.toEqual(updates[1]);
  });

  it('never trains with seeded noise unless the run is reproducible', async () => {
    const { privacy } = simulatedTask();
    if (privacy.mode !== 'local') throw new Error('expected local privacy');
    // Known noise would be refused under terms that claim an epsilon.
    const claimed = simulatedTask({ privacy: { ...privacy, void: false } });
    const train = async (): Promise<Float32Array | undefined> =>
      population({ reproducible: false })[0]?.trainer.train(claimed);
    expect(await train()).not.toEqual(await train());
    await expect(population({ attack: 'none', reproducible: true })[0]?.trainer.train(claimed)).rejects.toThrow(/void/);
  });

  it('trains as its attack says: noiseless liars alone stay far below the norm of the noise', async () => {
    for (const { byzantine, trainer } of population({ attack: 'noiseless-flip' })) {
      const norm = normL2(await trainer.train(simulatedTask()));
      if (byzantine) expect(norm).toBeLessThan(10);
      else expect(norm).toBeGreaterThan(13);
    }
  });

  it('that flips labels sends the mirror image of its honest update: from zero weights all classes are alike', async () => {
    const task = simulatedTask({ privacy: { mode: 'none' } });
    const [liar] = byzantineIndices({ clients: 4, byzantine: 2, seed: 1 });
    const update = async (attack: AttackName): Promise<readonly number[]> => [
      ...((await population({ attack })[liar ?? NaN]?.trainer.train(task)) ?? []),
    ];
    const honest = await update('none');
    const mirrored = honest.map((_, i) => honest[i - (i % 10) + 9 - (i % 10)] ?? NaN);
    const sent = await update('label-flip');
    expect(normL2(Float32Array.from(sent))).toBeGreaterThan(1);
    expect(largestDifference(sent, mirrored)).toBeLessThan(1e-5);
    expect(largestDifference(sent, honest)).toBeGreaterThan(0.01);
  });
});

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
}
