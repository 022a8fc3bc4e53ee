// A refusal as an HTTP answer: its body as everywhere, the status that the catalogue gives it.

import type { FastifyReply } from 'fastify';
import { type Refused, refusalCatalogue } from '../../../shared/protocol/refusals.ts';

export const turnAway = (reply: FastifyReply, refused: Refused): FastifyReply =>
  reply.code(refusalCatalogue[refused.refusal.code].httpStatus).send(refused);
