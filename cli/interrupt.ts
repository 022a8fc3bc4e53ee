// Ctrl-C: the first asks everything to be put away in good order, the second does not ask any more. A reader of our
// output that goes away counts as the first.

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Aborts on SIGINT and SIGTERM. `dispose` gives the signals back to Node. */
export function interruption(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort(new InterruptedError('interrupted'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    dispose() {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
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
