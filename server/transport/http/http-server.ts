// The HTTP side: model files by digest for those who hold a token, and a health check. Sockets share its port.

import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import type { FederationId } from '../../../shared/ids.ts';
import { registerHealth } from './health.ts';
import { type ModelDownloads, registerModels } from './models.ts';

export interface HttpOptions extends ModelDownloads {
  readonly federation: FederationId;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Plugins load when it starts to listen. */
export function buildHttpServer(options: HttpOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: 64 * 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: true,
  });
  void app.register(fastifyStatic, { serve: false });
  registerHealth(app, options.federation);
  registerModels(app, options);
  return app;
}
