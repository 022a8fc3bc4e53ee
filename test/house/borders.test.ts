import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FixtureRepository } from '../support/fixture-repository.ts';

const rooms = [
  'transport',
  'admission',
  'update',
  'round',
  'aggregation',
  'optimiser',
  'privacy',
  'model',
  'ledger',
  'storage',
];
const AUDIT = 'server/audit';
const serverRooms = [...rooms.map((room) => `server/${room}`), AUDIT];
const sdk = ['client-sdk', 'client-sdk/platform', 'client-sdk/training'];
const unshipped = ['test', 'bench', 'examples'];
const packages = ['node:os', '@tensorflow/tfjs-core'];
const targets = ['shared', ...sdk, ...serverRooms, 'simulation', 'cli', ...unshipped, ...packages];

interface Place {
  readonly file: string;
  /** What the file may import functions and types of; of all else, nothing. */
  readonly functionsOf: readonly string[];
  readonly typesOf?: readonly string[];
}

const wholeServer = ['shared', ...serverRooms, 'node:os'];
const places: readonly Place[] = [
  { file: 'shared/vector/from.ts', functionsOf: ['shared'] },
  { file: 'client-sdk/from.ts', functionsOf: ['shared', ...sdk] },
  { file: 'client-sdk/submission/from.ts', functionsOf: ['shared', ...sdk] },
  { file: 'client-sdk/platform/from.ts', functionsOf: ['shared', ...sdk, 'node:os'] },
  { file: 'client-sdk/training/from.ts', functionsOf: ['shared', ...sdk, '@tensorflow/tfjs-core'] },
  { file: 'client-sdk/privacy/from.ts', functionsOf: ['shared', ...sdk, '@tensorflow/tfjs-core'] },
  { file: 'server/coordinator.ts', functionsOf: wholeServer },
  { file: `${AUDIT}/from.ts`, functionsOf: wholeServer },
  { file: 'server/update/receive-update.ts', functionsOf: wholeServer },
  { file: 'server/round/close-round.ts', functionsOf: wholeServer },
  ...rooms.flatMap((name): Place[] => {
    const room = `server/${name}`;
    return [
      { file: `${room}/from.ts`, functionsOf: ['shared', room, 'node:os'], typesOf: serverRooms },
      { file: `${room}/deeper/from.ts`, functionsOf: ['shared', room, 'node:os'], typesOf: serverRooms },
    ];
  }),
  { file: 'simulation/from.ts', functionsOf: [...wholeServer, ...sdk, 'simulation', '@tensorflow/tfjs-core'] },
  { file: 'cli/from.ts', functionsOf: [...wholeServer, ...sdk, 'simulation', 'cli'] },
  { file: 'bench/from.ts', functionsOf: targets.filter((target) => target !== 'cli' && target !== 'test') },
  { file: 'examples/from.ts', functionsOf: targets.filter((target) => target !== 'cli' && target !== 'test') },
  { file: 'test/server/from.ts', functionsOf: targets },
];

function specifier(from: string, target: string): string {
  if (packages.includes(target)) return target;
  const path = relative(dirname(from), `${target}/target.ts`);
  return path.startsWith('.') ? path : `./${path}`;
}

const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.number() }) })),
    }),
  ),
});

/** Line of an import in a generated file -> what it imports. Functions stand in the lines above, types below. */
const imports = [
  ...targets.map((target) => ({ target, form: 'import { it' })),
  ...targets.map((target) => ({ target, form: 'import type { It' })),
];

describe('the borders between rooms', () => {
  using repository = new FixtureRepository('empty', ['.oxlintrc.json', 'tsconfig.json']);
  for (const { file } of places) {
    mkdirSync(join(repository.folder, dirname(file)), { recursive: true });
    const lines = imports.map(({ target, form }, i) => `${form} as it${i} } from '${specifier(file, target)}';`);
    writeFileSync(join(repository.folder, file), lines.join('\n'));
  }
  const { stdout } = repository.run('oxlint', '--format=json');
  const refused = reportSchema
    .parse(JSON.parse(stdout))
    .diagnostics.filter(({ code }) => code === 'eslint(no-restricted-imports)')
    .map(({ filename, labels }) => `${filename.replaceAll('\\', '/')}:${labels[0]?.span.line}`);

  it.each(places)('of $file let through what they name and nothing else', ({ file, functionsOf, typesOf = [] }) => {
    const passed = imports.filter((_, index) => !refused.includes(`${file}:${index + 1}`));
    const allowed = imports.filter(({ target, form }) =>
      [...functionsOf, ...(form.includes('type') ? typesOf : [])].includes(target),
    );
    expect(passed).toEqual(allowed);
  });
});
