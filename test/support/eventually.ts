// Waits for what another socket or process does and tells nobody: asks again, and again, until it is so.

const PAUSE_MS = 10;

/** Resolves to the first result that is not undefined. The test's own time limit ends it otherwise. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
