import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { cannotRun } from '../requirement.js';
import { runCli } from './run-cli.js';

let page = '';
beforeAll(async () => {
  const { code, stdout, stderr } = await runCli('man');
  expect([code, stderr]).toEqual([0, '']);
  page = stdout;
});

const pipe = (command: string, ...args: string[]) => {
  const env = { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' };
  const { status, stdout, stderr } = spawnSync(command, args, { input: page, encoding: 'utf8', env });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: man prints bold letters twice
  return { status, text: stdout.replaceAll(/.\u0008/g, ''), complaints: stderr };
};
const lacks = (tool: string) =>
  cannotRun(spawnSync(tool, ['--version']).error !== undefined, `it needs ${tool} (see .ci/run)`);

describe('tcp-keepalive man', () => {
  it.skipIf(lacks('mandoc'))('has no fault that mandoc finds, apart from its date: it has none', () => {
    const { text, complaints } = pipe('mandoc', '-T', 'lint', '-W', 'warning');
    const lines = (text + complaints).trim().split('\n');
    expect(lines).toEqual([expect.stringContaining('WARNING: missing date, using ""')]);
  });

  it.skipIf(lacks('groff'))('has no fault that groff finds', () => {
    expect(pipe('groff', '-man', '-Tutf8', '-ww')).toMatchObject({ status: 0, complaints: '' });
  });

  it.skipIf(lacks('man'))('is read by man, with every verb, its options, exit codes and examples', async () => {
    const { status, text, complaints } = pipe('man', '--no-hyphenation', '--no-justification', '-l', '-');
    expect([status, complaints]).toEqual([0, '']);
    expect(text).toMatch(/^NAME\n +tcp-keepalive - /m);
    for (const verb of [
      'ls',
      'set',
      'check',
      'plan',
      'demo',
      'defaults',
      'defaults set',
      'export',
      'completion',
      'man',
    ]) {
      expect(text).toMatch(new RegExp(`^   ${verb}\n +tcp-keepalive ${verb} `, 'm'));
      const { stdout } = await runCli(...verb.split(' '), '--help');
      const flags = stdout.match(/^ {2}-.*?(?= {2}|$)/gm)?.map((line) => line.trim().replaceAll(/[<>]/g, '')) ?? [];
      expect(flags.length).toBeGreaterThan(0);
      for (const flag of flags) expect(text).toContain(`       ${flag}`);
    }
    expect(text).toMatch(/^ +Exit code: 0 listed; 1 wrong usage, nothing matches/m);
    expect(text).toMatch(/^ +\$ tcp-keepalive set 30:5:3:auto --port local:5432 --record before\.json$/m);
  });

  it('is in the package', () => {
    expect(readFileSync(new URL(`../../${manifest.man}`, import.meta.url), 'utf8')).toBe(page);
  });
});
