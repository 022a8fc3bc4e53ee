import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAX_EXPORT_BYTES } from '../../server/audit/ledger-export.ts';
import { runHere } from '../support/captured-command.ts';
import { startWorld } from '../support/journey-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

it('muster ledger and muster bundle export and verify beside a running coordinator', { timeout: 60_000 }, async () => {
  await using world = await startWorld({ clients: 6 });
  await world.record(1);
  const at = ['--dir', join(world.dir, 'coordinator')];
  const out = temporaryFolder();
  const [note, file, bundle] = [join(out, 'note'), join(out, 'ledger.json'), join(out, 'round-1.zip')];
  const key = world.invite.split('.').at(-1) ?? '';

  const checkpoint = await runHere('ledger', 'checkpoint', ...at);
  expect(checkpoint).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^muster\/journeys\n/) });
  writeFileSync(note, checkpoint.stdout);
  const held = ['--checkpoint', note, '--key', key];
  expect(await runHere('ledger', 'verify', ...at, ...held)).toMatchObject({ exitCode: 0 });
  expect(await runHere('ledger', 'export', file, ...at)).toMatchObject({ exitCode: 0 });
  const json = await runHere('ledger', 'verify', '--export', file, ...held, '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ verified: { ledgerKey: key } });
  expect(await runHere('bundle', 'export', '1', bundle, ...at, '--checkpoint', note)).toMatchObject({ exitCode: 0 });
  const verified = await runHere('bundle', 'verify', bundle, ...held);
  expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('What this cannot show') });

  writeFileSync(file, readFileSync(file, 'utf8').replace(key, 'ab'.repeat(32)));
  expect(await runHere('ledger', 'verify', '--export', file)).toMatchObject({ exitCode: 2 });
  truncateSync(file, MAX_EXPORT_BYTES + 1);
  const large = await runHere('ledger', 'verify', '--export', file);
  expect(large).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('too large') });
  truncateSync(bundle, 2 ** 32);
  expect(await runHere('bundle', 'verify', bundle)).toMatchObject({ exitCode: 2 });
  for (const args of [
    ['bundle', 'verify', out],
    ['ledger', 'verify', ...at, '--key', 'x'],
    ['bundle', 'export', '9', bundle, ...at],
  ])
    expect(await runHere(...args)).toMatchObject({ exitCode: 2 });
});

it('muster ledger recover writes down what a restored backup kept', { timeout: 60_000 }, async () => {
  const [backup, note] = [join(temporaryFolder(), 'backup'), join(temporaryFolder(), 'note')];
  const dir = await (async (): Promise<string> => {
    await using world = await startWorld({ clients: 6, config: { rounds: 2 } });
    await world.record(1);
    const running = await runHere('ledger', 'recover', '--dir', join(world.dir, 'coordinator'));
    expect(running).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('folder-in-use') });
    await world.record(2);
    return join(world.dir, 'coordinator');
  })();
  cpSync(dir, backup, { recursive: true });
  const recovered = await runHere('ledger', 'recover', '--dir', backup, '--json');
  expect(JSON.parse(recovered.stdout)).toMatchObject({ recovered: { size: expect.any(Number) } });
  expect(await runHere('ledger', 'verify', '--dir', backup)).toMatchObject({ exitCode: 0 });
  writeFileSync(note, (await runHere('ledger', 'checkpoint', '--dir', backup)).stdout);
  const without = await runHere('ledger', 'verify', '--dir', dir, '--checkpoint', note);
  expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('ledger-rewritten') });

  writeFileSync(join(backup, 'ledger-key'), `${'ab'.repeat(32)}\n`);
  const otherKey = await runHere('ledger', 'recover', '--dir', backup);
  expect(otherKey).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('ledger-key') });
  expect(await runHere('ledger', 'recover', '--dir', join(backup, 'nothing'))).toMatchObject({ exitCode: 2 });
});
