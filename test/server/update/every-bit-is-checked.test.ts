// One honest update of exactly 4 KB, the message that announces it and the file itself, damaged in every way that one
// bit or one cut can damage it, against real stores. All of it is refused by name, and nothing of it leaves a trace.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { anomalyBounds } from '../../../server/update/anomaly/anomaly-bounds.ts';
import { packetParser } from '../../../server/transport/packet-parser.ts';
import { announceUpdate, receiveUpdate, type UpdateRooms } from '../../../server/update/receive-update.ts';
import type { AnnouncedUpdate, RefusedUpdate, StagedUpdate } from '../../../server/update/stages.ts';
import { canonicalBytes } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { Digest } from '../../../shared/ids.ts';
import type { TreeHead } from '../../../shared/ledger/checkpoint.ts';
import { type UploadBegin, uploadBeginSchema } from '../../../shared/protocol/messages.ts';
import { privacyClaimOf, privacyEventOf } from '../../../shared/protocol/privacy-claim.ts';
import { isRefused, refuse, type Refused } from '../../../shared/protocol/refusals.ts';
import type { FederationTerms } from '../../../shared/protocol/terms.ts';
import { ArrivedUpdates } from '../../../server/update/staging/arrived-updates.ts';
import { plainKernel } from '../../support/plain-kernel.ts';
import { SerialQueue } from '../../../shared/serial-queue.ts';
import { encodeSafetensors } from '../../../shared/update-format/safetensors.ts';
import { schemaText } from '../../../shared/update-format/tensor-schema.ts';
import { testClock } from '../../support/data-folders.ts';
import { formulaUpdate } from '../../support/formula-trainer.ts';
import { type OpenRound, openRound } from '../../support/open-round.ts';
import {
  beginFor,
  envelopeFor,
  federation,
  type Member,
  memberAt,
  terms as smallTerms,
} from '../../support/small-federation.ts';

const TOTAL_BYTES = 4_096;
/** Chosen, with the digits of the clipping norm, so that the message and the file come to 4 KB. */
const PARAMETERS = 803;
const terms: FederationTerms = {
  ...smallTerms,
  tensors: [{ name: 'kernel', shape: [PARAMETERS] }],
  training: { ...smallTerms.training, clippingNormL2: 1.25 },
};
/** Cases after which the whole state is compared: a multiple of those under way at once. */
const COMPARED_EVERY = 4_096;
const AT_ONCE = 64;

type Announced = AnnouncedUpdate | StagedUpdate | Refused;
type Outcome = Announced | RefusedUpdate;
type Bytes = Uint8Array<ArrayBuffer>;

/** Round 1 on real stores, and the rooms of the one spine over them. */
class Wire {
  readonly #world: OpenRound;
  readonly #rooms: UpdateRooms;
  #blobsPut = 0;

  private constructor(world: OpenRound, schemaDigest: Digest) {
    const { stores, blobs, offered } = world;
    const { ledger, updates } = stores;
    const { training, privacy, rounds } = terms;
    const turns = new SerialQueue();
    const put = async (bytes: Uint8Array): Promise<Digest> => {
      this.#blobsPut += 1;
      return await blobs.put(bytes);
    };
    const isCheckpoint = async ({ size, root }: TreeHead): Promise<boolean> =>
      (await ledger.headAt(size))?.root === root;
    this.#world = world;
    this.#rooms = {
      statement: { terms, schemaDigest, isCheckpoint },
      place: { federation, updates, charge: privacyEventOf(terms) },
      boundsOf: () => anomalyBounds({ training, privacy, parameters: PARAMETERS, checks: rounds, pairs: 1, rounds }),
      staging: {
        updates,
        blobs: { ...blobs, put },
        clock: testClock,
        arrived: new ArrivedUpdates({ kernel: plainKernel, parameters: PARAMETERS, memoryBudgetBytes: 1e6 }),
        isOpen: (round) => round === offered.number,
        inTurn: (_, act) => turns.run(act),
      },
    };
  }

  static async open(): Promise<Wire> {
    return new Wire(await openRound({ clients: 1 }), await sha256(schemaText(terms.tensors)));
  }

  get #sender(): Member {
    return memberAt(this.#world.cohort, 0);
  }

  async honest(): Promise<{ readonly message: Bytes; readonly file: Bytes }> {
    const { stores, offered } = this.#world;
    const file = encodeSafetensors(terms.tensors, formulaUpdate(terms, 1, offered.number));
    const { size = 0, root = offered.baseModel } = (await stores.ledger.newest()) ?? {};
    const envelope = await envelopeFor(this.#sender, file, {
      baseModelDigest: offered.baseModel,
      schemaDigest: this.#rooms.statement.schemaDigest,
      privacy: privacyClaimOf(terms),
      checkpoint: { size, root },
    });
    return { message: canonicalBytes(await beginFor(envelope, this.#sender.key)), file };
  }

  async announce(message: Uint8Array): Promise<Announced> {
    const begin = readMessage(message);
    if ('kind' in begin) return begin;
    const { client } = this.#sender;
    return await announceUpdate({ federation, client, begin, round: this.#world.offered }, this.#rooms);
  }

  async receive(announced: Announced, bytes: Bytes): Promise<Outcome> {
    return announced.kind === 'announced'
      ? await receiveUpdate({ kind: 'received', announced, bytes }, this.#rooms)
      : announced;
  }

  /** All that a round, a model or an update can have changed. */
  async state(): Promise<object> {
    const { rounds, models, updates, charges, ledger } = this.#world.stores;
    return {
      underWay: await rounds.underWay(),
      records: await rounds.records(),
      models: await models.versions(),
      updates: await updates.ofRound(this.#world.offered.number),
      charges: await charges.charges(),
      ledger: await ledger.rows(),
      heads: await ledger.heads(),
      blobsPut: this.#blobsPut,
    };
  }

  /** States of the round's updates, and what the last entry of the ledger is of. */
  async summary(): Promise<readonly string[]> {
    const { updates, ledger } = this.#world.stores;
    const rows = await updates.ofRound(this.#world.offered.number);
    const last = (await ledger.rows()).at(-1);
    return [...rows.map(({ state }) => state), last?.type ?? 'nothing'];
  }
}

const payloadSchema = z.tuple([z.literal('upload-begin'), uploadBeginSchema]).rest(z.unknown());

/** As the transport reads it: text, a guarded packet, the schema of its event. */
function readMessage(bytes: Uint8Array): UploadBegin | Refused {
  const payloads: unknown[] = [];
  const { Decoder } = packetParser(() => undefined);
  const decoder = new Decoder();
  decoder.on('decoded', ({ data: payload }) => void payloads.push(payload));
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    decoder.add(`20["upload-begin",${text}]`);
  } catch {
    return refuse('malformed-message', { expected: 'a packet of a client' });
  }
  const payload = payloadSchema.safeParse(payloads[0]);
  return payload.success ? payload.data[1] : refuse('malformed-message', { expected: 'its schema' });
}

function flipped(bytes: Uint8Array, bit: number): Bytes {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** One damaged thing for each index below `count`. */
interface Damage {
  readonly count: number;
  readonly outcome: (index: number, announced: () => Promise<Announced>) => Promise<Outcome>;
}

class Trial {
  readonly #wire: Wire;
  readonly #message: Bytes;
  /** Before the trial: to be found again every few thousand cases, and at the end. */
  readonly #state: object;

  private constructor(wire: Wire, message: Bytes, state: object) {
    this.#wire = wire;
    this.#message = message;
    this.#state = state;
  }

  static async of(wire: Wire, message: Bytes): Promise<Trial> {
    return new Trial(wire, message, await wire.state());
  }

  /** How often each code was the answer; `accepted` for what was not refused. */
  async run({ count, outcome }: Damage): Promise<Readonly<Record<string, number>>> {
    const answers: Record<string, number> = {};
    for (let from = 0; from < count; from += AT_ONCE) {
      // The intact statement is the same for all of them: said again once for those under way.
      let again: Promise<Announced> | undefined;
      const announced = (): Promise<Announced> => (again ??= this.#wire.announce(this.#message));
      const indices = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => from + i);
      for (const result of await Promise.all(indices.map((index) => outcome(index, announced)))) {
        const answer = isRefused(result) ? result.refusal.code : 'accepted';
        answers[answer] = (answers[answer] ?? 0) + 1;
      }
      if ((from + AT_ONCE) % COMPARED_EVERY === 0) await this.#compare();
    }
    await this.#compare();
    return answers;
  }

  async #compare(): Promise<void> {
    expect(await this.#wire.state()).toEqual(this.#state);
  }
}

const total = (answers: Readonly<Record<string, number>>): number =>
  Object.values(answers).reduce((sum, count) => sum + count, 0);

describe('an honest update of 4 KB, its message and its file', () => {
  it(
    'is refused by name whichever bit is flipped and wherever it is cut off, and accepted whole',
    { timeout: 60_000 },
    async () => {
      const wire = await Wire.open();
      const { message, file } = await wire.honest();
      expect(message.length + file.length).toBe(TOTAL_BYTES);

      const untouched = await Trial.of(wire, message);
      const inMessage = await untouched.run({
        count: 8 * message.length,
        outcome: async (bit) => await wire.receive(await wire.announce(flipped(message, bit)), file),
      });
      const cutMessage = await untouched.run({
        count: message.length,
        outcome: async (length) => await wire.announce(message.subarray(0, length)),
      });

      expect((await wire.announce(message)).kind).toBe('announced');
      const announced = await Trial.of(wire, message);
      const inFile = await announced.run({
        count: 8 * file.length,
        outcome: async (bit, statement) => await wire.receive(await statement(), flipped(file, bit)),
      });
      const cutFile = await announced.run({
        count: file.length,
        outcome: async (length, statement) => await wire.receive(await statement(), file.slice(0, length)),
      });

      const codes = [inMessage, cutMessage, inFile, cutFile].map((answers) => Object.keys(answers).toSorted());
      expect(codes).toEqual([
        ['bad-signature', 'malformed-message', 'round-closed', 'wrong-federation'],
        ['malformed-message'],
        ['bad-digest'],
        ['bad-length'],
      ]);
      expect(total(inMessage) + total(inFile)).toBe(8 * TOTAL_BYTES);
      expect(total(cutMessage) + total(cutFile)).toBe(TOTAL_BYTES);

      expect(await wire.summary()).toEqual(['announced', 'update-announced']);
      expect((await wire.receive(await wire.announce(message), file)).kind).toBe('staged');
      expect(await wire.summary()).toEqual(['staged', 'update-staged']);
    },
  );
});
