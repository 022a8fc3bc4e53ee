import type { FastifyInstance } from 'fastify';
import type { FederationId } from '../../../shared/ids.ts';

export function registerHealth(app: FastifyInstance, federation: FederationId): void {
  app.get('/health', () => ({ status: 'ok', federation }));
}
