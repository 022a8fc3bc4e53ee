/** Computes at the first call; those who ask meanwhile or later share its promise. A failure is not kept. */
export function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let first: Promise<T> | null = null;
  return () => {
    if (first) return first;
    const begun = compute();
    first = begun;
    begun.catch(() => (first = null));
    return begun;
  };
}
