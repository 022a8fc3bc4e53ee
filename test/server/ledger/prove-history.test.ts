import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type History, proveHistory } from '../../../server/ledger/prove-history.ts';
import type { FederationStores } from '../../../server/storage/federation-stores.ts';
import { signingKeyFromSeed } from '../../../shared/ed25519.ts';
import { asFederationId, type Digest } from '../../../shared/ids.ts';
import { originOf, signCheckpoint, type TreeHead } from '../../../shared/ledger/checkpoint.ts';
import { entryHash } from '../../../shared/ledger/ledger-hash.ts';
import { verifyConsistency, verifyInclusion } from '../../../shared/ledger/merkle-proofs.ts';
import { type EntryProof, type LedgerProof, ledgerProofSchema } from '../../../shared/protocol/messages.ts';
import type { Refused } from '../../../shared/protocol/refusals.ts';
import { openFolder } from '../../support/data-folders.ts';
import * as facts from '../../support/federation-facts.ts';
import { codeOf } from '../../support/refusal-code.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { federation } = facts;
const [anna, ben] = [facts.clientAt(0), facts.clientAt(1)];

interface World {
  readonly stores: FederationStores;
  readonly history: History;
  readonly ask: (size: number, held: string | null, model?: Digest | null) => Promise<LedgerProof | Refused>;
  /** A note under the ledger's own key. */
  readonly sign: (head: TreeHead, origin?: string) => Promise<string>;
}

/** Founded, with `rounds` committed. */
async function world(rounds = 2): Promise<World> {
  const dir = temporaryFolder();
  const stores = (await openFolder(dir)).storeOf(federation);
  await facts.foundWithClients(stores);
  for (let round = 1; round <= rounds; round++) await facts.runRound(stores, round);
  const history = { federation, ledger: stores.ledger, models: stores.models };
  const key = await signingKeyFromSeed(readFileSync(join(dir, 'ledger-key'), 'utf8').trim());
  return {
    stores,
    history,
    ask: (size, held, model = null) => proveHistory({ federation, size, held, model }, anna, history),
    sign: (head, origin = originOf(federation)) => signCheckpoint(head, { ...key, origin }),
  };
}

async function newest({ ledger }: FederationStores): Promise<TreeHead & { readonly note: string }> {
  const head = await ledger.newest();
  if (!head) throw new Error('expected a head');
  return head;
}

/** As a client reads it: through the schema of the wire. */
function proved(outcome: LedgerProof | Refused): LedgerProof {
  expect(codeOf(outcome)).toBe('ledger-proof');
  return ledgerProofSchema.parse(outcome);
}

function entryUnder(head: TreeHead, entry: EntryProof | null): unknown {
  if (!entry) throw new Error('expected an entry');
  const { entry: text, index, proof } = entry;
  expect(verifyInclusion({ leaf: entryHash(text), index, ...head, proof })).toBe(true);
  return JSON.parse(text);
}

const disputesIn = async ({ ledger }: FederationStores): Promise<unknown[]> =>
  (await ledger.entries()).flatMap(({ event }) => (event.type === 'checkpoint-disputed' ? [event] : []));

describe('the history that a client is shown', () => {
  it('extends whichever earlier head it holds, up to whichever head it asks for', async () => {
    const { stores, ask } = await world(1);
    const heads = await stores.ledger.heads();
    for (const from of heads)
      for (const to of heads.filter(({ size }) => size >= from.size)) {
        const { consistency, recovered, model } = proved(await ask(to.size, from.note));
        expect(verifyConsistency({ from, to, proof: consistency ?? ['none'] })).toBe(true);
        expect([recovered, model]).toEqual([null, null]);
      }
    expect(await disputesIn(stores)).toEqual([]);
  });

  it('needs no proof for a client that holds nothing yet', async () => {
    const { stores, ask } = await world(1);
    const { size } = await newest(stores);
    expect(proved(await ask(size, null))).toMatchObject({ consistency: [] });
  });

  it('does not extend a head that is newer than the one asked for, and nobody disputes that', async () => {
    const { stores, ask } = await world(1);
    const { note } = await newest(stores);
    expect(proved(await ask(1, note)).consistency).toBeNull();
    expect(await disputesIn(stores)).toEqual([]);
  });

  it('is shown of sizes that were signed, and of no other', async () => {
    const { stores, ask } = await world(1);
    const sizes = new Set((await stores.ledger.heads()).map(({ size }) => size));
    const { size: last } = await newest(stores);
    for (let size = 0; size <= last + 2; size++)
      expect([size, codeOf(await ask(size, null))]).toEqual([
        size,
        sizes.has(size) ? 'ledger-proof' : 'unknown-checkpoint',
      ]);
    // The round was committed with four entries in one transaction: three sizes before it were never signed.
    expect(sizes.has(last - 1)).toBe(false);
    for (const size of [2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER])
      expect(await ask(size, null)).toMatchObject({ refusal: { code: 'unknown-checkpoint', found: `size ${size}` } });
  });
});

describe('a committed model', () => {
  it('is proved by the entry that committed it, the initial one by the founding', async () => {
    const { stores, ask } = await world(2);
    const head = await newest(stores);
    for (const round of [0, 1, 2]) {
      const { model } = proved(await ask(head.size, null, facts.modelOf(round)));
      expect(entryUnder(head, model)).toMatchObject({
        type: round === 0 ? 'federation-founded' : 'round-committed',
        model: facts.modelOf(round),
        ...(round === 0 ? {} : { round }),
      });
    }
  });

  it('is not proved under a head that is older than its commit, nor when nobody committed it', async () => {
    const { stores, ask } = await world(1);
    const { size } = await newest(stores);
    await facts.runRound(stores, 2);
    expect(proved(await ask(size, null, facts.modelOf(1))).model).not.toBeNull();
    expect(proved(await ask(size, null, facts.modelOf(2))).model).toBeNull();
    const { size: now } = await newest(stores);
    expect(proved(await ask(now, null, facts.digest('a model of nobody'))).model).toBeNull();
  });

  it('that was committed twice is proved by the last commit under the head that is asked for', async () => {
    const { stores, ask } = await world(0);
    await stores.rounds.offer(facts.offered(1), facts.offer(1));
    const record = { ...facts.record(1), model: facts.modelOf(0) };
    const version = { ...facts.version(1), digest: facts.modelOf(0) };
    const model = facts.modelOf(0);
    const events = facts
      .commitEvents(1)
      .map((event) => (event.type === 'round-committed' ? { ...event, model } : event));
    await stores.rounds.commit(record, version, events);
    const head = await newest(stores);
    const { model: late } = proved(await ask(head.size, null, model));
    expect(entryUnder(head, late)).toMatchObject({ type: 'round-committed', round: 1, model });
    const before = await stores.ledger.headAt(1);
    if (!before) throw new Error('expected a head over the founding');
    const { model: early } = proved(await ask(1, null, model));
    expect(entryUnder(before, early)).toMatchObject({ type: 'federation-founded' });
  });
});

describe('a restored backup', () => {
  it('is shown with its entry, the newest of them, and only under heads that have it', async () => {
    const { stores, ask } = await world(1);
    const before = await newest(stores);
    await stores.ledger.append({ type: 'ledger-recovered', kept: 3, root: facts.digest('root') });
    await stores.ledger.append({ type: 'ledger-recovered', kept: before.size, root: before.root });
    const head = await newest(stores);
    const { recovered } = proved(await ask(head.size, before.note));
    expect(entryUnder(head, recovered)).toMatchObject({
      type: 'ledger-recovered',
      kept: before.size,
      root: before.root,
    });
    expect(proved(await ask(before.size, null)).recovered).toBeNull();
  });
});

describe('a checkpoint of the ledger’s own key that is not of its history', () => {
  const root = facts.digest('another history');

  it('is not extended, and goes onto the ledger as it was signed', async () => {
    const { stores, ask, sign } = await world(1);
    const { size } = await newest(stores);
    const held = await sign({ size: 3, root });
    expect(proved(await ask(size, held)).consistency).toBeNull();
    expect(await disputesIn(stores)).toEqual([{ type: 'checkpoint-disputed', client: anna, checkpoint: held }]);
  });

  it('goes there without the lines that others added to it', async () => {
    const { stores, ask, sign } = await world(1);
    const { size } = await newest(stores);
    const held = await sign({ size: 3, root });
    const stuffed = `${held}— free-text-of-a-client QUJDREVG\n`.replace('\n\n', '\n\n— more/of/it QUJDREVG\n');
    expect(proved(await ask(size, stuffed)).consistency).toBeNull();
    expect(await disputesIn(stores)).toEqual([{ type: 'checkpoint-disputed', client: anna, checkpoint: held }]);
  });

  it('is recorded once a client, whatever it holds and however often or at once it comes', async () => {
    const { stores, history, ask, sign } = await world(1);
    const { size } = await newest(stores);
    const notes = await Promise.all([3, 4, 5, 3].map((held) => sign({ size: held, root })));
    await Promise.all(notes.map((held) => ask(size, held)));
    for (const held of notes) expect(proved(await ask(size, held)).consistency).toBeNull();
    expect(await disputesIn(stores)).toHaveLength(1);
    await proveHistory({ federation, size, held: notes[0] ?? null, model: null }, ben, history);
    expect(await disputesIn(stores)).toMatchObject([{ client: anna }, { client: ben }]);
  });

  it.each([
    ['a size that was never signed here', (size: number) => size - 1],
    ['a size beyond this history', (size: number) => size + 1000],
    ['a size beyond all that can be stored', () => 2 ** 40],
    ['an empty ledger', () => 0],
  ])('may be of %s', async (_, sizeFrom) => {
    const { stores, ask, sign } = await world(1);
    const { size } = await newest(stores);
    const held = await sign({ size: sizeFrom(size), root });
    expect(proved(await ask(size, held)).consistency).toBeNull();
    expect(await disputesIn(stores)).toMatchObject([{ checkpoint: held }]);
  });
});

describe('a note that proves nothing against this ledger', () => {
  it('is refused and recorded nowhere: forged, foreign or no note at all', async () => {
    const { stores, ask, sign } = await world(1);
    const { size, root, note } = await newest(stores);
    const stranger = await signingKeyFromSeed('5e'.repeat(32));
    const head = { size: 3, root: facts.digest('another history') };
    const origin = originOf(federation);
    const notes = [
      await signCheckpoint(head, { ...stranger, origin }),
      // Another's signature under the ledger's own name and key id.
      await signCheckpoint(head, { origin, publicKey: stores.ledger.publicKey, sign: (bytes) => stranger.sign(bytes) }),
      await sign({ size, root }, originOf(asFederationId('other'))),
      note.replace(`\n${size}\n`, `\n${size - 1}\n`),
      note.slice(0, note.indexOf('\n\n') + 1),
      '',
      'x'.repeat(5000),
    ];
    const rows = await stores.ledger.rows();
    for (const held of notes) expect([held, codeOf(await ask(size, held))]).toEqual([held, 'bad-checkpoint']);
    expect(await stores.ledger.rows()).toEqual(rows);
  });

  it('is not looked at where the size asked for was never signed', async () => {
    const { stores, ask, sign } = await world(1);
    const held = await sign({ size: 3, root: facts.digest('another history') });
    expect(codeOf(await ask(10 ** 6, held))).toBe('unknown-checkpoint');
    expect(await disputesIn(stores)).toEqual([]);
  });
});
