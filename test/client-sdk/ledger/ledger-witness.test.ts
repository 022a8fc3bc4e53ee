import { describe, expect, it } from 'vitest';
import type { AskLedger, LedgerQuestion } from '../../../client-sdk/ledger/ask-ledger.ts';
import { LedgerWitness, type WitnessOptions } from '../../../client-sdk/ledger/ledger-witness.ts';
import type { LedgerMemory } from '../../../client-sdk/participation/client-store.ts';
import { canonicalJson } from '../../../shared/canonical-json.ts';
import { asDigest, asFederationId } from '../../../shared/ids.ts';
import { InvariantError } from '../../../shared/invariant-error.ts';
import type { LedgerProof } from '../../../shared/protocol/messages.ts';
import { RefusedError } from '../../../shared/protocol/refusals.ts';
import { FakeLedger } from '../../support/fake-ledger.ts';
import { fc } from '../../support/properties.ts';

const federation = asFederationId('study');
const model = asDigest('ab'.repeat(32));
const second = asDigest('cd'.repeat(32));
const nothingToDrop = { dropSubmissionsExcept: () => Promise.resolve() };
/** Starts from `memory` and keeps nothing. */
const remembering = (memory: LedgerMemory | undefined): WitnessOptions['store'] => ({
  ...nothingToDrop,
  ledgerMemory: () => Promise.resolve(memory),
  writeLedgerMemory: () => Promise.resolve(),
});

/** Founded on `model`, with that many entries in all. */
async function ledgerOf(size: number): Promise<FakeLedger> {
  const ledger = await FakeLedger.found(model);
  while (ledger.size < size) await ledger.append({ type: 'verdict', round: ledger.size });
  return ledger;
}

interface World {
  readonly witness: LedgerWitness;
  /** Every write, in order. */
  readonly written: LedgerMemory[];
  /** How many writes there were each time that the updates of the past were dropped. */
  readonly dropped: number[];
  readonly asked: LedgerQuestion[];
  /** Asks the ledger that is there when it is asked. */
  readonly ask: AskLedger;
  ledger: FakeLedger;
  /** In place of the honest answer. */
  lie: (honest: LedgerProof, question: LedgerQuestion) => LedgerProof;
}

async function worldOf(ledger: FakeLedger, options: Partial<WitnessOptions> = {}): Promise<World> {
  const written: LedgerMemory[] = [];
  const dropped: number[] = [];
  const dropSubmissionsExcept = async (): Promise<void> => void (await Promise.resolve(dropped.push(written.length)));
  const store = {
    dropSubmissionsExcept,
    ledgerMemory: () => Promise.resolve(written.at(-1)),
    writeLedgerMemory: async (_of: unknown, memory: LedgerMemory) => void (await Promise.resolve(written.push(memory))),
  };
  const given = { federation, ledgerKey: ledger.publicKey, acceptRecovery: false, store, ...options };
  const world: World = {
    witness: await LedgerWitness.open(given),
    written,
    dropped,
    asked: [],
    ledger,
    lie: (honest) => honest,
    ask: async (question) => {
      world.asked.push(question);
      return await Promise.resolve(world.lie(world.ledger.prove({ federation, ...question }), question));
    },
  };
  return world;
}

/** Has taken the newest checkpoint. */
async function holding(size: number, options: Partial<WitnessOptions> = {}): Promise<World> {
  const world = await worldOf(await ledgerOf(size), options);
  await world.witness.take({ note: world.ledger.note, model }, world.ask);
  world.asked.length = 0;
  return world;
}

/** Takes whatever the ledger shows: `taken`, or the code of what it is refused with. */
async function show(world: World, note = world.ledger.note, of = model): Promise<string> {
  return await outcomeOf(world.witness.take({ note, model: of }, world.ask).then(() => 'taken'));
}

const outcomeOf = async (act: Promise<string>): Promise<string> =>
  await act.catch((fault: unknown) => {
    if (fault instanceof RefusedError) return fault.refusal.code;
    throw fault;
  });

describe('the first checkpoint', () => {
  it('is taken under the pinned key, with the proof of its model, and is durable', async () => {
    const world = await worldOf(await ledgerOf(5));
    expect(world.witness.checkpoint).toBeUndefined();
    expect(() => world.witness.head).toThrow(InvariantError);
    expect(await show(world)).toBe('taken');
    expect(world.asked).toEqual([{ size: 5, held: null, model }]);
    expect(world.witness.head).toEqual(world.ledger.head());
    expect(world.written).toEqual([
      { ledgerKey: world.ledger.publicKey, checkpoint: world.ledger.note, recovery: null, newestCommit: 0 },
    ]);
  });

  it('is refused under another key, of another ledger or with a broken signature, and nothing is asked', async () => {
    const world = await worldOf(await ledgerOf(5));
    const { note: others } = await FakeLedger.found(model, '2e'.repeat(32));
    const renamed = world.ledger.note.replaceAll('muster/study', 'muster/studx');
    for (const note of [others, renamed, world.ledger.note.replace('\n5\n', '\n6\n'), 'no note']) {
      expect(await show(world, note)).toBe('bad-checkpoint');
    }
    expect([world.asked, world.written, world.witness.checkpoint]).toEqual([[], [], undefined]);
  });

  it('is not held when it cannot be written', async () => {
    const broken = new Error('no space left on device');
    const store = {
      ...nothingToDrop,
      ledgerMemory: () => Promise.resolve(undefined),
      writeLedgerMemory: () => Promise.reject(broken),
    };
    const world = await worldOf(await ledgerOf(5), { store });
    await expect(show(world)).rejects.toBe(broken);
    expect(world.witness.checkpoint).toBeUndefined();
  });
});

describe('the ledger’s key', () => {
  it('is the invite’s, else the remembered one, else the first that is met', async () => {
    const ledger = await ledgerOf(3);
    const memory = { ledgerKey: ledger.publicKey, checkpoint: ledger.note, recovery: null, newestCommit: 0 };
    const store = remembering(memory);
    const other = 'ee'.repeat(32);
    for (const options of [
      { ledgerKey: ledger.publicKey },
      { ledgerKey: null, store },
      { ledgerKey: ledger.publicKey, store },
    ]) {
      const { witness } = await worldOf(ledger, options);
      expect(witness.meet(ledger.publicKey)).toBeUndefined();
      expect(witness.meet(other)?.refusal).toMatchObject({ code: 'bad-checkpoint', found: other });
    }
    const { witness } = await worldOf(ledger, { ledgerKey: null });
    expect([witness.ledgerKey, witness.meet(other), witness.ledgerKey]).toEqual([undefined, undefined, other]);
    expect(witness.meet(ledger.publicKey)?.refusal.code).toBe('bad-checkpoint');
  });

  it('of an invite that is not the remembered one is refused: it is another ledger', async () => {
    const world = await holding(3);
    const memory = world.written[0];
    const store = remembering(memory);
    const opening = LedgerWitness.open({ federation, ledgerKey: 'ee'.repeat(32), acceptRecovery: true, store });
    expect(await outcomeOf(opening.then(() => 'open'))).toBe('bad-checkpoint');
  });

  it('does not fit a damaged memory: it is not taken for an empty one', async () => {
    const { publicKey: ledgerKey } = await ledgerOf(3);
    const memory = { ledgerKey, checkpoint: 'damaged', recovery: null, newestCommit: 0 };
    const store = remembering(memory);
    const opening = LedgerWitness.open({ federation, ledgerKey: null, acceptRecovery: true, store });
    await expect(opening).rejects.toThrow(InvariantError);
  });
});

describe('a later checkpoint', () => {
  it('is taken when the history extends ours, whatever the sizes', async () => {
    const grown = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), grown, async (first, steps) => {
        const world = await holding(first);
        for (const step of steps) {
          for (let i = 0; i < step; i++) await world.ledger.append({ type: 'verdict', step });
          expect(await show(world)).toBe('taken');
          expect(world.witness.head).toEqual(world.ledger.head());
          expect(world.written.at(-1)?.checkpoint).toBe(world.ledger.note);
        }
      }),
      { seed: 7, numRuns: 15 },
    );
  });

  it('is refused when the history forks anywhere before ours, whatever its size; ours stays', async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(11), fc.nat(12));
    await fc.assert(
      fc.asyncProperty(sizes, async ([size, kept, more]) => {
        const world = await holding(size);
        const ours = world.ledger;
        // At least the founding stays, or its model could not be proven.
        world.ledger = await ours.fork(Math.min(kept, size - 1));
        for (let i = 0; i < more; i++) await world.ledger.append({ type: 'verdict', i });
        expect(await show(world)).toBe('ledger-rewritten');
        expect([world.witness.checkpoint, world.written]).toEqual([
          ours.note,
          [{ ledgerKey: ours.publicKey, checkpoint: ours.note, recovery: null, newestCommit: 0 }],
        ]);
      }),
      { seed: 7, numRuns: 25 },
    );
  });

  it('of a fork is refused with both notes and both heads in it', async () => {
    const world = await holding(6);
    const held = world.ledger.note;
    world.ledger = await world.ledger.fork(4);
    const { root } = world.ledger.head();
    await expect(world.witness.take({ note: world.ledger.note, model }, world.ask)).rejects.toMatchObject({
      refusal: { code: 'ledger-rewritten', expected: held, found: world.ledger.note },
      message: `the ledger shown (5 entries, root ${root}) does not extend the one seen before (6 entries, root ${world.witness.head.root})`,
    });
  });

  it('is refused when it is not proven, or proven for other trees', async () => {
    const world = await holding(6);
    for (let i = 0; i < 5; i++) await world.ledger.append({ type: 'verdict', i });
    const right = world.ledger.prove({ federation, size: 11, held: world.ledger.noteAt(6), model: null });
    const wrong = world.ledger.prove({ federation, size: 11, held: world.ledger.noteAt(7), model: null });
    for (const consistency of [null, [], wrong.consistency, right.consistency?.toReversed() ?? null]) {
      world.lie = (honest) => ({ ...honest, consistency });
      expect(await show(world)).toBe('ledger-rewritten');
    }
    world.lie = (honest) => honest;
    expect(await show(world)).toBe('taken');
  });

  it('shows the coordinator the checkpoint that it contradicts', async () => {
    for (const kept of [1, 5]) {
      const world = await holding(6);
      const held = world.ledger.note;
      world.ledger = await world.ledger.fork(kept);
      await show(world);
      expect(world.asked.at(-1)).toEqual({ size: kept + 1, held, model });
    }
  });

  it('that is only late, an earlier one of ours, changes nothing: no false alarm', async () => {
    const world = await holding(6);
    expect(await show(world, world.ledger.noteAt(4))).toBe('taken');
    expect([world.witness.head.size, world.written.length]).toEqual([6, 1]);
    await world.ledger.append({ type: 'round-committed', round: 1, model: second });
    expect(await show(world)).toBe('taken');
    expect(await show(world, world.ledger.noteAt(6), second)).toBe('taken');
    expect(world.witness.head.size).toBe(7);
  });

  it('that is the one held costs no question', async () => {
    const world = await holding(6);
    expect(await show(world)).toBe('taken');
    expect(world.asked).toEqual([]);
  });

  it('is taken up again from memory', async () => {
    const { written, ledger } = await holding(6);
    const [memory] = written;
    const store = remembering(memory);
    const world = await worldOf(ledger, { store, ledgerKey: null });
    expect(world.witness.head).toEqual(ledger.head());
    world.ledger = await ledger.fork(3);
    expect(await show(world)).toBe('ledger-rewritten');
  });
});

describe('a model', () => {
  it('is taken with the entry that committed it, by one question that proves the history too, one for each head', async () => {
    const world = await holding(4);
    const held = world.ledger.note;
    await world.ledger.append({ type: 'round-committed', round: 1, model: second });
    expect(await show(world, world.ledger.note, second)).toBe('taken');
    expect(world.asked).toEqual([{ size: 5, held, model: second }]);
    await world.ledger.append({ type: 'verdict', round: 2 });
    expect(await show(world, world.ledger.note, second)).toBe('taken');
    expect(world.asked[1]).toMatchObject({ size: 6, model: second });
    expect(await show(world, held, second)).toBe('taken');
    expect(world.asked[2]).toEqual({ size: 6, held, model: null });
    expect(await show(world, world.ledger.note, second)).toBe('taken');
    expect(world.asked).toHaveLength(3);
  });

  it('is refused where no entry committed it, and the checkpoint with it', async () => {
    const world = await holding(4);
    await world.ledger.append({ type: 'verdict', model: second });
    expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
    expect([world.witness.head.size, world.written.length]).toEqual([4, 1]);
    const first = await worldOf(await ledgerOf(3));
    expect(await show(first, first.ledger.note, second)).toBe('unproven-model');
    expect(first.written).toEqual([]);
  });

  it.each<[string, object]>([
    ['of another kind', { type: 'round-offered', model: second }],
    ['of another model', { type: 'round-committed', model }],
    ['of another federation', { type: 'round-committed', model: second, federation: 'other-study' }],
    ['without a model', { type: 'round-committed' }],
  ])('is not proven by an entry %s', async (_case, event) => {
    const world = await holding(4);
    await world.ledger.append({ type: 'x', ...event });
    world.lie = (honest) => ({ ...honest, model: world.ledger.entryProof(5, () => true) });
    expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
  });

  it('is not proven by an entry that is not in the history, or not at that place', async () => {
    const world = await holding(4);
    await world.ledger.append({ type: 'round-committed', model: second });
    const proof = world.ledger.entryProof(5, ({ event }) => event['model'] === second);
    if (!proof) throw new Error('expected a proof');
    const other = canonicalJson({ federation, type: 'round-committed', model: second });
    for (const lie of [
      { entry: other },
      { index: 3 },
      { proof: [] },
      { proof: proof.proof.toReversed() },
      { index: -1 },
    ]) {
      world.lie = (honest) => ({ ...honest, model: { ...proof, ...lie } });
      const changesNothing = 'proof' in lie && lie.proof.join() === proof.proof.join();
      if (!changesNothing) expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
    }
  });

  it.each([
    [
      'a text with two readings',
      `{"federation":"study","model":"${model}","model":"${second}","type":"round-committed"}`,
    ],
    ['another order of keys', `{"model":"${second}","federation":"study","type":"round-committed"}`],
    ['no JSON', 'round-committed'],
    ['JSON of endless depth', '['.repeat(8_000) + ']'.repeat(8_000)],
  ])('is not proven by %s', async (_case, text) => {
    const world = await holding(4);
    await world.ledger.appendText(text, { type: 'round-committed', model: second });
    expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
  });
});

describe('a model that was committed before one taken earlier', () => {
  const commit = (round: number, of = second) => ({ type: 'round-committed', round, model: of });

  /** Has taken `second`, committed at index 4 of 6 entries. */
  async function ahead(options: Partial<WitnessOptions> = {}): Promise<World> {
    const world = await holding(4, options);
    await world.ledger.append(commit(1));
    await world.ledger.append({ type: 'verdict' });
    expect(await show(world, world.ledger.note, second)).toBe('taken');
    world.asked.length = 0;
    return world;
  }

  /** The same client, started again. */
  async function again({ ledger, written }: World): Promise<World> {
    const memory = written.at(-1);
    return await worldOf(ledger, {
      store: {
        ...nothingToDrop,
        ledgerMemory: () => Promise.resolve(memory),
        writeLedgerMemory: () => Promise.resolve(),
      },
    });
  }

  it('is refused under the head held, an earlier and a later one, and nothing is taken or written', async () => {
    const world = await ahead();
    const { head } = world.witness;
    expect(await show(world)).toBe('unproven-model');
    for (const size of [1, 4, 5]) expect(await show(world, world.ledger.noteAt(size))).toBe('unproven-model');
    await world.ledger.append({ type: 'verdict' });
    expect(await show(world)).toBe('unproven-model');
    expect([world.witness.head, world.written.length]).toEqual([head, 2]);
    await expect(world.witness.take({ note: world.ledger.note, model }, world.ask)).rejects.toMatchObject({
      message: 'the model is older than one that the ledger has already shown to be committed',
      refusal: {
        expected: 'a model committed at index 4 of the ledger or later',
        found: `${model}, committed at index 0`,
      },
    });
  });

  it('is refused after a restart too, though its old commit is proven', async () => {
    const world = await again(await ahead());
    expect(await show(world)).toBe('unproven-model');
    expect(await show(world, world.ledger.noteAt(1))).toBe('unproven-model');
    expect(world.asked[0]).toMatchObject({ size: 6, model });
    expect(await show(world, world.ledger.note, second)).toBe('taken');
  });

  it('is refused after a restart where the newer one was shown under the very head that was held', async () => {
    const first = await worldOf(await ledgerOf(2));
    await first.ledger.append(commit(1));
    expect(await show(first)).toBe('taken');
    expect(await show(first, first.ledger.note, second)).toBe('taken');
    expect(first.written.map(({ newestCommit }) => newestCommit)).toEqual([0, 2]);
    expect(await show(await again(first))).toBe('unproven-model');
  });

  it('is not one that stays the base while rounds are abandoned: late notes of it are taken too', async () => {
    const world = await ahead();
    for (const round of [2, 3]) {
      await world.ledger.append({ type: 'round-abandoned', round });
      expect(await show(world, world.ledger.note, second)).toBe('taken');
    }
    for (const each of [world, await again(world)])
      for (const size of [2, 5, 7, 8]) expect(await show(each, each.ledger.noteAt(size), second)).toBe('taken');
    expect(world.witness.head.size).toBe(8);
  });

  it('is taken where it was committed anew: it is asked for again, and its newest commit counts from then on', async () => {
    const world = await ahead();
    await world.ledger.append(commit(2, model));
    expect(await show(world)).toBe('taken');
    expect(world.asked).toMatchObject([{ size: 7, model }]);
    expect(world.written.at(-1)?.newestCommit).toBe(6);
    expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
    const { ledger } = world;
    world.lie = (honest) => ({ ...honest, model: ledger.entryProof(1, () => true) });
    expect(await show(await again(world))).toBe('taken');
    const lied = await again(world);
    lied.lie = world.lie;
    expect(await show(lied, ledger.note)).toBe('unproven-model');
  });

  it('is never taken, whatever was committed in which order and is shown under whichever note', async () => {
    const models = ['ab', 'cd', 'ef'].map((byte) => asDigest(byte.repeat(32)));
    const shown = fc.record({ grow: fc.array(fc.nat(3), { maxLength: 3 }), of: fc.nat(2), back: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(fc.array(shown, { minLength: 1, maxLength: 8 }), async (steps) => {
        const world = await holding(1);
        // By place in the ledger; null where an entry commits nothing.
        const commits: (string | null)[] = [model];
        let newest = 0;
        for (const { grow, of, back } of steps) {
          for (const each of grow) {
            const made = models[each] ?? null;
            await world.ledger.append(made === null ? { type: 'verdict' } : commit(commits.length, made));
            commits.push(made);
          }
          const { size } = world.witness.head;
          const at = Math.max(1, commits.length - back);
          const index = commits.slice(0, Math.max(size, at)).findLastIndex((each) => each === models[of]);
          const isCurrent = index >= newest;
          expect(await show(world, world.ledger.noteAt(at), models[of])).toBe(isCurrent ? 'taken' : 'unproven-model');
          if (isCurrent) newest = index;
          expect(world.written.at(-1)?.newestCommit).toBe(newest);
        }
      }),
      { seed: 7, numRuns: 40 },
    );
  });

  it('is taken with a recovery that the owner accepts, and only then; from there on the restored history counts', async () => {
    const recovered = { type: 'ledger-recovered', kept: 3, root: 'ee'.repeat(32) };
    const refusing = await ahead();
    refusing.ledger = await refusing.ledger.fork(3, recovered);
    expect(await show(refusing)).toBe('ledger-rewritten');
    const world = await ahead({ acceptRecovery: true });
    await world.ledger.append(recovered);
    expect(await show(world)).toBe('unproven-model');
    world.ledger = await world.ledger.fork(3, { ...recovered, kept: 4 });
    expect(await show(world)).toBe('taken');
    expect(world.written.at(-1)?.newestCommit).toBe(0);
    expect(await show(world)).toBe('taken');
    await world.ledger.append(commit(1));
    expect(await show(world, world.ledger.note, second)).toBe('taken');
    expect(await show(world)).toBe('unproven-model');
  });
});

describe('a ledger that was restored from a backup', () => {
  const recovered = (kept: number) => ({ type: 'ledger-recovered', kept, root: 'ee'.repeat(32) });

  it.each([3, 5, 9])('is taken where the owner accepts that and the ledger says so, at %i entries', async (size) => {
    const world = await holding(6, { acceptRecovery: true });
    world.ledger = await world.ledger.fork(2, recovered(2));
    while (world.ledger.size < size) await world.ledger.append({ type: 'verdict' });
    expect(await show(world)).toBe('taken');
    expect([world.witness.head, world.written.at(-1)?.checkpoint]).toEqual([world.ledger.head(), world.ledger.note]);
  });

  it('takes along what was stated under the lost history, before the restored one is held, and nothing otherwise', async () => {
    const world = await holding(6, { acceptRecovery: true });
    await world.ledger.append({ type: 'verdict' });
    expect(await show(world)).toBe('taken');
    const [restored, silent] = [await world.ledger.fork(2, recovered(2)), await world.ledger.fork(2)];
    world.ledger = silent;
    expect(await show(world)).toBe('ledger-rewritten');
    world.ledger = restored;
    expect(await show(world, restored.note, second)).toBe('unproven-model');
    expect([world.dropped, world.written.length]).toEqual([[], 2]);
    expect(await show(world)).toBe('taken');
    expect([world.dropped, world.written.length]).toEqual([[2], 3]);
  });

  it('is refused where the owner has not said so', async () => {
    const world = await holding(6);
    world.ledger = await world.ledger.fork(2, recovered(2));
    expect(await show(world)).toBe('ledger-rewritten');
  });

  it.each<[string, object]>([
    ['does not say so', { type: 'verdict', kept: 2 }],
    ['speaks of another federation', { ...recovered(2), federation: 'other-study' }],
  ])('is refused where its entry %s', async (_case, event) => {
    const world = await holding(6, { acceptRecovery: true });
    world.ledger = await world.ledger.fork(2, { type: 'x', ...event });
    world.lie = (honest, { size }) => ({ ...honest, recovered: world.ledger.entryProof(size, () => true) });
    expect(await show(world)).toBe('ledger-rewritten');
  });

  it('is refused where its entry is one that the history held knows of: it excuses nothing twice', async () => {
    const world = await holding(6, { acceptRecovery: true });
    world.ledger = await world.ledger.fork(2, recovered(2));
    for (let i = 0; i < 3; i++) await world.ledger.append({ type: 'verdict', i });
    expect(await show(world)).toBe('taken');
    const restored = world.ledger;
    world.ledger = await restored.fork(4);
    expect(await show(world)).toBe('ledger-rewritten');
    world.ledger = await restored.fork(4, recovered(4));
    expect(await show(world)).toBe('taken');
    expect(new Set(world.written.map(({ recovery }) => recovery)).size).toBe(3);
  });

  it('is refused for an old entry that was only seen in a history that went on', async () => {
    const world = await holding(3, { acceptRecovery: true });
    await world.ledger.append(recovered(3));
    await world.ledger.append({ type: 'verdict' });
    expect(await show(world)).toBe('taken');
    world.ledger = await world.ledger.fork(4);
    expect(await show(world)).toBe('ledger-rewritten');
  });

  it('is refused where the entry is not in the history shown', async () => {
    const world = await holding(6, { acceptRecovery: true });
    const said = await world.ledger.fork(2, recovered(2));
    world.ledger = await world.ledger.fork(2);
    world.lie = (honest) => ({ ...honest, recovered: said.entryProof(3, () => true) });
    expect(await show(world)).toBe('ledger-rewritten');
  });

  it('has to prove its model anew: what was proven before is of another history', async () => {
    const world = await holding(4, { acceptRecovery: true });
    await world.ledger.append({ type: 'round-committed', round: 1, model: second });
    await show(world, world.ledger.note, second);
    world.ledger = await world.ledger.fork(3, recovered(3));
    expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
    expect(await show(world)).toBe('taken');
    expect(await show(world, world.ledger.note, second)).toBe('unproven-model');
  });
});

describe('another’s checkpoint', () => {
  const compare = async ({ witness, ask }: World, note: string): Promise<string> =>
    await outcomeOf(witness.compare(note, ask));

  it('is the same, extends ours or is behind it, proven in the direction that it takes', async () => {
    const world = await holding(4);
    for (let i = 0; i < 3; i++) await world.ledger.append({ type: 'verdict', i });
    const [held, theirs] = [world.ledger.noteAt(4), world.ledger.noteAt(7)];
    expect(await compare(world, held)).toBe('same');
    expect(world.asked).toEqual([]);
    expect(await compare(world, theirs)).toBe('extends');
    expect(world.asked[0]).toEqual({ size: 7, held, model: null });
    expect(await compare(world, world.ledger.noteAt(2))).toBe('behind');
    expect(world.asked[1]).toEqual({ size: 4, held: world.ledger.noteAt(2), model: null });
    expect(world.witness.checkpoint).toBe(held);
  });

  it('of a fork is told apart, whatever its size, with both notes as evidence', async () => {
    const world = await holding(6);
    for (const kept of [2, 5]) {
      const forked = await world.ledger.fork(kept);
      expect(await compare(world, forked.note)).toBe('ledger-rewritten');
      await forked.append({ type: 'verdict' });
      while (forked.size < 9) await forked.append({ type: 'verdict' });
      expect(await compare(world, forked.note)).toBe('ledger-rewritten');
      await expect(world.witness.compare(forked.note, world.ask)).rejects.toMatchObject({
        refusal: { expected: world.ledger.note, found: forked.note },
      });
    }
  });

  it('of the same size and another root is a fork whatever the coordinator would prove: it is not even asked', async () => {
    const world = await holding(6);
    world.lie = () => ({ kind: 'ledger-proof', consistency: [], recovered: null, model: null });
    expect(await compare(world, (await world.ledger.fork(5)).note)).toBe('ledger-rewritten');
    expect(world.asked).toEqual([]);
  });

  it('is refused where it is not of this ledger', async () => {
    const world = await holding(4);
    const other = await FakeLedger.found(model, '2e'.repeat(32));
    expect(await compare(world, other.note)).toBe('bad-checkpoint');
  });

  it('has nothing to be compared with before the first', async () => {
    const { witness, ask, ledger } = await worldOf(await ledgerOf(2));
    await expect(witness.compare(ledger.note, ask)).rejects.toThrow(InvariantError);
  });
});
