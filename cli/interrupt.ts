// Ctrl-C: the first asks everything to be put away in good order, the second does not ask any more.

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

export const EXIT_INTERRUPTED = 130;
