// Writes the database client (server/storage/generated, never committed) from schema.prisma: run by `npm ci` in a clone.
// Needs no network. Where the prisma command is not installed (a production install) there is nothing to generate from,
// and the built package in dist/ brings its client along.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const command = prismaCommand();
if (command !== undefined) generate(command);

function prismaCommand() {
  try {
    const manifest = createRequire(import.meta.url).resolve('prisma/package.json');
    return join(dirname(manifest), 'build', 'index.js');
  } catch {
    return undefined;
  }
}

function generate(prisma) {
  const ran = spawnSync(process.execPath, [prisma, 'generate', '--schema', join(here, 'schema.prisma')], {
    cwd: join(here, '..'),
    encoding: 'utf8',
    // Prisma would download an engine that generating does not use: any executable stands in for it.
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  });
  if (ran.status === 0) return;
  const reason = ran.error?.message ?? `${ran.stdout}${ran.stderr}`;
  console.error(`The database client could not be generated (prisma/generate.mjs):\n${reason}`);
  process.exitCode = 1;
}
