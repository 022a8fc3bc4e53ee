// What a coordinator of the small federation stands on, without the coordinator: real stores, no sockets, the mean for a
// rule. A test says what it needs otherwise.

import { ruleOf } from '../../server/aggregation/rules.ts';
import { parseFederation } from '../../server/config.ts';
import type { Foundation } from '../../server/foundation.ts';
import { RefusalLog } from '../../server/ledger/refusal-log.ts';
import { optimiserFor } from '../../server/optimiser/optimisers.ts';
import { Turns } from '../../server/turns.ts';
import { parseAdminRules } from '../../server/update/anomaly/admin-rules.ts';
import { anomalyBounds } from '../../server/update/anomaly/anomaly-bounds.ts';
import { ArrivedUpdates } from '../../server/update/staging/arrived-updates.ts';
import { sha256 } from '../../shared/digest.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { parameterCount, schemaText } from '../../shared/update-format/tensor-schema.ts';
import { FakeClock } from './fake-clock.ts';
import type { OpenRound } from './open-round.ts';
import { plainKernel } from './plain-kernel.ts';
import { federation, terms } from './small-federation.ts';

/** Clients of a round at most, by which the bounds are set. */
const CLIENTS = 9;

type SmallPlace = Pick<OpenRound, 'folder' | 'stores' | 'initialModel'>;

/** `config`: keys of a federation file, in the place of the small federation's. */
export async function smallFoundation(
  { folder, stores, initialModel }: SmallPlace,
  { config, ...changes }: Partial<Omit<Foundation, 'config'>> & { readonly config?: object } = {},
): Promise<Foundation & { readonly clock: FakeClock }> {
  const { training, privacy, tensors, rounds } = terms;
  const file = { federation, rounds, training, privacy, model: { tensors }, ...config };
  const clock = new FakeClock();
  const parameters = parameterCount(tensors);
  const bounded = { training, privacy, parameters, rounds };
  const memory = { kernel: plainKernel, memoryBudgetBytes: 1e6 };
  return {
    config: accepted(parseFederation(file)),
    stores,
    blobs: folder.blobs,
    blobFile: (digest) => folder.blobFile(digest),
    ...memory,
    arrived: new ArrivedUpdates({ ...memory, parameters }),
    publicUrl: null,
    adminToken: null,
    log: () => undefined,
    federation,
    terms,
    schemaDigest: await sha256(schemaText(tensors)),
    rule: accepted(ruleOf({ name: 'mean' })).made,
    optimiser: accepted(optimiserFor({ name: 'plain' })).made,
    boundsOf: () => anomalyBounds({ ...bounded, checks: CLIENTS * rounds, pairs: (CLIENTS * (CLIENTS - 1)) / 2 }),
    adminRules: accepted(await parseAdminRules([])),
    initialModel: initialModel.digest,
    refusals: new RefusalLog({ ledger: stores.ledger, clock, onFault: () => undefined }),
    turns: new Turns(),
    ...changes,
    clock,
  };
}
