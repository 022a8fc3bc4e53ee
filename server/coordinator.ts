// Wiring: founds the federation or goes on with it, and joins the sockets (client-doors.ts, spine 1) to the clock of
// the rounds (round-acts.ts, spine 2). These three files alone know every room.

import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { sha256 } from '../shared/digest.ts';
import type { ClientId } from '../shared/ids.ts';
import { InvariantError } from '../shared/invariant-error.ts';
import { isRefused, type Refused } from '../shared/protocol/refusals.ts';
import { settlement } from '../shared/settlement.ts';
import { parameterCount, schemaText } from '../shared/update-format/tensor-schema.ts';
import { Administration } from './admission/administration.ts';
import { type InviteTerms, issueInvite } from './admission/issue-invite.ts';
import { ClientDoors } from './client-doors.ts';
import { configText, termsOf } from './config.ts';
import { fixedDifference } from './fixed-part.ts';
import type { CoordinatorOptions, Foundation } from './foundation.ts';
import { RefusalLog } from './ledger/refusal-log.ts';
import { requireOwnLedger } from './ledger/require-own-ledger.ts';
import { foundFederation } from './model/found-federation.ts';
import { CoordinatorActs } from './round-acts.ts';
import { RoundRunner } from './round/run-round.ts';
import { turnedAwayFrom } from './round/turned-away.ts';
import { ByteMeter } from './transport/byte-meter.ts';
import { buildHttpServer } from './transport/http/http-server.ts';
import { SocketGateway } from './transport/socket-gateway.ts';
import { Turns } from './turns.ts';
import { vetConfig } from './vet-config.ts';
import { ArrivedUpdates } from './update/staging/arrived-updates.ts';
import { dropUpdatesBeyond } from './update/staging/drop-updates.ts';

export interface ListenOptions {
  /** 0 for any free port. */
  readonly port: number;
  readonly host: string;
}

export interface Coordinator {
  readonly kind: 'running';
  /** Resolves to the port it listens on. */
  listen(options: ListenOptions): Promise<number>;
  /** The text of a new invite. */
  invite(terms: InviteTerms): Promise<string>;
  /** Resolves when all rounds have been run; rejects on a fault. */
  readonly finishedRounds: Promise<void>;
  /** Takes no more messages and lets what is under way end; a round under way is found again at the next start. */
  stop(): Promise<void>;
}

/** Refuses a configuration that cannot be run, and a folder that was founded otherwise. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator | Refused> {
  const { config, stores, blobs, clock, kernel, memoryBudgetBytes } = options;
  const vetted = await vetConfig(config);
  if (isRefused(vetted)) return vetted;
  const { federation, model } = config;
  const { tensors, seed } = model;
  const plan = { federation, configText: configText(config), fixedDifference, tensors, seed };
  const { publicKey: ledgerKey } = stores.ledger;
  const founded = await foundFederation(plan, { store: stores.federation, blobs, clock, ledgerKey });
  if (isRefused(founded)) return founded;
  await requireOwnLedger(stores.ledger, federation);
  if (vetted.boundsOf(1)?.noise?.leastRatio === 0)
    options.log('the model is too small for a noise witness: nobody can be refused for leaving the noise out');
  const terms = termsOf(config);
  const parameters = parameterCount(terms.tensors);
  const running = new RunningCoordinator({
    ...options,
    federation,
    terms,
    schemaDigest: await sha256(schemaText(terms.tensors)),
    rule: vetted.rule,
    optimiser: vetted.optimiser,
    boundsOf: vetted.boundsOf,
    adminRules: vetted.adminRules,
    initialModel: founded.initialModel.digest,
    arrived: new ArrivedUpdates({ kernel, parameters, memoryBudgetBytes }),
    refusals: new RefusalLog({ ledger: stores.ledger, clock, onFault: (fault) => options.log(String(fault)) }),
    turns: new Turns(),
  });
  await running.resume();
  return running;
}

class RunningCoordinator implements Coordinator {
  readonly kind = 'running';
  readonly finishedRounds: Promise<void>;
  readonly #foundation: Foundation;
  readonly #runner: RoundRunner;
  readonly #http: FastifyInstance;
  readonly #gateway: SocketGateway;
  readonly #doors: ClientDoors;
  readonly #administration: Administration;
  #port = 0;

  constructor(foundation: Foundation) {
    const { config, federation, stores, clock, log, blobFile } = foundation;
    this.#foundation = foundation;
    const entrance = { port: () => this.#port, onBarred: (client: ClientId) => this.#bar(client) };
    const { enrolment, ledger } = stores;
    const issuing = { federation, enrolment, ledgerKey: ledger.publicKey, clock };
    this.#administration = new Administration({ ...issuing, onBarred: entrance.onBarred });
    const meter = new ByteMeter();
    const { promise, resolve: onFinished, reject: onFault } = settlement<void>();
    this.finishedRounds = promise;
    const acts = new CoordinatorActs({ foundation, meter, gateway: () => this.#gateway, onFinished, onFault });
    this.#runner = new RoundRunner({ goal: config.cohort, timing: config.cohort, rounds: config.rounds, clock, acts });
    const { adminToken: token } = foundation;
    this.#http = buildHttpServer({
      federation,
      admin: token === null ? undefined : { token, administration: this.#administration },
      blobFile,
      isToken: (bearer) => this.#gateway.isToken(bearer, clock.now()),
      isModel: async (digest) => (await stores.models.byDigest(digest)) !== undefined,
    });
    meter.watch(this.#http.server);
    this.#doors = new ClientDoors(foundation, this.#runner, entrance);
    this.#gateway = new SocketGateway({ http: this.#http.server, doors: this.#doors, clock, log });
  }

  /** Goes on with the round that was under way, if any, or selects for the next. */
  async resume(): Promise<void> {
    const { config, stores, blobs, log } = this.#foundation;
    const last = (await stores.rounds.records()).at(-1)?.number ?? 0;
    await dropUpdatesBeyond({ last, ...config.retention }, { ...stores, blobs });
    const offered = await stores.rounds.underWay();
    if (!offered) return this.#runner.start(last + 1);
    const rows = await stores.updates.ofRound(offered.number);
    const reported = new Set(rows.filter(({ state }) => state !== 'announced').map(({ client }) => client));
    const events = (await stores.ledger.entriesOfRound(offered.number)).map(({ event }) => event);
    const turnedAway = turnedAwayFrom(events, offered, new Set(rows.map(({ client }) => client)));
    const clients = await stores.enrolment.clients();
    const barred = new Set(clients.filter(({ status }) => status !== 'active').map(({ id }) => id));
    const silent = (client: ClientId): boolean => reported.has(client) || turnedAway.has(client) || barred.has(client);
    const awaited = new Set(offered.cohort.filter((client) => !silent(client)));
    const { number, cohort } = offered;
    log(`round ${number} goes on: ${cohort.length - awaited.size} of ${cohort.length} have reported`);
    this.#runner.start(number, { offered, awaited, turnedAway });
  }

  async listen({ port, host }: ListenOptions): Promise<number> {
    await this.#http.listen({ port, host });
    const address: AddressInfo | string | null = this.#http.server.address();
    if (address === null || typeof address === 'string') throw new InvariantError('listening without a port');
    this.#port = address.port;
    return address.port;
  }

  async invite(terms: InviteTerms): Promise<string> {
    const { federation, stores, clock } = this.#foundation;
    const { enrolment, ledger } = stores;
    return await issueInvite(terms, { federation, enrolment, ledgerKey: ledger.publicKey, clock });
  }

  /** Its socket is closed; the round under way does not wait for it, and leaves out what it has staged. */
  #bar(client: ClientId): void {
    const { open } = this.#runner;
    if (open) this.#runner.reported(client, open.number, 'refused');
    this.#gateway.bar(client);
  }

  async stop(): Promise<void> {
    await this.#runner.stop();
    // Together: the gateway waits for all connections of the server to end, the server ends them by force.
    await Promise.all([this.#gateway.close(), this.#http.close()]);
    await this.#doors.idle();
    await this.#foundation.turns.run(() => Promise.resolve());
    await this.#foundation.refusals.summarise(null);
  }
}
