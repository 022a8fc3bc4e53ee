import { describe, expect, it } from 'vitest';
import { claimPlace, type Place } from '../../../../server/update/staging/claim-place.ts';
import { testClock } from '../../../support/data-folders.ts';
import { openRound, type OpenRound, stage } from '../../../support/open-round.ts';
import { codeOf } from '../../../support/refusal-code.ts';
import { announcedBy, federation, memberAt, updateFile } from '../../../support/small-federation.ts';

const charge = { noiseMultiplier: 1.03, samplingRate: 0.1, steps: 10 };
const [one, other] = [updateFile([1, 2, 3, 4, 5, 6]), updateFile([6, 5, 4, 3, 2, 1])];

const placeOf = ({ stores }: OpenRound): Place => ({ federation, updates: stores.updates, charge });

async function typesOf({ stores }: OpenRound): Promise<string[]> {
  return (await stores.ledger.entries()).map(({ event }) => event.type).filter((type) => type.startsWith('update'));
}

describe('the place of a client in a round', () => {
  it('goes to its first statement, which is written down and charged in one', async () => {
    const world = await openRound({ clients: 1 });
    const announced = await announcedBy(memberAt(world.cohort, 0), one);
    expect(await claimPlace(announced, placeOf(world))).toBe(announced);
    const { client, envelope, signature } = announced;
    expect(await world.stores.updates.ofRound(1)).toEqual([
      {
        round: 1,
        client: client.id,
        digest: envelope.updateDigest,
        envelope,
        signature,
        state: 'announced',
        refusal: null,
        figures: null,
        stagedAt: null,
      },
    ]);
    expect(await world.stores.charges.charges()).toEqual([{ client: client.id, round: 1, event: charge }]);
  });

  it('is open to the same statement again, which is neither written nor charged again', async () => {
    const world = await openRound({ clients: 1 });
    const sender = memberAt(world.cohort, 0);
    await claimPlace(await announcedBy(sender, one), placeOf(world));
    const again = await announcedBy(sender, one);
    expect(await claimPlace(again, placeOf(world))).toBe(again);
    expect(await world.stores.charges.charges()).toHaveLength(1);
    expect(await typesOf(world)).toEqual(['update-announced']);
  });

  it('is closed to a second, different update, before and after the first is staged', async () => {
    const world = await openRound({ clients: 2 });
    const [announcedOnly, staged] = [memberAt(world.cohort, 0), memberAt(world.cohort, 1)];
    const first = await announcedBy(announcedOnly, one);
    await claimPlace(first, placeOf(world));
    await stage(world, staged, [1, 2, 3, 4, 5, 6]);
    for (const sender of [announcedOnly, staged]) {
      const second = await claimPlace(await announcedBy(sender, other), placeOf(world));
      expect(second).toMatchObject({ refusal: { code: 'equivocation', expected: first.envelope.updateDigest } });
    }
    expect(await world.stores.charges.charges()).toHaveLength(2);
  });

  it('is closed to another statement about the same update: the ledger keeps the first alone', async () => {
    const world = await openRound({ clients: 1 });
    const sender = memberAt(world.cohort, 0);
    const first = await announcedBy(sender, one);
    await claimPlace(first, placeOf(world));
    for (const changes of [{ nonce: 'f'.repeat(32) }, { byteLength: first.envelope.byteLength - 1 }])
      expect(codeOf(await claimPlace(await announcedBy(sender, one, changes), placeOf(world)))).toBe('equivocation');
    expect(await typesOf(world)).toEqual(['update-announced']);
  });

  it('puts the whole first statement on the ledger, with what was signed and the signature', async () => {
    const world = await openRound({ clients: 1 });
    const announced = await announcedBy(memberAt(world.cohort, 0), one);
    await claimPlace(announced, placeOf(world));
    const { client, envelope, signature } = announced;
    const last = (await world.stores.ledger.entries()).at(-1);
    expect(last?.event).toEqual({ type: 'update-announced', round: 1, client: client.id, envelope, signature });
  });

  it('answers the update that is staged with the receipt it was given', async () => {
    const world = await openRound({ clients: 1 });
    const sender = memberAt(world.cohort, 0);
    await stage(world, sender, [1, 2, 3, 4, 5, 6]);
    const announced = await announcedBy(sender, one, { baseModelDigest: world.offered.baseModel });
    const receipt = {
      federation,
      round: 1,
      client: sender.client.id,
      updateDigest: announced.envelope.updateDigest,
      stagedAt: testClock.now(),
    };
    expect(await claimPlace(announced, placeOf(world))).toMatchObject({ kind: 'staged', receipt });
  });

  it('is one’s own: the same bytes from two clients are two updates', async () => {
    const world = await openRound({ clients: 2 });
    for (const sender of world.cohort) {
      expect(codeOf(await claimPlace(await announcedBy(sender, one), placeOf(world)))).toBe('announced');
    }
    expect(await world.stores.updates.ofRound(1)).toHaveLength(2);
  });

  it('costs nothing where no privacy is declared', async () => {
    const world = await openRound({ clients: 1 });
    await claimPlace(await announcedBy(memberAt(world.cohort, 0), one), { ...placeOf(world), charge: null });
    expect(await world.stores.charges.charges()).toEqual([]);
  });
});
