import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCommandLine } from '../../cli/run-command-line.ts';
import { attackNames } from '../../simulation/attacks.ts';
import { capturing, runHere } from '../support/captured-command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const federationCommands = ['demo', 'init', 'plan', 'start', 'rounds', 'round'];
const adminCommands = ['invite', 'invites', 'revoke-invite', 'clients', 'approve', 'ban', 'unban', 'revoke', 'rotate'];
const commands = [...federationCommands, ...adminCommands];

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
    ['an option after an argument', ['ban', 'abcdef', '--raeson', 'x'], 'unknown-option', '--raeson', '--reason?'],
  ])('%s is refused with the nearest known one', async (_what, args, code, found, hint) => {
    const { exitCode, stdout, stderr } = await runHere(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`(${code})`);
    expect(stderr).toContain(`found    ${found}`);
    expect(stderr).toContain(hint);
  });
});

describe('a command within a group', () => {
  const group = () => {
    const verify = new Command('verify')
      .argument('[file]')
      .option('--checkpoint <file>')
      .action(() => undefined);
    return [new Command('ledger').addCommand(verify).addCommand(new Command('show').action(() => undefined))];
  };
  const run = (...args: string[]) => capturing(() => runCommandLine(args, group()));

  it('runs, and has its own help', async () => {
    expect(await run('ledger', 'verify', 'here')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const { exitCode, stdout } = await run('ledger', 'verify', '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: muster ledger verify/);
  });

  it.each([
    ['a command', ['ledger', 'verfy'], 'unknown-command', 'verfy', 'did you mean verify?'],
    [
      'a command with options',
      ['ledger', 'shwo', '--checkpoint', 'x'],
      'unknown-command',
      'shwo',
      'did you mean show?',
    ],
    [
      'an option',
      ['ledger', 'verify', '--checkpont', 'x'],
      'unknown-option',
      '--checkpont',
      'did you mean --checkpoint?',
    ],
    ['an option of the group', ['ledger', '--hlep'], 'unknown-option', '--hlep', 'did you mean --help?'],
  ])('%s that is not known is refused with the nearest known one', async (_what, args, code, found, hint) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    for (const told of [`(${code})`, `found    ${found}`, hint]) expect(stderr).toContain(told);
  });

  it('is refused under its whole name for what does not fit otherwise', async () => {
    const tooMany = await run('ledger', 'verify', 'here', 'there');
    expect(tooMany).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('see muster ledger verify --help') });
    expect(await run('ledger', 'verify', '--checkpoint')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('see muster ledger verify --help'),
    });
  });

  it('is asked for with the group’s help, and 2, where the group stands alone', async () => {
    const { exitCode, stdout, stderr } = await run('ledger');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: muster ledger/);
    expect(stderr).not.toContain('refused');
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
    ['a coordinator that others reach by no known address', ['start', '--host', '0.0.0.0']],
    ['a public address that is none', ['start', '--public-url', 'fl.example.org']],
    ['a public address with a path', ['start', '--public-url', 'https://fl.example.org/federation']],
    ['a public address of another protocol', ['start', '--public-url', 'ftp://fl.example.org']],
    ['an invite with two quotas', ['start', '--invite', 'clinic=1=2']],
    ['an invite for an organisation in capitals', ['invite', 'Clinic']],
    ['an invite for nobody, later', ['invite', 'clinic', '--quota', '0']],
    ['an invite that is good for no day', ['invite', 'clinic', '--days', '0']],
    ['an invite that is good for ever', ['invite', 'clinic', '--days', '3651']],
    ['no client', ['ban']],
    ['no file to plan', ['plan']],
    ['nobody but liars', ['plan', '--config', 'federation.yaml', '--liars', '1']],
    ['fewer liars than none', ['plan', '--config', 'federation.yaml', '--liars', '-0.1']],
    ['a population of nobody', ['plan', '--config', 'federation.yaml', '--population', '0']],
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
    ['no-history', ['ban', 'abcdef', '--dir', '/nowhere']],
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

  it('that cannot be written is refused by name, unless there was another refusal to tell', async () => {
    const place = temporaryFolder();
    const json = `--json=${join(place, 'missing', 'result.json')}`;
    const done = await runHere('init', join(place, 'federation.yaml'), json);
    expect(done).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(bad-option)') });
    const refused = await runHere('rounds', '--dir', '/nowhere', json);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(no-history)') });
  });
});
