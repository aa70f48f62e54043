import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dialectNames, exportPolicy } from '../../src/index.js';
import { finished, program, runCli } from './run-cli.js';

describe.concurrent('tcp-keepalive export', () => {
  it.each(dialectNames)('--to %s prints the configuration alone, and reads it back', async (name) => {
    const { text, inForce, place } = exportPolicy('30:5:3:auto', name);
    const exported = await runCli('export', '30:5:3:auto', '--to', name);
    expect(exported).toMatchObject({ code: 0, stdout: text });
    expect(exported.stderr).toContain(`tcp-keepalive: this goes into ${place}\n`);
    // Text that begins with a hyphen is no option.
    expect(await runCli('export', '--from', name, text)).toMatchObject({ code: 0, stdout: `${inForce}\n` });
  });

  it('says on standard error what cannot be said, and what then applies', async () => {
    const { stdout, stderr } = await runCli('export', '30:5:3:auto', '--to', 'redis');
    expect(stdout).toBe('tcp-keepalive 30\n');
    expect(stderr).toMatch(/^tcp-keepalive: interval 5 s cannot be said: Redis uses a third of tcp-keepalive: 10 s$/m);
    expect(stderr).toMatch(/^tcp-keepalive: user timeout 45 s cannot be said: /m);
    expect(stderr).toMatch(/^tcp-keepalive: a quiet peer that vanishes is noticed after 60 s, not 45 s$/m);
  });

  it('reads standard input for -', async () => {
    const child = spawn(process.execPath, [program, 'export', '--from', 'sysctl', '-']);
    child.stdin.end('net.ipv4.tcp_keepalive_time = 600\n');
    const { code, stdout, stderr } = await finished(child);
    expect([code, stdout]).toEqual([0, '600:75:9\n']);
    expect(stderr).toMatch(/the text does not say the interval: .*: 75 s unless a sysctl says otherwise\n/);
  });

  it.each(['export', 'explain'])(
    '%s --from refuses standard input that cannot be read, or has no end',
    async (verb) => {
      for (const [path, message] of [
        ['/', /^tcp-keepalive: standard input could not be read: EISDIR.*\n$/],
        ['/dev/zero', /^tcp-keepalive: standard input is longer than 16 MiB; pass the lines about keepalive alone\n$/],
      ] as const) {
        const input = openSync(path, 'r');
        const child = spawn(process.execPath, [program, verb, '--from', 'nginx', '-'], {
          stdio: [input, 'pipe', 'pipe'],
        });
        closeSync(input);
        const { code, stdout, stderr } = await finished(child as never);
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toMatch(message);
      }
    },
  );

  it('prints the same as JSON', async () => {
    const exported = await runCli('export', '30:5:3:auto', '--to', 'nginx', '--json');
    expect(JSON.parse(exported.stdout)).toEqual(exportPolicy('30:5:3:auto', 'nginx'));
    expect(exported.stderr).toBe('');
    const imported = await runCli('export', '--from', 'redis', 'tcp-keepalive 0', '--json');
    expect(JSON.parse(imported.stdout)).toEqual({ dialect: 'redis', policy: 'off', notes: [] });
    const list = JSON.parse((await runCli('export', '--list', '--json')).stdout);
    expect(list.map(({ name }: { name: string }) => name)).toEqual(dialectNames);
    expect(list[0]).toMatchObject({ words: [{ word: 'so_keepalive' }], cannotSay: [{ field: 'userTimeout' }] });
    for (const { source, checked } of list) {
      expect(source).toMatch(/^https:/);
      expect(checked).toMatch(/^\d{4}-\d\d-\d\d$/);
    }
  });

  it('lists every system, one a line', async () => {
    const { stdout, stderr } = await runCli('export', '--list');
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect([head, stderr]).toEqual([expect.stringMatching(/^NAME +CANNOT SAY +SYSTEM$/), '']);
    expect(rows.map((row) => row.split(' ')[0])).toEqual(dialectNames);
  });

  it.each<[string[], RegExp]>([
    [['30:5:3', '--to', 'ngnix'], /unknown system "ngnix"; did you mean "nginx"\?/],
    [['30:5:3', '--to', 'zz'], /unknown system "zz"; known are nginx, haproxy, /],
    [['30:5', '--to', 'nginx'], /policy must be text of the form/],
    [['30000:5000:3', '--to', 'nginx'], /did you mean '30s:5s:3'\?/],
    [['off', '--to', 'sysctl'], /sysctl cannot turn keepalive off: each program/],
    [['--to', 'nginx'], /missing argument: a policy/],
    [['30:5:3', '5', '--to', 'nginx'], /too many arguments: 1 expected, got 2/],
    [['30:5:3'], /one of '--to <system>', '--from <system>' and '--list' is needed/],
    [['30:5:3', '--to', 'nginx', '--from', 'redis'], /one of '--to <system>'/],
    [['30:5:3', '--too', 'nginx'], /unknown option '--too'; did you mean "--to"\?/],
    [['--from', 'redis', '--jsn'], /unknown option '--jsn'; did you mean "--json"\?/],
    [['--list', '30:5:3'], /too many arguments: 0 expected/],
    [['--from', 'nginx'], /missing argument: the text of nginx, or - for standard input/],
    [
      ['--from', 'postgresql', 'port = 1\ntcp_keepalives_idle = x'],
      /postgresql, line 2: tcp_keepalives_idle must be .*got "x"/,
    ],
    [
      ['--from', 'nginx', '/etc/passwd'],
      /'\/etc\/passwd' is a file, and not its text; to read it, pass - < \/etc\/passwd/,
    ],
    [['--from', 'nginx', ''], /this text has none of the words of nginx, towards its clients: so_keepalive/],
    [['--from', 'nginx', 'so_keepalive=\x1b[31m'], /line 1: so_keepalive must be followed by/],
  ])('refuses %j with one line', async (args, message) => {
    const { code, stdout, stderr } = await runCli('export', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^tcp-keepalive: .+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('\x1b');
  });
});
