// Where a worker thread starts when Muster runs from its sources: it teaches the thread to read TypeScript first.

import { register } from 'tsx/esm/api';

register();
await import('./kernel-worker.ts');
