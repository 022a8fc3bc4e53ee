// The HTTP side: model files by digest for those who hold a token, and a health check. Sockets share its port.

import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import type { FederationId } from '../../../shared/ids.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { type AdminResource, registerAdmin } from './admin.ts';
import { registerHealth } from './health.ts';
import { type ModelDownloads, registerModels } from './models.ts';

export interface HttpOptions extends ModelDownloads {
  readonly federation: FederationId;
  /** Absent: nobody can do an admin's acts here. */
  readonly admin?: AdminResource | undefined;
}

/** Plugins load when it starts to listen. */
export function buildHttpServer(options: HttpOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: SERVER_LIMITS.bodyBytes,
    requestTimeout: SERVER_LIMITS.requestTimeoutMs,
    http: {
      headersTimeout: SERVER_LIMITS.headersTimeoutMs,
      connectionsCheckingInterval: SERVER_LIMITS.lateCheckIntervalMs,
    },
    forceCloseConnections: true,
  });
  void app.register(fastifyStatic, { serve: false });
  registerHealth(app, options.federation);
  registerModels(app, options);
  if (options.admin) registerAdmin(app, options.admin);
  return app;
}
