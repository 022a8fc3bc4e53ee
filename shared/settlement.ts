/** A promise with its two ends in hand (Promise.withResolvers, which Node 20 lacks). */
export interface Settlement<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (fault: unknown) => void;
}

export function settlement<T>(): Settlement<T> {
  let ends: Pick<Settlement<T>, 'resolve' | 'reject'> = { resolve: () => undefined, reject: () => undefined };
  const promise = new Promise<T>((resolve, reject) => {
    ends = { resolve, reject };
  });
  return { promise, ...ends };
}
