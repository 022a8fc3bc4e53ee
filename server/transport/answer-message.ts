// One message -> one answer. The table below is the whole protocol as the coordinator hears it: event, schema, act.

import type { z } from 'zod';
import * as messages from '../../shared/protocol/messages.ts';
import { type Refused, refuse } from '../../shared/protocol/refusals.ts';
import type { ClientSession } from './client-session.ts';
import type { SocketRate } from './message-rates.ts';

export interface IncomingMessage {
  readonly event: string;
  readonly input: unknown;
  readonly session: ClientSession;
  readonly rate: SocketRate;
  readonly now: Date;
}

export type Answer = { readonly kind: string };

export async function answerMessage({ event, input, session, rate, now }: IncomingMessage): Promise<Answer> {
  const act = acts.get(event);
  // An answer and no record: whoever asks too often must not be able to fill the ledger.
  if (!rate.allows({ event, client: session.client?.id, nowMs: now.getTime() }))
    return refuse('rate-limited', { hint: 'wait a second' });
  if (!act)
    return await session.turnAway(
      refuse('malformed-message', { expected: [...acts.keys()].join(', '), found: 'an unknown event' }),
    );
  return await act(input, session, now);
}

type Act = (input: unknown, session: ClientSession, now: Date) => Promise<Answer>;

/** Reads the message by its schema or turns it away. */
function reading<Schema extends z.ZodType>(
  schema: Schema,
  act: (message: z.output<Schema>, session: ClientSession, now: Date) => Promise<Answer>,
): Act {
  return async (input, session, now) => {
    const message = schema.safeParse(input);
    return message.success ? await act(message.data, session, now) : await session.turnAway(malformed(message.error));
  };
}

const acts: ReadonlyMap<string, Act> = new Map([
  ['hello', reading(messages.helloSchema, (hello, session, now) => session.hello(hello, now))],
  ['join', reading(messages.joinSchema, (join, session, now) => session.join(join, now))],
  ['upload-begin', reading(messages.uploadBeginSchema, (begin, session) => session.begin(begin))],
  ['upload-chunk', reading(messages.uploadChunkSchema, (chunk, session) => session.chunk(chunk))],
  ['upload-end', reading(messages.uploadEndSchema, (end, session) => session.end(end))],
  ['ledger-proof', reading(messages.ledgerProofRequestSchema, (request, session) => session.proveHistory(request))],
  ['renew-token', reading(messages.renewTokenSchema, (renew, session, now) => session.renewToken(renew, now))],
  ['spent-rounds', reading(messages.spentRoundsSchema, (spent, session) => session.stateSpent(spent))],
  ['decline', reading(messages.declineSchema, (decline, session) => session.decline(decline))],
]);

/** Says which field and why, never what stood in it. */
function malformed(error: z.ZodError): Refused {
  const [issue] = error.issues;
  const at = issue?.path.map(String).join('.') ?? '';
  // Zod repeats the names of fields it does not know, which the sender chose.
  const expected = issue?.code === 'unrecognized_keys' ? 'no other field' : issue?.message.slice(0, 200);
  return refuse('malformed-message', {
    expected: expected ?? 'a message of protocol version 1',
    found: `at "${at.slice(0, 100)}"`,
  });
}
