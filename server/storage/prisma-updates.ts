// The updates of a round in the database, each with its charge on the privacy ledger. A transition names the states it
// may start from: anything else means that our own code lost track, and nothing is written.

import { z } from 'zod';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { SampledGaussianEvent } from '../../shared/accounting/privacy-event.ts';
import { asClientId, asDigest, type FederationId } from '../../shared/ids.ts';
import { InvariantError } from '../../shared/invariant-error.ts';
import { envelopeSchema } from '../../shared/protocol/envelope.ts';
import { isRefusalCode } from '../../shared/protocol/refusals.ts';
import type { LedgerEvent } from '../ledger/ledger-event.ts';
import type { UpdateKey, UpdateRow, UpdateStore } from '../update/staging/update-store.ts';
import type { FederationScope } from './federation-scope.ts';
import { Prisma, type Update } from './generated/client.ts';
import { fromJsonText } from './json-text.ts';
import { figuresSchema } from './ledger-row.ts';
import { told } from './write-batch.ts';

const stateSchema = z.enum(['announced', 'staged', 'refused']);
const refusalSchema = z.strictObject({
  code: z.string().refine(isRefusalCode),
  message: z.string(),
  expected: z.string().exactOptional(),
  found: z.string().exactOptional(),
  hint: z.string().exactOptional(),
});

interface Transition {
  readonly at: UpdateKey;
  readonly from: readonly UpdateRow['state'][];
  readonly change: Prisma.UpdateUpdateManyMutationInput;
  readonly event: LedgerEvent;
}

export function prismaUpdates(scope: FederationScope): UpdateStore {
  const { database, federation } = scope;
  const transition = ({ at: { round, client }, from, change, event }: Transition): Promise<void> =>
    scope.write(async (transaction) => {
      const where = { federation, round, client, state: { in: [...from] } };
      const { count } = await transaction.update.updateMany({ where, data: change });
      if (count === 0)
        throw new InvariantError(`round ${round}, client ${client}: no update in state ${from.join(' or ')}`);
      return told(undefined, [event]);
    });
  return {
    announce: ({ round, client, digest, envelope, signature }, charge, event) =>
      scope.write(async (transaction) => {
        const key = { federation, round, client };
        const statement = { digest, envelope: canonicalJson(envelope), signature };
        await transaction.update
          .create({ data: { ...key, ...statement, state: 'announced' } })
          .catch((fault: unknown) => {
            if (!isTaken(fault)) throw fault;
            throw new InvariantError(`round ${round}, client ${client}: announced a second time`);
          });
        if (charge !== null) await writeCharge(transaction, key, charge);
        return told(undefined, [event]);
      }),
    stage: (at, { figures, stagedAt }, event) => {
      const change = { state: 'staged', figures: canonicalJson(figures), stagedAt };
      return transition({ at, from: ['announced', 'refused'], change, event });
    },
    refuse: (at, { refusal, figures }, event) => {
      const change = {
        state: 'refused',
        refusal: canonicalJson({ ...refusal }),
        figures: figures === null ? null : canonicalJson(figures),
      };
      return transition({ at, from: ['announced', 'refused'], change, event });
    },
    async find({ round, client }) {
      const key = { federation, round, client };
      const row = await database.update.findUnique({ where: { federation_round_client: key } });
      return row === null ? undefined : fromUpdateRow(row);
    },
    async ofRound(round) {
      const rows = await database.update.findMany({ where: { federation, round }, orderBy: { client: 'asc' } });
      return rows.map(fromUpdateRow);
    },
  };
}

/** Once: the client may have stated the round as spent before. */
async function writeCharge(
  transaction: Prisma.TransactionClient,
  key: UpdateKey & { readonly federation: FederationId },
  { noiseMultiplier, samplingRate, steps }: SampledGaussianEvent,
): Promise<void> {
  const create = { ...key, noiseMultiplier, samplingRate, steps };
  await transaction.privacyCharge.upsert({ where: { federation_round_client: key }, create, update: {} });
}

/** Prisma's code for a key that has a row. */
const isTaken = (fault: unknown): boolean =>
  fault instanceof Prisma.PrismaClientKnownRequestError && fault.code === 'P2002';

function fromUpdateRow(row: Update): UpdateRow {
  return {
    round: row.round,
    client: asClientId(row.client),
    digest: asDigest(row.digest),
    envelope: fromJsonText(envelopeSchema, row.envelope),
    signature: row.signature,
    state: stateSchema.parse(row.state),
    refusal: row.refusal === null ? null : fromJsonText(refusalSchema, row.refusal),
    figures: row.figures === null ? null : fromJsonText(figuresSchema, row.figures),
    stagedAt: row.stagedAt,
  };
}
