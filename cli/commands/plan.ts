// muster plan: what a federation file promises, before it is served.

import { Command } from 'commander';
import { accepted } from '../../shared/protocol/refusals.ts';
import { readFederationFile } from '../../server/config.ts';
import { vetConfig } from '../../server/vet-config.ts';
import { type CohortPlan, cohortPlan, type PlannedCohort } from '../cohort-plan.ts';
import { share, wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult } from '../output.ts';
import { counted, table } from '../text.ts';

interface PlanOptions {
  readonly config: string;
  readonly population?: number;
  readonly liars: number;
  readonly json?: JsonTarget;
}

export function planCommand(): Command {
  return new Command('plan')
    .description('Show how many liars and drop-outs a federation file carries, and how likely there are more.')
    .requiredOption('--config <file>', 'federation file')
    .option('--population <n>', 'clients that cohorts are drawn from (5 x cohort.size)', wholeNumber('--population', 1))
    .option('--liars <share>', 'share of them that lies', share('--liars'), 0.1)
    .option('--json [file]', 'the plan as JSON, on stdout or in a file')
    .action(async ({ config: file, population, liars: liarShare, json }: PlanOptions) => {
      const config = accepted(await readFederationFile(file));
      const { rule } = accepted(await vetConfig(config));
      const plan = accepted(cohortPlan({ config, rule, population, liarShare }));
      await printResult(plan, planText(plan), json);
    });
}

function planText(plan: CohortPlan): string {
  const { rule, rounds, population, liars, cohorts } = plan;
  const head = ['n', 'f', 'needs updates', 'may drop out', 'more than f liars: in a round', `in ${rounds} rounds`];
  return [
    `${rule}, ${counted(rounds, 'round')}; cohorts drawn from ${counted(population, 'client')}, ${liars} of them lying`,
    '',
    table(head, cohorts.map(cohortRow)),
    ...remarks(plan),
  ].join('\n');
}

function cohortRow({ n, f, neededUpdates, dropOuts, chance }: PlannedCohort): readonly (string | number)[] {
  return [n, f, neededUpdates, dropOuts, chanceText(chance?.perRound), chanceText(chance?.overall)];
}

const chanceText = (chance: number | undefined): string =>
  chance === undefined ? '-' : chance === 0 ? '0' : chance.toPrecision(3);

function remarks({ maxPerOrganisation: cap, dishonestOrganisations: g, cohorts }: CohortPlan): readonly string[] {
  if (g !== null) {
    const organisations = counted(g, 'dishonest organisation');
    return ['', `f covers every client of ${organisations}: it cannot be passed unless more of them are dishonest.`];
  }
  if (cap === null) return [];
  return [
    '',
    `At most ${counted(cap, 'client')} of one organisation in a cohort: the draw is not uniform, and no chance can be`,
    `given without knowing who is of which. A cohort of ${cohorts.map(({ n }) => n).join(' or ')} needs clients of ${cohorts.map(({ n }) => Math.ceil(n / cap)).join(' or ')} organisations.`,
  ];
}
