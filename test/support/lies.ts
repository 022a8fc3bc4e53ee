// Everything that a client can get wrong on the wire, one entry each: what it does, with which code it is turned away,
// and what its verdict says, where it is in the cohort. An entry without a verdict costs the client nothing: it goes on
// to send a good update.

import type { Submission } from '../../client-sdk/participation/client-store.ts';
import { sha256 } from '../../shared/digest.ts';
import { asClientId, asDigest } from '../../shared/ids.ts';
import type { Envelope } from '../../shared/protocol/envelope.ts';
import type { Offer } from '../../shared/protocol/messages.ts';
import type { RefusalCode, RefusalLayer } from '../../shared/protocol/refusals.ts';
import { encodeSafetensors } from '../../shared/update-format/safetensors.ts';
import { formulaUpdate } from './formula-trainer.ts';
import type { RawClient, Reply } from './raw-client.ts';

/** A member of the cohort, the round it was offered, and the good update that it could send. */
export interface Liar {
  readonly raw: RawClient;
  readonly offer: Offer;
  readonly good: Submission;
}

export interface Lie {
  readonly name: string;
  readonly code: RefusalCode;
  /** Layer of the verdict; null where the lie leaves the client's place in the round as it was. */
  readonly layer: RefusalLayer | null;
  readonly tell: (liar: Liar) => Promise<Reply>;
}

export const LIAR_INDEX = 99;
const TWO_GIGABYTES = 2 * 1024 ** 3;

/** Same statement but for some fields, signed again: what only integrity can find. */
const stating =
  (changes: Partial<Envelope>) =>
  async ({ raw, good }: Liar): Promise<Reply> =>
    await raw.upload(await raw.restated(good, changes));

/** Other bytes, correctly described and signed. */
async function sendFile({ raw, good }: Liar, bytes: Uint8Array<ArrayBuffer>): Promise<Reply> {
  const stated = await raw.restated(good, { updateDigest: await sha256(bytes), byteLength: bytes.byteLength });
  return await raw.upload({ ...stated, bytes });
}

/** Another set of values under the model's own schema. */
const sendingValues =
  (change: (values: Float32Array) => Float32Array) =>
  async (liar: Liar): Promise<Reply> => {
    const { terms } = liar.raw.joined;
    const values = change(formulaUpdate(terms, LIAR_INDEX, liar.offer.round));
    return await sendFile(liar, encodeSafetensors(terms.tensors, values));
  };

/** A well-formed file of other tensors. */
const sendingTensors =
  (tensors: readonly { name: string; shape: readonly number[] }[]) =>
  async (liar: Liar): Promise<Reply> => {
    const length = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    return await sendFile(liar, encodeSafetensors(tensors, new Float32Array(length).fill(0.2)));
  };

const kernel = { name: 'kernel', shape: [20, 25] };
const bias = { name: 'bias', shape: [25] };
const otherDigest = asDigest('ab'.repeat(32));
const otherClient = asClientId('cd'.repeat(32));

const wrongBytes: readonly Lie[] = [
  {
    name: 'a wrong digest',
    code: 'bad-digest',
    layer: 'integrity',
    async tell({ raw, good }) {
      const bytes = good.bytes.slice();
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return await raw.upload({ ...good, bytes });
    },
  },
  {
    name: 'a truncated upload',
    code: 'bad-length',
    layer: 'integrity',
    tell: async ({ raw, good }) => await raw.upload({ ...good, bytes: good.bytes.slice(0, -4) }),
  },
  {
    name: 'a chunk beyond the declared length',
    code: 'bad-length',
    layer: 'integrity',
    async tell({ raw, good }) {
      const { federation, round } = good.envelope;
      await raw.begin(good);
      const refused = await raw.sendBytes(good, new Uint8Array(good.bytes.length + 4));
      await raw.ask('upload-end', { federation, round });
      return refused;
    },
  },
  {
    name: 'an extra tensor',
    code: 'unknown-tensor',
    layer: 'integrity',
    tell: sendingTensors([bias, kernel, { name: 'more', shape: [4] }]),
  },
  { name: 'a missing tensor', code: 'unknown-tensor', layer: 'integrity', tell: sendingTensors([kernel]) },
  {
    name: 'a wrong shape',
    code: 'bad-shape',
    layer: 'integrity',
    tell: sendingTensors([bias, { ...kernel, shape: [25, 20] }]),
  },
  {
    name: 'a value that is NaN',
    code: 'not-finite',
    layer: 'integrity',
    tell: sendingValues((values) => values.with(3, NaN)),
  },
  {
    name: 'an infinite value',
    code: 'not-finite',
    layer: 'integrity',
    tell: sendingValues((values) => values.with(524, -Infinity)),
  },
  {
    name: 'bytes that are no safetensors file',
    code: 'bad-format',
    layer: 'integrity',
    tell: async (liar) => await sendFile(liar, new Uint8Array(2_000).fill(65)),
  },
];

const wrongValues: readonly Lie[] = [
  {
    name: 'a value beyond the bound',
    code: 'too-large-value',
    layer: 'anomaly',
    tell: sendingValues((values) => values.with(0, 10.01)),
  },
  {
    name: 'a norm beyond the bound',
    code: 'too-large-norm',
    layer: 'anomaly',
    tell: sendingValues((values) => values.map((value) => 5 * value)),
  },
  {
    name: 'an update without the declared noise',
    code: 'noise-missing',
    layer: 'noise-witness',
    tell: sendingValues((values) => values.map(() => 0.02)),
  },
];

const wrongStatements: readonly Lie[] = [
  {
    name: 'a declared length of 2 GB',
    code: 'too-large',
    layer: 'transport',
    tell: stating({ byteLength: TWO_GIGABYTES }),
  },
  {
    name: 'a statement over another base model',
    code: 'wrong-base',
    layer: 'integrity',
    tell: stating({ baseModelDigest: otherDigest }),
  },
  {
    name: 'a statement over another tensor schema',
    code: 'bad-shape',
    layer: 'integrity',
    tell: stating({ schemaDigest: otherDigest }),
  },
  {
    name: 'a statement that names a checkpoint of another history',
    code: 'unknown-checkpoint',
    layer: 'integrity',
    tell: async (liar) => {
      const { size } = liar.good.envelope.checkpoint;
      return await stating({ checkpoint: { size, root: otherDigest } })(liar);
    },
  },
  {
    name: 'a statement that names a checkpoint ahead of the ledger',
    code: 'unknown-checkpoint',
    layer: 'integrity',
    tell: async (liar) => {
      const { size, root } = liar.good.envelope.checkpoint;
      return await stating({ checkpoint: { size: size + 1_000, root } })(liar);
    },
  },
  {
    name: 'a statement that claims no privacy',
    code: 'wrong-terms',
    layer: 'integrity',
    tell: stating({ privacy: null }),
  },
  {
    name: 'a statement of another round',
    code: 'replayed',
    layer: 'integrity',
    tell: async ({ raw, good, offer }) => {
      const stated = await raw.restated(good, { round: 7 });
      const { envelope, signature } = stated;
      return await raw.ask('upload-begin', {
        federation: envelope.federation,
        round: offer.round,
        envelope,
        signature,
      });
    },
  },
  {
    name: 'a bad signature',
    code: 'bad-signature',
    layer: null,
    tell: async ({ raw, good }) => await raw.upload({ ...good, signature: '0'.repeat(128) }),
  },
  {
    name: 'a statement in another client’s name',
    code: 'bad-signature',
    layer: null,
    tell: stating({ client: otherClient }),
  },
];

const wrongMessages: readonly Lie[] = [
  {
    name: 'an upload for another federation',
    code: 'wrong-federation',
    layer: 'admission',
    tell: async ({ raw, good: { envelope, signature } }) =>
      await raw.ask('upload-begin', { federation: 'elsewhere', round: 1, envelope, signature }),
  },
  {
    name: 'an upload for a round that is not open',
    code: 'round-closed',
    layer: null,
    tell: async ({ raw, good: { envelope, signature } }) =>
      await raw.ask('upload-begin', { federation: envelope.federation, round: 2, envelope, signature }),
  },
  {
    name: 'an unknown event',
    code: 'malformed-message',
    layer: null,
    tell: async ({ raw }) => await raw.ask('give-me-the-model', {}),
  },
  {
    name: 'the event "error", which event emitters throw',
    code: 'malformed-message',
    layer: null,
    tell: async ({ raw }) => await raw.ask('error', {}),
  },
  {
    name: 'a message that is no object',
    code: 'malformed-message',
    layer: null,
    tell: async ({ raw }) => await raw.ask('upload-begin', null),
  },
  {
    name: 'a message with a field too many',
    code: 'malformed-message',
    layer: null,
    tell: async ({ raw, good: { envelope, signature } }) =>
      await raw.ask('upload-begin', { federation: envelope.federation, round: 1, envelope, signature, admin: true }),
  },
  {
    name: 'a statement with an impossible length',
    code: 'malformed-message',
    layer: null,
    tell: stating({ byteLength: -1 }),
  },
  {
    name: 'a chunk of an upload that was never announced',
    code: 'malformed-message',
    layer: null,
    tell: async ({ raw, good }) => await raw.sendBytes(good, good.bytes),
  },
  {
    name: 'the challenge of a join that has been used',
    code: 'replayed',
    layer: null,
    tell: async ({ raw }) => {
      const message = await raw.joinMessage(await raw.challenge());
      await raw.ask('join', message);
      return await raw.ask('join', message);
    },
  },
  {
    name: 'a hello in another protocol version',
    code: 'unsupported-protocol',
    layer: null,
    tell: async ({ raw, good: { envelope } }) =>
      await raw.ask('hello', { federation: envelope.federation, protocolVersions: [0, 2] }),
  },
];

/** Told by a member of the cohort while the round is open. */
export const lies: readonly Lie[] = [...wrongBytes, ...wrongValues, ...wrongStatements, ...wrongMessages];
