// A process or a thread of its own: says that it is ready, counts in a folder as it is told, and says when it is done.

import { parentPort } from 'node:worker_threads';
import { countInLedgerFolder, countTask } from './count-in-ledger-folder.ts';

const port = parentPort ?? process;
const say = (word: string): unknown => (parentPort ? parentPort.postMessage(word, []) : process.send?.(word));

port.once('message', (task: unknown) => void countInLedgerFolder(countTask.parse(task)).then(() => say('done')));
say('ready');
