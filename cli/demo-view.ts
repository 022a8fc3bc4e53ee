// What a person sees while a demo runs, on stderr: on a terminal a status line that moves, above it one line for each
// round and one for each client that was refused or not selected; elsewhere the same lines, plain.

import pc from 'picocolors';
import type { ClientId } from '../shared/ids.ts';
import { refusalCatalogue } from '../shared/protocol/refusals.ts';
import type { DemoRound } from '../simulation/demo/demo-history.ts';
import { type DemoClientResult, type DemoRoundResult, roundResult } from '../simulation/demo/demo-result.ts';
import type { DemoSettings } from '../simulation/demo/demo-settings.ts';
import { bar, counted, percent } from './text.ts';
import { tell } from './output.ts';

const CLEAR_LINE = '\r\u001b[2K';

export class DemoView {
  readonly #settings: DemoSettings;
  readonly #liars: () => Promise<ReadonlySet<ClientId>>;
  readonly #terminal = process.stderr.isTTY;
  #training = { round: 0, trained: 0 };

  /** `liars` is asked once there are rounds to tell of: the clients have their keys by then. */
  constructor(settings: DemoSettings, liars: () => Promise<ReadonlySet<ClientId>>) {
    this.#settings = settings;
    this.#liars = liars;
    const { clients, byzantine, attack, rounds, rule, epsilon, seed } = settings;
    const liarsText =
      attack === 'none'
        ? 'nobody attacks'
        : `${byzantine} of them ${byzantine === 1 ? 'attacks' : 'attack'} (${attack})`;
    const run = `${rule}, ${counted(rounds, 'round')}, epsilon ${epsilon}, seed ${seed}`;
    tell(pc.bold(`${counted(clients, 'client')}, ${liarsText}; ${run}`));
    if (settings.reproducible)
      tell(pc.yellow('--reproducible: the noise is seeded, so that this run’s privacy is void'));
  }

  phase(phase: string): void {
    if (this.#terminal) this.#status(`${phase} …`);
    else tell(phase);
  }

  trained(round: number): void {
    if (round > this.#training.round) this.#training = { round, trained: 0 };
    if (round < this.#training.round) return;
    this.#training.trained += 1;
    if (!this.#terminal) return;
    const { clients, rounds } = this.#settings;
    const { trained } = this.#training;
    this.#status(
      `round ${round} of ${rounds}  ${bar(trained / clients, 20)}  ${trained} of ${clients} clients have trained`,
    );
  }

  async round(judged: DemoRound): Promise<void> {
    const round = roundResult(judged, await this.#liars());
    this.close();
    tell(headLine(round, this.#settings.rounds));
    for (const client of round.clients.filter(({ selected }) => !selected)) tell(clientLine(client));
  }

  /** Takes the status line away. */
  close(): void {
    if (this.#terminal) process.stderr.write(CLEAR_LINE);
  }

  #status(text: string): void {
    process.stderr.write(`${CLEAR_LINE}${pc.dim(text.slice(0, (process.stderr.columns ?? 80) - 1))}`);
  }
}

function headLine({ number, state, accuracy, twinAccuracy }: DemoRoundResult, rounds: number): string {
  const name = `round ${String(number).padStart(String(rounds).length)}`;
  const ours = `${pc.green(bar(accuracy, 20))} ${pc.bold(percent(accuracy))}`;
  const twin = `plain mean ${pc.red(bar(twinAccuracy, 20))} ${percent(twinAccuracy)}`;
  return `${pc.bold(name)}  ${ours}   ${twin}${state === 'abandoned' ? pc.yellow('   abandoned') : ''}`;
}

function clientLine({ id, byzantine, verdict, code, score, norm, flags }: DemoClientResult): string {
  const who = byzantine ? pc.red('attacker') : pc.dim('honest  ');
  const why = code === null ? `not selected, score ${figure(score)}` : `${code}: ${refusalCatalogue[code].meaning}`;
  const facts = norm === null ? '' : pc.dim(`  norm ${figure(norm)}`);
  const marks = flags.length > 0 ? pc.yellow(`  flagged ${flags.join(', ')}`) : '';
  return `  ${verdict === 'refused' ? '✗' : '·'} ${id.slice(0, 8)}  ${who}  ${why}${facts}${marks}`;
}

const figure = (value: number | null): string => (value === null ? '-' : value.toFixed(1));
