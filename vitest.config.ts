// How tests run: in Node. Journeys, commands and what trains by TensorFlow.js have a process for each file, so that no
// signal, socket or backend of one reaches another, and so have files that put a module in the place of another. All
// others share one process a core, which saves loading the rooms for every file.
// What needs something this machine lacks skips itself and prints why (test/support/python.ts).

import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const apart = /^test\/(bench|cli|journeys|simulation|client-sdk\/(training|privacy))\//;

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/fixtures/'));
const together = tests.filter((file) => !apart.test(file) && !readFileSync(file, 'utf8').includes('vi.mock('));

const common = {
  environment: 'node' as const,
  pool: 'forks' as const,
  // All cores: most of the time goes by waiting for disks and sockets.
  maxWorkers: '100%',
  testTimeout: 20_000,
  hookTimeout: 20_000,
};

export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'together', include: together, isolate: false } },
      { test: { ...common, name: 'apart', include: tests.filter((file) => !together.includes(file)) } },
    ],
  },
});
