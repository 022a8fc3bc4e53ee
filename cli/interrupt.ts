// Ctrl-C: the first asks everything to be put away in good order, the second does not ask any more. A reader of our
// output that goes away counts as the first. Ctrl-C in a terminal reaches a coordinator twice, as SIGINT from the terminal
// and as SIGTERM from the demo that started it: only the same signal again is a second asking.

import type { EventEmitter } from 'node:events';

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Where signals come from and how to end at once: the process itself, unless a test says otherwise. */
interface SignalSource {
  readonly source: Pick<EventEmitter, 'on' | 'off'>;
  endAtOnce(): void;
}

const thisProcess: SignalSource = { source: process, endAtOnce: () => process.exit(EXIT_INTERRUPTED) };

/** Aborts on SIGINT and SIGTERM. `dispose` gives the signals back to Node. */
export function interruption({ source, endAtOnce }: SignalSource = thisProcess): {
  readonly signal: AbortSignal;
  dispose(): void;
} {
  const controller = new AbortController();
  const heard = new Set<NodeJS.Signals>();
  const interrupt = (signal: NodeJS.Signals): void => {
    if (heard.has(signal)) endAtOnce();
    heard.add(signal);
    controller.abort(new InterruptedError('interrupted'));
  };
  for (const signal of SIGNALS) source.on(signal, interrupt);
  return {
    signal: controller.signal,
    dispose() {
      for (const signal of SIGNALS) source.off(signal, interrupt);
    },
  };
}

/** Whoever was reading has gone, as in `muster demo | head`: as good as Ctrl-C, and once only. */
export function heedClosedOutput(streams: readonly NodeJS.WriteStream[]): void {
  let isClosed = false;
  const closed = (fault: Error): void => {
    if (!('code' in fault && fault.code === 'EPIPE')) throw fault;
    if (!isClosed) process.kill(process.pid, 'SIGINT');
    isClosed = true;
  };
  for (const stream of streams) stream.on('error', closed);
}

export const EXIT_INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
