// Bundles given to examples/verify_bundle.py, all in one process: what it says to each.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { temporaryFolder } from './temporary-folder.ts';

const driver = `
import contextlib, io, json, sys
sys.path.insert(0, 'examples')
import verify_bundle
said = []
for path in sys.argv[1:]:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            verify_bundle.verify(path, None, None)
        said.append('verified')
    except Exception as fault:
        said.append(f'{type(fault).__name__}: {fault}')
print(json.dumps(said))
`;

/** "verified", or why not; in the order given. */
export function verifyWithPython(command: string, bundles: readonly Uint8Array[]): readonly string[] {
  const folder = temporaryFolder();
  const paths = bundles.map((bytes, index) => {
    const path = join(folder, `${index}.zip`);
    writeFileSync(path, bytes);
    return path;
  });
  const { stdout, stderr, status } = spawnSync(command, ['-c', driver, ...paths], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the driver failed: ${stderr}`);
  return z.array(z.string()).parse(JSON.parse(stdout));
}
