// Kills a client (SIGKILL) at random moments while it trains and sends, again and again on one folder, and says what left
// it before each death and what its privacy ledger knew of it. A coordinator that offers a round whenever it can takes
// in what the client sends, and whatever has reached it has left.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nodeClientStore } from '../../client-sdk/platform/node-client-store.ts';
import type { RoundEntry } from '../../client-sdk/participation/client-store.ts';
import { epsilonOf } from '../../shared/accounting/epsilon.ts';
import { type RandomSource, uniformInteger } from '../../shared/random-source.ts';
import { type FakeCoordinator, fakeTerms } from './fake-coordinator.ts';
import { roundsIn } from './privacy-ledgers.ts';

const SOURCE = fileURLToPath(new URL('./killed-client-child.ts', import.meta.url));

/** What the coordinator hears of a client on its way through a round; a life ends soon after one of these. */
const moments = ['joins', 'downloads', 'begins', 'chunks', 'ends'] as const;
/** Of the coordinator's terms. */
const KILL_DELTA = 1e-4;
const LONGEST_DELAY_MS = 8;
const MOST_TIMES = 4;

export interface Death {
  /** Statements that had left by then, in all lives: round and digest of the update. */
  readonly sent: readonly { readonly round: number; readonly updateDigest: string }[];
  /** As the folder held it after the death. */
  readonly ledger: readonly RoundEntry[];
  /** Whether it died with an update under way: begun and not acknowledged. */
  readonly underWay: boolean;
}

export interface Killing {
  readonly coordinator: FakeCoordinator;
  readonly folder: string;
  readonly kills: number;
  readonly maxEpsilon: number;
  readonly random: RandomSource;
  /** The program of a client as it is built; its source unless given. */
  readonly entry?: string;
}

export async function* killClients(killing: Killing): AsyncGenerator<Death> {
  const { coordinator, folder, kills, maxEpsilon, random, entry } = killing;
  const execArgv = entry === undefined ? ['--import', 'tsx'] : [];
  offerForEver(coordinator);
  for (let kill = 0; kill < kills; kill++) {
    const child = fork(entry ?? SOURCE, [coordinator.url, folder, String(maxEpsilon)], { execArgv });
    const died = once(child, 'exit');
    await lifeOf(coordinator, random);
    child.kill('SIGKILL');
    await died;
    const sent = coordinator.begins.all.map(({ round, envelope }) => ({ round, updateDigest: envelope.updateDigest }));
    const ledger = roundsIn(await (await nodeClientStore(folder)).privacyLedger());
    yield { sent, ledger, underWay: sent.some(({ round }) => !coordinator.receipts.has(round)) };
  }
}

/**
 * Until one of the moments, drawn with how often it comes, and a few milliseconds more; or until nothing is afforded any
 * more.
 */
async function lifeOf(coordinator: FakeCoordinator, random: RandomSource): Promise<void> {
  const { [moments[uniformInteger(random, moments.length)] ?? 'joins']: heard, declines, joins } = coordinator;
  const target = heard.all.length + 1 + (heard === joins ? 0 : uniformInteger(random, MOST_TIMES));
  // At once, or in the work between two messages.
  const delayMs = random.uniform() < 1 / 2 ? null : random.uniform() * LONGEST_DELAY_MS;
  const declined = declines.all.length;
  while (heard.all.length < target && declines.all.length === declined) {
    await Promise.race([heard.next(), declines.next()]);
  }
  if (delayMs !== null) await new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** What left a client without its ledger saying so; empty when all is well. */
export function overspentIn({ sent, ledger }: Death, maxEpsilon: number): readonly string[] {
  const spent = ledger.filter(({ state }) => state === 'spent');
  const unknown = sent.filter(({ round }) => !spent.some((entry) => entry.round === round));
  // What was spent once is never trained again: all statements of a round are about one update.
  const updates = new Map(sent.map(({ round, updateDigest }) => [round, updateDigest]));
  const second = sent.filter(({ round, updateDigest }) => updates.get(round) !== updateDigest);
  const epsilon = epsilonOf(spent, KILL_DELTA);
  return [
    ...unknown.map(({ round }) => `round ${round} left unspent`),
    ...second.map(({ round }) => `round ${round} left twice`),
    ...(epsilon > maxEpsilon ? [`epsilon ${epsilon} of ${maxEpsilon} spent`] : []),
  ];
}

/** Epsilon of so many rounds under the coordinator's terms. */
export const epsilonOfKilledRounds = (rounds: number): number =>
  epsilonOf([{ noiseMultiplier: 1, samplingRate: 0.1, steps: 4 * rounds }], KILL_DELTA);

/** The next round as soon as the one under way has its update. */
function offerForEver(coordinator: FakeCoordinator): void {
  let round = 1;
  coordinator.always('upload-end', async (honest) => {
    const answer = await honest();
    setImmediate(() => {
      coordinator.closeRound(round);
      round++;
      coordinator.offerRound(round);
    });
    return answer;
  });
  coordinator.terms = { ...fakeTerms, rounds: 10_000 };
  coordinator.offer = coordinator.offerOf(round);
}
