// The end of a demo for a person: both accuracies by round, what stopped the attackers and whom else, the privacy
// spent, where everything lies, what to try next. Says what falls short too.

import pc from 'picocolors';
import { refusalCatalogue } from '../shared/protocol/refusals.ts';
import type { DemoClientResult, DemoResult, DemoSummary } from '../simulation/demo/demo-result.ts';
import { bar, percent, table } from './text.ts';

export function demoText(result: DemoResult): string {
  const { rounds, summary } = result;
  if (rounds.length === 0) return 'No round has been run.';
  return [
    '',
    pc.bold(`Accuracy on ${summary.heldOut.length} held-out digits`),
    accuracyTable(result),
    '',
    pc.bold('What stopped whom (updates over all rounds)'),
    layerTable(result),
    ...remarks(result).map((remark) => `  ${remark}`),
    '',
    pc.bold('Privacy'),
    `  ${privacyText(summary)}`,
    '  The plain-mean twin trains on public digits and is charged to no privacy ledger.',
    '',
    pc.bold('Where it lies'),
    `  ${summary.dir}`,
    '  models and the last round’s updates in blobs/, each under its SHA-256; history in muster.sqlite',
    '',
    pc.bold('What to try next'),
    ...nextSteps(summary).map((step) => `  ${step}`),
  ].join('\n');
}

function accuracyTable({ rounds, summary }: DemoResult): string {
  const rows = rounds.map(({ number, state, accuracy, twinAccuracy }) => [
    number,
    `${bar(accuracy, 24)} ${percent(accuracy)}`,
    `${bar(twinAccuracy, 24)} ${percent(twinAccuracy)}`,
    state === 'abandoned' ? state : '',
  ]);
  return table(['round', `Muster, ${summary.rule}`, 'plain mean (twin)', ''], rows);
}

const layers = ['integrity', 'anomaly', 'noise-witness', 'rule'] as const;

function layerTable({ rounds }: DemoResult): string {
  const clients = rounds.flatMap((round) => round.clients);
  const attackers = [...new Set(clients.filter(({ byzantine }) => byzantine).map(({ id }) => id))].sort();
  const rows = [
    ...attackers.map((id) => [`attacker ${id.slice(0, 8)}`, ...counts(clients.filter((client) => client.id === id))]),
    ['honest clients, together', ...counts(clients.filter(({ byzantine }) => !byzantine))],
  ];
  return table(['', 'offered', 'flagged', ...layers, 'elsewhere', 'not stopped'], rows);
}

function counts(clients: readonly DemoClientResult[]): readonly number[] {
  const stoppedBy = layers.map((layer) => clients.filter((client) => client.layer === layer).length);
  const notStopped = clients.filter(({ selected }) => selected).length;
  const elsewhere = clients.length - notStopped - stoppedBy.reduce((sum, count) => sum + count, 0);
  return [clients.length, clients.filter(({ flags }) => flags.length > 0).length, ...stoppedBy, elsewhere, notStopped];
}

function remarks({ rounds, summary }: DemoResult): readonly string[] {
  const clients = rounds.flatMap((round) => round.clients);
  const selected = clients.filter(({ byzantine, selected: taken }) => byzantine && taken).length;
  const offered = clients.filter(({ byzantine }) => byzantine).length;
  const codes = [...new Set(clients.flatMap(({ code }) => code ?? []))];
  return [
    ...codes.map((code) => `${code}: ${refusalCatalogue[code].meaning}`),
    ...(selected > 0
      ? [`${selected} of ${offered} attacking updates were selected: under this much noise they look like honest ones.`]
      : []),
    ...(summary.rule === 'krum'
      ? ['Single Krum forwards one client’s update with all of its privacy noise; multi-Krum averages the noise out.']
      : []),
    ...(summary.rule === 'mean' ? ['The mean tolerates no liar: only integrity and anomaly stand in their way.'] : []),
  ];
}

function privacyText({ epsilon, delta, unit, adjacency, privacyVoid, noiseMultiplier, rounds }: DemoSummary): string {
  if (privacyVoid || epsilon === null) return 'privacy void: the noise was seeded, so that no epsilon can be claimed';
  const terms = `delta ${delta}, ${adjacency} adjacency, unit one ${unit}, noise multiplier ${noiseMultiplier.toFixed(4)}`;
  return `epsilon ${epsilon.toFixed(3)} spent by each client at most, over ${rounds === 1 ? 'its one round' : `all ${rounds} rounds`} (${terms})`;
}

function nextSteps({ dir, attack, rule }: DemoSummary): readonly string[] {
  return [
    `npm run -s muster -- rounds --dir ${dir}`,
    `npm run -s muster -- round 1 --dir ${dir}`,
    attack === 'noiseless-flip' ? 'npm run demo -- --attack label-flip' : 'npm run demo -- --attack noiseless-flip',
    rule === 'krum' ? 'npm run demo -- --rule mean' : 'npm run demo -- --rule krum',
    'npm run -s muster -- init && npm start -- --config federation.yaml',
  ];
}
