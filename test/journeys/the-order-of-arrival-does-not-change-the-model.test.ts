import { describe, expect, it } from 'vitest';
import type { Submission } from '../../client-sdk/participation/client-store.ts';
import type { RoundRecord } from '../../shared/protocol/round-record.ts';
import { seededRandomSource, shuffled } from '../../shared/random-source.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { startWorld } from '../support/journey-world.ts';

const CLIENTS = 8;
const indices = Array.from({ length: CLIENTS }, (_, index) => index + 1);

interface Arrival {
  readonly rule: { readonly name: string; readonly f: number; readonly pre?: readonly { readonly name: string }[] };
  /** Client indices in the order in which they join and send. */
  readonly order: readonly number[];
  /** By client index: updates of an earlier arrival, the same to the byte under a checkpoint of this ledger. */
  readonly known?: ReadonlyMap<number, Submission>;
  readonly memoryBudgetBytes?: number;
}

interface Outcome {
  readonly record: RoundRecord;
  readonly sent: ReadonlyMap<number, Submission>;
}

/** One coordinator of its own, one round: the same keys send in the given order, one after another. */
async function arrive({ rule, order, known, ...memory }: Arrival): Promise<Outcome> {
  await using world = await startWorld({ config: { rule }, cohort: { minimum: CLIENTS, size: CLIENTS }, ...memory });
  const sent = new Map<number, Submission>();
  const joined = new Map<number, Awaited<ReturnType<typeof world.rawClient>>>();
  for (const index of order) joined.set(index, await world.rawClient(index));
  for (const [index, raw] of joined) {
    const offer = await raw.nextOffer();
    const made = await raw.submission(formulaUpdate(world.terms, index, 1), offer);
    const { checkpoint } = made.envelope;
    const earlier = known?.get(index);
    const submission = earlier ? await raw.restated(earlier, { checkpoint }) : made;
    expect((await raw.upload(submission)).kind).toBe('receipt');
    sent.set(index, submission);
  }
  return { record: await world.record(1), sent };
}

/** What a round came to, apart from when. */
function essence({ model, baseModel, rule, aggregation, updates, stepNormL2, verdicts }: RoundRecord): object {
  return { model, baseModel, rule, aggregation, updates, stepNormL2, verdicts };
}

describe('the same updates in another order, and read from disk', () => {
  it.each([
    { name: 'multi-krum', f: 2 },
    { name: 'median', f: 2, pre: [{ name: 'nnm' }] },
    { name: 'mean', f: 0 },
  ])('give the same model digest, scores and verdicts under $name', async (rule) => {
    const first = await arrive({ rule, order: indices });
    expect(first.record.state).toBe('committed');
    const elsewhere = [
      { order: indices.toReversed() },
      { order: shuffled(seededRandomSource(5, 'order'), indices), memoryBudgetBytes: 1 },
    ];
    for (const arrival of elsewhere) {
      const again = await arrive({ rule, known: first.sent, ...arrival });
      expect(essence(again.record)).toEqual(essence(first.record));
    }
  });

  it('are not the same model when one value of one update differs', async () => {
    const rule = { name: 'mean', f: 0 };
    const { record, sent: before } = await arrive({ rule, order: indices });
    const known = new Map([...before].filter(([index]) => index !== 1));
    await using world = await startWorld({ config: { rule }, cohort: { minimum: CLIENTS, size: CLIENTS } });
    const clients = await Promise.all(indices.map((index) => world.rawClient(index)));
    for (const [i, raw] of clients.entries()) {
      const values = formulaUpdate(world.terms, i + 1, 1);
      const changed = await raw.submission(values.with(7, (values[7] ?? 0) + 0.25), await raw.nextOffer());
      const { checkpoint } = changed.envelope;
      const earlier = known.get(i + 1);
      const sent = earlier ? await raw.restated(earlier, { checkpoint }) : changed;
      expect((await raw.upload(sent)).kind).toBe('receipt');
    }
    expect((await world.record(1)).model).not.toBe(record.model);
  });
});
