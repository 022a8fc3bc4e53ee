// How tests run: in Node, one process per file, so that native state (TensorFlow.js, SQLite) of one file cannot reach
// another. What needs something this machine lacks skips itself and prints why (test/support/python.ts).

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    exclude: ['test/fixtures/**'],
    pool: 'forks',
    // All cores: most of the time goes by waiting for disks and sockets.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
