// What file permissions say counts for nothing with root, as which containers often run tests: then `act` runs as nobody.

import { chownSync } from 'node:fs';

const NOBODY = 65_534;

/** `folder` is nobody's from then on. */
export async function withoutRoot<T>(folder: string, act: () => Promise<T>): Promise<T> {
  const { geteuid, seteuid } = process;
  if (geteuid?.() !== 0 || seteuid === undefined) return await act();
  chownSync(folder, NOBODY, NOBODY);
  seteuid(NOBODY);
  try {
    return await act();
  } finally {
    seteuid(0);
  }
}
