// GET /federations/:federation/models/:digest. A digest names the same bytes for ever, so that the answer is immutable,
// can be cached, and can be fetched in ranges. Only digests of model versions are served: updates lie in the same store.

import { basename, dirname } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Digest, type FederationId, isDigest } from '../../../shared/ids.ts';
import { type RefusalCode, refuse } from '../../../shared/protocol/refusals.ts';
import { turnAway } from './turn-away.ts';

export interface ModelDownloads {
  readonly federation: FederationId;
  /** Whether a bearer token belongs to a client that has joined. */
  isToken(token: string): boolean;
  isModel(digest: Digest): Promise<boolean>;
  /** Where a blob's file lies. */
  blobFile(digest: Digest): string;
}

const ONE_YEAR_SECONDS = 365 * 24 * 3600;

export function registerModels(app: FastifyInstance, downloads: ModelDownloads): void {
  app.get<{ Params: { federation: string; digest: string } }>(
    '/federations/:federation/models/:digest',
    async (request, reply) => {
      const { federation, digest } = request.params;
      const refused = (code: RefusalCode, expected: string): FastifyReply =>
        turnAway(reply, refuse(code, { expected }));
      const token = /^Bearer ([0-9a-f]+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      if (!downloads.isToken(token)) return await refused('not-enrolled', 'the bearer token of a joined client');
      if (federation !== downloads.federation) return await refused('wrong-federation', downloads.federation);
      if (!isDigest(digest) || !(await downloads.isModel(digest)))
        return await refused('unknown-model', 'a model’s digest');
      const file = downloads.blobFile(digest);
      return await reply
        .header('content-type', 'application/octet-stream')
        .header('content-disposition', `attachment; filename="${digest}.safetensors"`)
        .header('x-content-type-options', 'nosniff')
        // Not in shared caches, which would hand it out without a token (RFC 9111, section 5.2.2.9).
        .header('cache-control', `private, max-age=${ONE_YEAR_SECONDS}, immutable`)
        .sendFile(basename(file), dirname(file), { cacheControl: false });
    },
  );
}
