import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../server/ledger/ledger-event.ts';
import { formulaUpdate } from '../support/formula-trainer.ts';
import { startWorld, verdictOf, type World } from '../support/journey-world.ts';
import { type Liar, lies, LIAR_INDEX } from '../support/lies.ts';
import type { RawClient } from '../support/raw-client.ts';

/** Honest clients that wait with their training, as many as Krum needs at f = 0, and one not bound to the truth. */
async function worldWithLiar(): Promise<World> {
  const config = { rule: { name: 'multi-krum', f: 0 } };
  return await startWorld({ clients: 3, held: true, config, cohort: { minimum: 4, size: 4 } });
}

async function liarIn(world: World): Promise<Liar> {
  const raw = await world.rawClient(LIAR_INDEX);
  const offer = await raw.nextOffer();
  return { raw, offer, good: await raw.submission(formulaUpdate(world.terms, LIAR_INDEX, offer.round), offer) };
}

/** Every refusal on the ledger: written down one by one, as a second statement, or only counted. */
function refusalsOf(events: readonly LedgerEvent[]): readonly { code: string; client: string | null }[] {
  return events.flatMap((event) => {
    if (event.type === 'refused') return [{ code: event.code, client: event.client }];
    if (event.type === 'equivocation') return [{ code: 'equivocation', client: event.client }];
    if (event.type !== 'refusals-counted') return [];
    return Object.keys(event.counts).map((code) => ({ code, client: event.client }));
  });
}

/** The round ends well with the honest clients' updates, and the refusal is on the ledger. */
async function expectRoundGoesOn(world: World, code: string, client: string | null): Promise<void> {
  world.release();
  const record = await world.record(1);
  const honest = new Set<string>(world.honest.map((each) => each.client.id));
  expect(record.state).toBe('committed');
  expect(record.updates.filter((update) => honest.has(update.client))).toHaveLength(honest.size);
  expect(refusalsOf(await world.events())).toContainEqual({ code, client });
}

describe('a member of the cohort that sends', () => {
  it.each(lies)('$name is refused as $code, and the round commits with the others', async ({ code, layer, tell }) => {
    await using world = await worldWithLiar();
    const liar = await liarIn(world);
    expect((await tell(liar)).refusal?.code).toBe(code);
    if (layer === null) expect((await liar.raw.upload(liar.good)).kind).toBe('receipt');

    const { clientId } = liar.raw.key;
    // Nobody is held to what they have not signed.
    await expectRoundGoesOn(world, code, code === 'bad-signature' ? null : clientId);
    const verdict = verdictOf(await world.record(1), liar.raw.key);
    if (layer === null) expect(['selected', 'not-selected']).toContain(verdict?.verdict);
    else expect(verdict).toMatchObject({ verdict: 'refused', code, layer });
  });

  it('a declared length of 2 GB costs the coordinator no memory', async () => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    const before = process.memoryUsage().arrayBuffers;
    const reply = await raw.begin(await raw.restated(good, { byteLength: 2 * 1024 ** 3 }));
    expect(reply.refusal?.code).toBe('too-large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 ** 2);
  });

  it('the same update again gets the same receipt, a different one is equivocation, and the first one counts', async () => {
    await using world = await worldWithLiar();
    const { raw, offer, good } = await liarIn(world);
    const receipt = await raw.upload(good);
    expect(receipt).toMatchObject({ kind: 'receipt', client: raw.key.clientId });
    expect(await raw.upload(good)).toEqual(receipt);
    const other = await raw.submission(formulaUpdate(world.terms, LIAR_INDEX, 2), offer);
    expect((await raw.upload(other)).refusal?.code).toBe('equivocation');
    expect(await raw.upload(good)).toEqual(receipt);

    await expectRoundGoesOn(world, 'equivocation', raw.key.clientId);
    const record = await world.record(1);
    expect(record.updates).toContainEqual({ client: raw.key.clientId, update: good.envelope.updateDigest });
    expect((await world.stores.charges.charges()).filter(({ client }) => client === raw.key.clientId)).toHaveLength(1);
  });

  it('damaged bytes may send the right ones after all, under the statement it has signed', async () => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    const damaged = await raw.upload({ ...good, bytes: good.bytes.slice().fill(0, 100) });
    expect(damaged.refusal?.code).toBe('bad-digest');
    expect((await raw.upload(good)).kind).toBe('receipt');
    await expectRoundGoesOn(world, 'bad-digest', raw.key.clientId);
    expect(verdictOf(await world.record(1), raw.key)?.code).not.toBe('bad-digest');
  });

  it('a stolen update of another client is refused: the statement names its signer', async () => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    using thief = await world.stranger(7);
    const reply = await thief.begin(good);
    expect(reply.refusal?.code).toBe('not-enrolled');
    expect((await raw.upload(good)).kind).toBe('receipt');
    await expectRoundGoesOn(world, 'not-enrolled', null);
  });
});

describe('somebody outside the cohort', () => {
  const outsiders: readonly { name: string; code: string; knock: (world: World) => Promise<RawClient> }[] = [
    { name: 'without an invite', code: 'not-enrolled', knock: (world) => world.stranger(7, null) },
    { name: 'with text for an invite', code: 'not-enrolled', knock: (world) => world.stranger(7, 'let me in') },
    {
      name: 'with a made-up invite',
      code: 'not-enrolled',
      knock: (world) => world.stranger(7, `journeys.${'0'.repeat(64)}.${'0'.repeat(64)}`),
    },
    {
      name: 'with an invite of another federation',
      code: 'wrong-federation',
      knock: (world) => world.stranger(7, `elsewhere.${'0'.repeat(64)}.${'0'.repeat(64)}`),
    },
  ];

  it.each(outsiders)('$name is not let in: $code', async ({ code, knock }) => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    using outsider = await knock(world);
    const reply = await outsider.ask('join', await outsider.joinMessage(await outsider.challenge()));
    expect(reply.refusal?.code).toBe(code);
    expect((await outsider.begin(good)).refusal?.code).toBe('not-enrolled');
    await raw.upload(good);
    await expectRoundGoesOn(world, code, null);
  });

  it('who signs a challenge that was not given to it is refused as bad-signature', async () => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    using outsider = await world.stranger(7);
    const foreign = await outsider.joinMessage(await raw.challenge());
    await outsider.challenge();
    expect((await outsider.ask('join', foreign)).refusal?.code).toBe('bad-signature');
    await raw.upload(good);
    await expectRoundGoesOn(world, 'bad-signature', null);
  });

  it('who fails once has used its challenge up, and needs another', async () => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    using outsider = await world.stranger(7);
    const message = await outsider.joinMessage(await outsider.challenge());
    const forged = await outsider.ask('join', { ...message, name: 'somebody else' });
    expect(forged.refusal?.code).toBe('bad-signature');
    expect((await outsider.ask('join', message)).refusal?.code).toBe('replayed');
    const fresh = await outsider.joinMessage(await outsider.challenge());
    expect((await outsider.ask('join', fresh)).kind).toBe('joined');
    await raw.upload(good);
    await expectRoundGoesOn(world, 'replayed', null);
  });

  it('who joins while a round is open is enrolled, and not in its cohort', async () => {
    await using world = await worldWithLiar();
    const { raw, offer, good } = await liarIn(world);
    const late = await world.rawClient(7);
    expect(late.joined.offer).toBeNull();
    const update = await late.submission(formulaUpdate(world.terms, 7, 1), offer);
    expect((await late.upload(update)).refusal?.code).toBe('not-in-cohort');
    await raw.upload(good);
    await expectRoundGoesOn(world, 'not-in-cohort', late.key.clientId);
    expect((await world.record(1)).cohort).not.toContain(late.key.clientId);
  });

  it('who asks for an update by its digest gets none: only models are served', async () => {
    await using world = await worldWithLiar();
    const { raw, good } = await liarIn(world);
    await raw.upload(good);
    const get = async (digest: string): Promise<number> => {
      const headers = { authorization: `Bearer ${raw.joined.token}` };
      return (await fetch(`${world.url}/federations/journeys/models/${digest}`, { headers })).status;
    };
    expect(await get(raw.joined.modelDigest)).toBe(200);
    expect(await get(good.envelope.updateDigest)).toBe(404);
  });
});
