import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { attackNames } from '../../simulation/attacks.ts';
import { runHere } from '../support/captured-command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const commands = ['demo', 'init', 'start', 'rounds', 'round'];

const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string().min(1),
    expected: z.string().nullable(),
    found: z.string().nullable(),
    hint: z.string().nullable(),
  }),
});

describe('--help', () => {
  it.each([[], ...commands.map((command) => [command])])(
    'of muster %s goes to stdout and ends with 0',
    async (...command) => {
      const { exitCode, stdout, stderr } = await runHere(...command, '--help');
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: muster/);
    },
  );

  it('names every command, and every attack of the demo', async () => {
    const { stdout } = await runHere('--help');
    for (const command of commands) expect(stdout).toContain(`  ${command} `);
    const demo = await runHere('demo', '--help');
    for (const attack of attackNames) expect(demo.stdout).toContain(`  ${attack} `);
  });

  it('is what one gets without a command, on stderr and with 2', async () => {
    const { exitCode, stdout } = await runHere();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('what is not known', () => {
  it.each([
    ['a command', ['roundz'], 'unknown-command', 'roundz', 'did you mean rounds?'],
    ['a command with options', ['strat', '--port', '0'], 'unknown-command', 'strat', 'did you mean start?'],
    ['an option', ['demo', '--cleints', '6'], 'unknown-option', '--cleints', 'did you mean --clients?'],
    ['an option of another command', ['rounds', '--rule', 'krum'], 'unknown-option', '--rule', 'did you mean --help?'],
    ['an attack', ['demo', '--attack', 'sing-flip'], 'unknown-attack', 'sing-flip', 'did you mean sign-flip?'],
    ['a rule', ['demo', '--rule', 'multikrum'], 'unknown-rule', 'multikrum', 'did you mean multi-krum?'],
  ])('%s is refused with the nearest known one', async (_what, args, code, found, hint) => {
    const { exitCode, stdout, stderr } = await runHere(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(`found    ${found}`);
    expect(stderr).toContain(hint);
  });
});

describe('a value that does not fit', () => {
  it.each([
    ['text for a number', ['demo', '--clients', 'six']],
    ['too many clients', ['demo', '--clients', '401']],
    ['no client', ['demo', '--clients', '0']],
    ['a negative number', ['demo', '--byzantine', '-1']],
    ['half a round', ['demo', '--rounds', '1.5']],
    ['no round', ['demo', '--rounds', '0']],
    ['no budget', ['demo', '--epsilon', '0']],
    ['an endless budget', ['demo', '--epsilon', 'Infinity']],
    ['a seed beyond 32 bits', ['demo', '--seed', '4294967296']],
    ['more liars than clients', ['demo', '--clients', '20', '--byzantine', '21', '--f', '1']],
    ['a port that is none', ['start', '--port', '65536']],
    ['an organisation in capitals', ['start', '--invite', 'Clinic=1']],
    ['an invite for nobody', ['start', '--invite', 'clinic=0']],
    ['an option without its value', ['demo', '--dir']],
    ['an argument too many', ['rounds', 'all']],
    ['a round that is no number', ['round', 'first']],
    ['no round number', ['round']],
  ])('%s is refused as bad-option, with 2', async (_what, args) => {
    const { exitCode, stdout, stderr } = await runHere(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^refused: .*\(bad-option\)\n/);
  });

  it.each([
    ['multi-krum', '6', '2', 'the largest f that fits is 1'],
    ['krum', '20', '9', 'the largest f that fits is 8'],
    ['multi-krum', '2', '0', 'multi-krum needs more clients even for f = 0'],
  ])('%s with %s clients and f = %s is refused before anything starts', async (rule, clients, f, hint) => {
    const dir = join(temporaryFolder(), 'demo');
    const args = ['--dir', dir, '--clients', clients, '--byzantine', '0', '--f', f, '--rule', rule];
    const { exitCode, stderr } = await runHere('demo', ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('(f-too-large)');
    expect(stderr).toContain(hint);
  });
});

describe('--json', () => {
  it.each([
    ['unknown-command', ['rond']],
    ['unknown-option', ['demo', '--rulez', 'krum']],
    ['unknown-attack', ['demo', '--attack', 'x']],
    ['bad-option', ['demo', '--clients', 'six']],
    ['no-history', ['rounds', '--dir', '/nowhere']],
  ])('gives %s as one object with every key, beside the words on stderr', async (code, args) => {
    const { exitCode, stdout, stderr } = await runHere(...args, '--json');
    expect(exitCode).toBe(2);
    expect(errorSchema.parse(JSON.parse(stdout)).error.code).toBe(code);
    expect(stderr).toContain(`(${code})`);
  });

  it.each(['--json FILE', '--json=FILE'])(
    'writes an error into the file of %s, and nothing to stdout',
    async (form) => {
      const file = join(temporaryFolder(), 'error.json');
      const json = form.replace('FILE', file).split(' ');
      const { exitCode, stdout } = await runHere('rounds', '--dir', '/nowhere', ...json);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(errorSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).error.code).toBe('no-history');
    },
  );

  it('gives a fault of ours the same form, with 1', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'muster.sqlite'), 'no database at all, however long one looks at it'.repeat(100));
    const { exitCode, stdout, stderr } = await runHere('rounds', '--dir', dir, '--json');
    expect(exitCode).toBe(1);
    expect(errorSchema.parse(JSON.parse(stdout)).error.code).toBe('fault');
    expect(stderr).toMatch(/^fault: /);
  });

  it('that cannot be written is told as a fault, whatever else there was to tell', async () => {
    const place = temporaryFolder();
    const json = `--json=${join(place, 'missing', 'result.json')}`;
    const done = await runHere('init', join(place, 'federation.yaml'), json);
    expect(done).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('fault: ENOENT') });
    const refused = await runHere('rounds', '--dir', '/nowhere', json);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(no-history)') });
  });
});
