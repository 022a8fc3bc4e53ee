// muster bundle: one round in one file, and its verification by anyone: proofs, statements, and the model computed again.

import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { accepted } from '../../shared/protocol/refusals.ts';
import { exportBundle } from '../../server/audit/export-bundle.ts';
import { MAX_BUNDLE_BYTES } from '../../server/audit/bundle-form.ts';
import { verifyBundle, type VerifiedBundle } from '../../server/audit/verify-bundle.ts';
import { heldEvidence, type HeldOptions, ledgerKey, readCapped } from '../held-evidence.ts';
import { wholeNumber } from '../option-values.ts';
import { type JsonTarget, printResult } from '../output.ts';
import { counted } from '../text.ts';
import { withFolder } from '../with-folder.ts';

type ExportOptions = Pick<HeldOptions, 'checkpoint'> & {
  readonly dir: string;
  readonly withUpdates?: boolean;
  readonly json?: JsonTarget;
};
type VerifyOptions = HeldOptions & { readonly json?: JsonTarget };

export function bundleCommand(): Command {
  const bundle = new Command('bundle')
    .description('Export a round for others to verify, and verify one.')
    .helpCommand(false);
  bundle.addCommand(exportCommand());
  bundle.addCommand(verifyCommand());
  return bundle;
}

function exportCommand(): Command {
  return new Command('export')
    .description('Write a round with its updates, models and proofs to one file.')
    .argument('<number>', 'the round', wholeNumber('the round', 1))
    .argument('<file>', 'where to write it')
    .option('--dir <folder>', 'data folder', 'muster-data')
    .option('--checkpoint <file>', 'a checkpoint that somebody holds: the bundle proves that it continues it')
    .option('--with-updates', 'under central privacy: the updates too, which undo its noise (others always hold them)')
    .option('--json [file]', 'the result as JSON, on stdout or in a file')
    .action(async (round: number, file: string, { dir, json, withUpdates, ...options }: ExportOptions) => {
      const { checkpoint: held } = await heldEvidence(options);
      const wish = { round, held, withUpdates };
      const { bytes, holdsUpdates } = accepted(await withFolder(dir, (open) => exportBundle(wish, open)));
      await writeFile(file, bytes, { mode: 0o600 });
      const shown = holdsUpdates
        ? 'It holds the updates of the round: give it to whom they may be shown.'
        : 'It holds no update, nor a figure of one, and may be given to anybody.';
      const text = `Round ${round} written to ${file} (${bytes.length} bytes). ${shown}`;
      await printResult({ file, round, byteLength: bytes.length }, text, json);
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('Verify a bundle and compute the model of its round again.')
    .argument('<file>', 'the bundle')
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere, which the bundle has to continue')
    .option('--key <hex>', 'the key that the ledger has to be of, as an invite states it', ledgerKey('--key'))
    .option('--json [file]', 'the result as JSON, on stdout or in a file')
    .action(async (file: string, { json, ...options }: VerifyOptions) => {
      const held = await heldEvidence(options);
      const verified = accepted(await verifyBundle(await readCapped(file, MAX_BUNDLE_BYTES), held));
      await printResult({ verified }, verifiedText(verified), json);
    });
}

const makers: Readonly<Record<VerifiedBundle['recomputedFrom'], string>> = {
  updates: 'its rule',
  'released-aggregate': 'the aggregate that was released, noise included,',
  'released-aggregate-and-un-noised-sum':
    'the aggregate that was released, which is the sum of the updates and noise of the declared size,',
};

function verifiedText({
  federation,
  round,
  state,
  model,
  updates,
  recomputedFrom,
  head,
  ledgerKey: key,
  cannotKnow,
}: VerifiedBundle): string {
  const abandoned = recomputedFrom === 'updates' ? 'and had to be abandoned' : 'and was abandoned';
  const outcome = model === null ? abandoned : `and ${makers[recomputedFrom]} makes the model ${model}`;
  return [
    `Round ${round} of ${federation} is as its ledger says: ${state} with ${counted(updates, 'update')}, ${outcome}.`,
    `Proven under the checkpoint of size ${head.size}, root ${head.root}, of the key ${key}.`,
    'What this cannot show:',
    ...cannotKnow.map((sentence) => `  ${sentence}`),
  ].join('\n');
}
