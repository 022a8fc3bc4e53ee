import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { federationTemplate } from '../../cli/federation-template.ts';
import { parseFederation } from '../../server/config.ts';
import { accepted } from '../../shared/protocol/refusals.ts';
import { runHere } from '../support/captured-command.ts';
import { endedRounds } from '../support/folder-remains.ts';
import { MusterProcess } from '../support/muster-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const servingSchema = z.strictObject({ url: z.url(), federation: z.string(), invites: z.array(z.string()) });

describe('muster init', () => {
  it('writes a file that parses with every default in it, and says how to serve it', async () => {
    const file = join(temporaryFolder(), 'federation.yaml');
    const { exitCode, stdout } = await runHere('init', file);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `${file} written. Serve it with: npm start -- --config ${file}\n`,
    });
    const written: unknown = parse(readFileSync(file, 'utf8'));
    const config = accepted(parseFederation(written));
    // What the comments call a default is one: without those keys the federation is the same.
    const { federation, rounds, model, training, privacy } = z.looseObject({}).parse(written);
    expect(accepted(parseFederation({ federation, rounds, model, training, privacy }))).toEqual(config);
  });

  it('overwrites nothing', async () => {
    const file = join(temporaryFolder(), 'federation.yaml');
    writeFileSync(file, 'mine');
    const { exitCode, stdout } = await runHere('init', file, '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'bad-option', message: `${file} is there already` } });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('refuses a file in a folder that is not there', async () => {
    const { exitCode, stderr } = await runHere('init', join(temporaryFolder(), 'missing', 'federation.yaml'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('make the folder first');
  });
});

describe('muster start', () => {
  it('serves what init wrote, lets an invited client in, and is gone after SIGTERM, with 130', async () => {
    const place = temporaryFolder();
    const [file, dir] = [join(place, 'federation.yaml'), join(place, 'served')];
    writeFileSync(file, federationTemplate);
    const args = ['--config', file, '--dir', dir, '--port', '0', '--invite', 'north=2', '--invite', 'south'];
    const coordinator = new MusterProcess('start', ...args, '--json');
    const [json = ''] = await coordinator.printed(/^\{[^]*?^\}$/m);
    const { url, federation, invites } = servingSchema.parse(JSON.parse(json));
    expect(federation).toBe('digits');
    expect(invites).toHaveLength(2);
    expect(await (await fetch(new URL('/health', url))).json()).toEqual({ status: 'ok', federation: 'digits' });
    const config = accepted(parseFederation(parse(federationTemplate)));
    const [invite = ''] = invites;
    const seed = '1'.repeat(64);
    using client = await RawClient.join({ url, federation: config.federation, invite, seed });
    expect(client.joined).toMatchObject({ organisation: 'north', finished: false, offer: null });

    coordinator.signal('SIGTERM');
    expect((await coordinator.end()).exitCode).toBe(130);
    await coordinator.gone();
    expect(await endedRounds(dir)).toEqual([]);
  });

  it('prints address, invites and what comes next, and issues no invite for an old folder unless asked for', async () => {
    const dir = join(temporaryFolder(), 'data');
    const started = async (...args: string[]): Promise<readonly string[]> => {
      const coordinator = new MusterProcess('start', '--dir', dir, '--port', '0', ...args);
      await coordinator.printed(/Stop with Ctrl-C/);
      coordinator.signal('SIGINT');
      const { exitCode, stdout } = await coordinator.end();
      expect(exitCode).toBe(130);
      return stdout.split('\n');
    };
    const address = expect.stringMatching(/^Federation "digits" is served at http:\/\/127\.0\.0\.1:\d+$/);
    const invite = expect.stringMatching(/^Invite: digits\.[0-9a-f]{64}\.[0-9a-f]{64}$/);
    const next = expect.stringMatching(/^A round starts when \d+ clients have joined\./);
    expect(await started()).toEqual([address, invite, next, '']);
    expect(await started()).toEqual([address, next, '']);
    expect(await started('--invite', 'north', '--invite', 'south=3')).toEqual([address, invite, invite, next, '']);
    const { stdout } = await runHere('invites', '--dir', dir);
    for (const line of [/community +open +0 of 100/, /north +open +0 of 1 /, /south +open +0 of 3 /])
      expect(stdout).toMatch(line);
  });

  it('is known by the address that clients are told, where others than this machine reach it', async () => {
    const dir = join(temporaryFolder(), 'data');
    const place = ['--dir', dir, '--port', '0', '--host', '0.0.0.0'];
    const refused = await runHere('start', ...place);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--public-url https://') });
    const coordinator = new MusterProcess('start', ...place, '--public-url', 'https://fl.example.org/');
    await coordinator.printed(/is served at https:\/\/fl\.example\.org\n/);
    const { stdout } = await runHere('invite', 'clinic', '--dir', dir);
    expect(stdout).toMatch(/^digits\./);
    coordinator.signal('SIGINT');
    await coordinator.end();
  });

  it.each([
    ['a file that is not there', undefined, 'muster init'],
    ['a file that is not YAML', 'a: [', 'YAML'],
    ['a misspelt key', federationTemplate.replace('rounds:', 'ronds:'), 'did you mean "rounds"?'],
    ['a rule nobody knows', federationTemplate.replace('name: multi-krum', 'name: multy-krum'), 'multi-krum'],
    ['an f that the rule cannot carry', federationTemplate.replace('f: 0.2', 'f: 9'), 'f = 9'],
    ['a negative deadline', federationTemplate.replace('deadlineMs: 60000', 'deadlineMs: -1'), 'cohort.deadlineMs'],
  ])('refuses %s, with 2', async (_what, text, told) => {
    const place = temporaryFolder();
    const file = join(place, 'federation.yaml');
    if (text !== undefined) writeFileSync(file, text);
    const ended = await runHere('start', '--config', file, '--dir', join(place, 'data'), '--port', '0');
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ended.stderr).toContain(told);
  });
});

describe('a reader that goes away', () => {
  it('ends the command without a stack trace', async () => {
    const command = new MusterProcess('demo', '--help');
    command.closeOutput();
    const { exitCode, stderr } = await command.end();
    expect(stderr).toBe('');
    expect(exitCode).not.toBe(1);
  });
});
