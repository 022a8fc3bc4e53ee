// What a coordinator refuses on its sockets, in its verdicts and to whoever downloads: each refusal provoked by clients of
// a whole federation. A world of its own for each, so that none rests on another.

import { type Offer, verdictMessageSchema } from '../../shared/protocol/messages.ts';
import type { RefusalCode } from '../../shared/protocol/refusals.ts';
import { asDigest, asFederationId } from '../../shared/ids.ts';
import { formulaUpdate } from './formula-trainer.ts';
import { HandClock } from './hand-clock.ts';
import { DEADLINE_MS, startWorld, type World, type WorldOptions } from './journey-world.ts';
import { type Liar, lies, LIAR_INDEX } from './lies.ts';
import { type Provocation, type Told, toldOnSocket, toldOverHttp } from './provocation.ts';
import type { RawClient } from './raw-client.ts';

const federation = asFederationId('journeys');
const otherRoot = asDigest('ab'.repeat(32));
const MORE_THAN_A_BURST = 200;

/** Nobody is to be held in its training when all of them leave. */
async function releasing(world: World, act: Promise<Told>): Promise<Told> {
  try {
    return await act;
  } finally {
    world.release();
  }
}

/** Honest clients that wait with their training, and one member of the cohort that is not bound to anything. */
async function inRound(act: (liar: Liar, world: World) => Promise<Told>, options: WorldOptions = {}): Promise<Told> {
  const rule = { name: 'multi-krum', f: 0 };
  const config = { rule, ...options.config };
  await using world = await startWorld({
    clients: 3,
    held: true,
    cohort: { minimum: 4, size: 4 },
    ...options,
    config,
  });
  const raw = await world.rawClient(LIAR_INDEX);
  const offer = await raw.nextOffer();
  const good = await raw.submission(formulaUpdate(world.terms, LIAR_INDEX, offer.round), offer);
  return await releasing(world, act({ raw, offer, good }, world));
}

/** The first lie (lies.ts) that is told to be refused so. */
const byLie = (code: RefusalCode): Provocation => {
  const lie = lies.find((each) => each.code === code);
  if (!lie) throw new Error(`expected a lie that is refused as ${code}, found none`);
  return () => inRound(async (liar) => toldOnSocket(await lie.tell(liar)));
};

/** A round of which the liar is not part: its cohort is full when it joins. */
async function besideRound(act: (raw: RawClient, offer: Offer, world: World) => Promise<Told>): Promise<Told> {
  await using world = await startWorld({
    clients: 3,
    held: true,
    config: { rule: { name: 'multi-krum', f: 0 } },
    cohort: { minimum: 3, size: 3 },
  });
  const raw = await world.rawClient(LIAR_INDEX);
  const { modelDigest: baseModelDigest, checkpoint } = raw.joined;
  const offer = { federation, round: 1, baseModelDigest, deadlineMs: 1_000, checkpoint };
  return await releasing(world, act(raw, offer, world));
}

const download = async (world: World, path: string, token: string): Promise<Told> => {
  const response = await fetch(`${world.url}/federations/${path}`, { headers: { authorization: `Bearer ${token}` } });
  return toldOverHttp({ status: response.status, body: await response.json() });
};

const verdictOn = async (raw: RawClient): Promise<Told> => {
  const { code } = verdictMessageSchema.parse(await raw.next('verdict'));
  if (code === null) throw new Error('expected a verdict with a code, found none');
  return { code };
};

/** Whoever asks too often is not answered what it asked. */
const askTooOften = async ({ raw }: Liar): Promise<Told> => {
  for (let asked = 0; asked < MORE_THAN_A_BURST; asked++) {
    const reply = await raw.ask('renew-token', { federation });
    if (reply.kind === 'refused') return toldOnSocket(reply);
  }
  throw new Error(`expected a refusal after a burst, found ${MORE_THAN_A_BURST} answers`);
};

const signTwoUpdates = async ({ raw, good, offer }: Liar, world: World): Promise<Told> => {
  await raw.upload(good);
  const other = await raw.submission(formulaUpdate(world.terms, LIAR_INDEX, offer.round + 1), offer);
  return toldOnSocket(await raw.upload(other));
};

const missDeadline: Provocation = () => {
  const clock = new HandClock();
  return inRound(
    async ({ raw }) => {
      clock.elapse(DEADLINE_MS);
      return await verdictOn(raw);
    },
    { clock },
  );
};

/** Nobody sends anything. */
const endAlone: Provocation = () => {
  const clock = new HandClock();
  return inRound(
    async (_liar, world) => {
      clock.elapse(DEADLINE_MS);
      const { code } = await world.record(1);
      if (code === null) throw new Error('expected an abandoned round, found a committed one');
      return { code };
    },
    { clock },
  );
};

const quarantine: Provocation = () => {
  const rules = [{ name: 'everybody', when: 'normL2 > 0', action: 'quarantine' }];
  return inRound(
    async ({ raw, good }, world) => {
      await raw.upload(good);
      world.release();
      return await verdictOn(raw);
    },
    { config: { anomaly: { rules } } },
  );
};

/** The first honest client's noise, sent by another key. */
const borrowNoise = async ({ raw, offer }: Liar, world: World): Promise<Told> => {
  await raw.upload(await raw.submission(formulaUpdate(world.terms, 0, offer.round), offer));
  world.release();
  return await verdictOn(raw);
};

export const onSockets = {
  'unsupported-protocol': byLie('unsupported-protocol'),
  'malformed-message': byLie('malformed-message'),
  'too-large': byLie('too-large'),
  'rate-limited': () => inRound(askTooOften),
  'deadline-missed': missDeadline,
  'not-enrolled': () => inRound(async (_liar, world) => await download(world, `${federation}/models/${otherRoot}`, '')),
  'not-in-cohort': () =>
    besideRound(async (raw, offer, world) =>
      toldOnSocket(await raw.upload(await raw.submission(formulaUpdate(world.terms, LIAR_INDEX, 1), offer))),
    ),
  'wrong-federation': byLie('wrong-federation'),
  'bad-signature': byLie('bad-signature'),
  'bad-length': byLie('bad-length'),
  'bad-digest': byLie('bad-digest'),
  'bad-format': byLie('bad-format'),
  'unknown-tensor': byLie('unknown-tensor'),
  'bad-shape': byLie('bad-shape'),
  'not-finite': byLie('not-finite'),
  'wrong-base': byLie('wrong-base'),
  'wrong-terms': byLie('wrong-terms'),
  replayed: byLie('replayed'),
  'unknown-checkpoint': byLie('unknown-checkpoint'),
  'too-large-value': byLie('too-large-value'),
  'too-large-norm': byLie('too-large-norm'),
  'noise-missing': byLie('noise-missing'),
  'shared-noise': () => inRound(borrowNoise),
  quarantined: quarantine,
  equivocation: () => inRound(signTwoUpdates),
  'round-closed': byLie('round-closed'),
  'cohort-too-small': endAlone,
  'unknown-model': () =>
    inRound(async ({ raw }, world) => await download(world, `${federation}/models/${otherRoot}`, raw.joined.token)),
  'bad-checkpoint': () =>
    inRound(async ({ raw, good }) => {
      const { size } = good.envelope.checkpoint;
      return toldOnSocket(await raw.ask('ledger-proof', { federation, size, held: 'no note', model: null }));
    }),
} as const satisfies Partial<Record<RefusalCode, Provocation>>;
