// POST /admin/:act with a JSON body: an admin's act on a federation that is being served, for the command line on the
// same machine. The token stands in a file that only the owner of the data folder can read. What comes from another
// machine, or through a proxy, is turned away whatever it carries: a token must not cross a network in the clear.

import { timingSafeEqual } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isRefused, type Refused, refuse } from '../../../shared/protocol/refusals.ts';
import type { Administration } from '../../admission/administration.ts';
import { turnAway } from './turn-away.ts';

export interface AdminResource {
  /** 64 lower-case hexadecimal characters. */
  readonly token: string;
  readonly administration: Pick<Administration, 'perform'>;
}

/** As proxies write them (RFC 7239; RFC 9110, section 7.6.3; and what was usual before). */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

export function registerAdmin(app: FastifyInstance, { token, administration }: AdminResource): void {
  app.post<{ Params: { act: string } }>(
    '/admin/:act',
    {
      // Before the body is read.
      async onRequest(request, reply) {
        const complaint = complaintAbout(request, token);
        if (complaint) return await turnAway(reply, complaint);
      },
      errorHandler: (fault, _request, reply) => unreadable(fault, reply),
    },
    async (request, reply) => {
      const outcome = await administration.perform(request.params.act, request.body);
      void reply.header('cache-control', 'no-store');
      return isRefused(outcome) ? await turnAway(reply, outcome) : await reply.send(outcome);
    },
  );
}

function complaintAbout({ headers, socket }: FastifyRequest, token: string): Refused | undefined {
  const proxied = proxyHeaders.find((name) => headers[name] !== undefined);
  if (proxied !== undefined) return elsewhere(`the header "${proxied}" of a proxy`);
  if (!isThisMachine(socket)) return elsewhere('a request from another machine');
  const shown = /^Bearer ([0-9a-f]{64})$/.exec(headers.authorization ?? '')?.[1];
  if (shown !== undefined && timingSafeEqual(Buffer.from(shown), Buffer.from(token))) return undefined;
  const hint = 'the coordinator writes it into admin.json of its data folder when it starts';
  return refuse('not-admin', {
    expected: 'the admin token as a bearer token',
    found: shown ? 'another' : 'none',
    hint,
  });
}

function elsewhere(found: string): Refused {
  const hint = 'run muster on the machine of the coordinator, with --dir';
  return refuse('not-admin', { expected: 'a request from the same machine, through no proxy', found, hint });
}

/** Loopback, or an address of this machine that reaches itself, as where the coordinator listens on one address alone. */
function isThisMachine({ remoteAddress, localAddress }: FastifyRequest['socket']): boolean {
  const address = remoteAddress?.replace(/^::ffff:/, '') ?? '';
  return address === '::1' || address.startsWith('127.') || (address !== '' && remoteAddress === localAddress);
}

/** A body that is no JSON, too large or of another type is the caller's to mend; anything else is a fault of ours. */
function unreadable(fault: FastifyError, reply: FastifyReply): void {
  if ((fault.statusCode ?? 500) >= 500) throw fault;
  void turnAway(reply, refuse('malformed-message', { expected: 'a JSON body', found: fault.code }));
}
