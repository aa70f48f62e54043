import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { sysctlSources } from '../../src/host/sysctl/sources.js';
import { runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import { FakeRoot } from './fake-root.js';
import type { Comparison } from './programs/compare-with-systemd.js';

const time = 'net.ipv4.tcp_keepalive_time';

/** `value file:line` of each source of the idle time, with the root left out. */
function timesIn(files: Record<string, string>): string[] {
  using fake = new FakeRoot(files);
  const { sources } = sysctlSources({ root: fake.root });
  return sources
    .filter(({ key }) => key === time)
    .map(({ value, file, line }) => `${value} ${file.slice(fake.root.length)}:${line}`);
}

/** The value that wins among lines of one file. */
function winnerOf(...lines: string[]): string | null | undefined {
  using fake = new FakeRoot({ 'etc/sysctl.d/a.conf': `${lines.join('\n')}\n` });
  return sysctlSources({ root: fake.root }).sources.findLast(({ key }) => key === time)?.value;
}

describe('sysctlSources', () => {
  it('reads files by name, whatever their directory', () => {
    expect(
      timesIn({
        'etc/sysctl.d/20-b.conf': `${time} = 20`,
        'run/sysctl.d/30-c.conf': `${time} = 30`,
        'usr/local/lib/sysctl.d/10-a.conf': `${time} = 10`,
        'usr/lib/sysctl.d/50-e.conf': `# of the vendor\n${time} = 50`,
        'lib/sysctl.d/40-d.conf': `${time} = 40`,
        'etc/sysctl.d/99-not-a-configuration.txt': `${time} = 99`,
      }),
    ).toEqual([
      '10 /usr/local/lib/sysctl.d/10-a.conf:1',
      '20 /etc/sysctl.d/20-b.conf:1',
      '30 /run/sysctl.d/30-c.conf:1',
      '40 /lib/sysctl.d/40-d.conf:1',
      '50 /usr/lib/sysctl.d/50-e.conf:2',
    ]);
  });

  it('sorts names as bytes: capitals before small letters', () => {
    expect(timesIn({ 'etc/sysctl.d/a.conf': `${time}=2`, 'etc/sysctl.d/B.conf': `${time}=1` })).toEqual([
      '1 /etc/sysctl.d/B.conf:1',
      '2 /etc/sysctl.d/a.conf:1',
    ]);
  });

  it('lets a name in an earlier directory hide the same name in later ones', () => {
    const vendor = { 'usr/lib/sysctl.d/50-x.conf': `${time} = 50`, 'lib/sysctl.d/50-x.conf': `${time} = 51` };
    expect(timesIn(vendor)).toEqual(['50 /usr/lib/sysctl.d/50-x.conf:1']);
    expect(timesIn({ ...vendor, 'run/sysctl.d/50-x.conf': `${time} = 1` })).toEqual(['1 /run/sysctl.d/50-x.conf:1']);
    expect(timesIn({ ...vendor, 'etc/sysctl.d/50-x.conf': '->/dev/null' })).toEqual([]);
    expect(timesIn({ ...vendor, 'etc/sysctl.d/50-x.conf': '' })).toEqual([]);
  });

  it('gives several assignments in one file their lines, the last one last', () => {
    expect(timesIn({ 'etc/sysctl.d/a.conf': `${time}=1\n\n# ${time}=2\n; ${time}=3\n${time}=4\n` })).toEqual([
      '1 /etc/sysctl.d/a.conf:1',
      '4 /etc/sysctl.d/a.conf:5',
    ]);
  });

  it.each([
    ['dots', `${time}=5`],
    ['slashes', 'net/ipv4/tcp_keepalive_time=5'],
    ['a leading slash', '/net/ipv4/tcp_keepalive_time=5'],
    ['blanks', `\t ${time} \t=\t 5  `],
    ['a dash, which lets errors pass', `-${time}=5`],
    ['a dash and a blank', `- ${time} = 5`],
    ['a pattern', 'net.ipv4.tcp_keepalive_t*=5'],
    ['a pattern in a directory', 'net.*.tcp_keepalive_time=5'],
    ['a pattern with a set', 'net.ipv4.tcp_keepalive_[!ip]ime=5'],
    ['a pattern with a named class', 'net.ipv4.tcp_keepalive_[[:lower:]]ime=5'],
    ['a pattern with braces', 'net.ipv4.tcp_keep*_{probes,time}=5'],
    ['CRLF', `${time}=5\r`],
  ])('reads %s', (_, line) => {
    expect(winnerOf(line)).toBe('5');
  });

  it.each([
    ['a key whose first separator is a dot and the next a slash', 'net.ipv4/tcp_keepalive_time=5'],
    ['another key', 'net.ipv4.tcp_keepalive_time2=5'],
    ['braces without another pattern character', 'net.ipv4.tcp_keepalive_{time,probes}=5'],
    ['a star that would have to cross a directory', 'net.*=5'],
    ['no assignment', time],
    ['an exclusion of what nothing sets', `-${time}`],
  ])('leaves out %s', (_, line) => {
    expect(winnerOf(line)).toBeUndefined();
  });

  it('puts the line that wins last', () => {
    expect(winnerOf(`${time}=1`, 'net.ipv4.tcp_keepalive_*=2')).toBe('1');
    expect(winnerOf('net.ipv4.tcp_keepalive_*=2', `-${time}`)).toBeNull();
    expect(winnerOf(`-${time}`, 'net.ipv4.tcp_keepalive_*=2')).toBeNull();
    expect(winnerOf(`${time}=1`, `-${time}`)).toBeNull();
    expect(winnerOf(`-${time}`, `${time}=1`)).toBe('1');
    expect(winnerOf('net.ipv4.tcp_keep*=1', 'net.ipv4.tcp_keepalive_*=2')).toBe('2');
    expect(winnerOf('net.ipv4.tcp_keep*=1', 'net.ipv4.tcp_keepalive_*=2', 'net.ipv4.tcp_keep*=3')).toBe('3');
    expect(winnerOf('net.ipv4.tcp_keep*=1', 'net.ipv4.tcp_keepalive_*=2', 'net.ipv4.tcp_keep*=1')).toBe('2');
  });

  it('names a pattern, and the link by which a file is read', () => {
    using fake = new FakeRoot({
      'etc/sysctl.conf': 'net.ipv4.tcp_keepalive_t* = 8\n',
      'etc/sysctl.d/99-sysctl.conf': '->../sysctl.conf',
    });
    expect(sysctlSources({ root: fake.root })).toEqual({
      sources: [
        {
          ...{ key: time, value: '8', line: 1, pattern: 'net.ipv4.tcp_keepalive_t*' },
          ...{ file: fake.path('etc/sysctl.conf'), readAs: fake.path('etc/sysctl.d/99-sysctl.conf') },
        },
      ],
      notRead: [],
      incomplete: [],
    });
  });

  it('reads /etc/sysctl.conf last without systemd, and with it only through a link', () => {
    const files = { 'etc/sysctl.conf': `${time} = 1`, 'etc/sysctl.d/99-zzz.conf': `${time} = 2` };
    expect(timesIn(files)).toEqual(['2 /etc/sysctl.d/99-zzz.conf:1', '1 /etc/sysctl.conf:1']);

    using fake = new FakeRoot({ ...files, 'usr/lib/systemd/systemd-sysctl': '' });
    const { sources, notRead } = sysctlSources({ root: fake.root });
    expect(sources.map(({ value }) => value)).toEqual(['2']);
    expect(notRead.map(({ value, file }) => [value, file])).toEqual([['1', fake.path('etc/sysctl.conf')]]);
  });

  it('tells what it could not read, and reads the rest', () => {
    using fake = new FakeRoot({ 'etc/sysctl.d/a.conf': `${time} = 1`, 'etc/sysctl.d/b.conf/inside': '' });
    fake.write('etc/sysctl.d/c.conf', '->/nowhere/at/all');
    fake.write('etc/sysctl.d/d.conf', '->/dev/pipe');
    mkdirSync(fake.path('dev'));
    spawnSync('mkfifo', [fake.path('dev/pipe')]);
    writeFileSync(fake.path('etc/sysctl.d/e.conf'), Buffer.alloc(4 * 1024 * 1024 + 1, `${time}=9\n`));
    const { sources, incomplete } = sysctlSources({ root: fake.root });
    expect(sources.map(({ value }) => value)).toEqual(['1']);
    expect(incomplete.map(({ what, why }) => [what.slice(fake.root.length), why])).toEqual([
      ['/etc/sysctl.d/b.conf', 'it is a directory, not a regular file, and was not read'],
      ['/etc/sysctl.d/c.conf', 'it does not exist'],
      ['/etc/sysctl.d/d.conf', 'it is a pipe, not a regular file, and was not read'],
      ['/etc/sysctl.d/e.conf', 'it is larger than 4194304 bytes, and was not read'],
    ]);
  });

  it('follows links and .. as a process in the root does, and never out of it', () => {
    using outside = new FakeRoot({ 'secret.conf': `${time} = 9` });
    using fake = new FakeRoot({
      'usr/lib/sysctl.d/b.conf': `${time} = 2`,
      'etc/real.conf': `${time} = 1`,
      'etc/sysctl.d/a.conf': '->/etc/real.conf',
      'etc/sysctl.d/c.conf': `->${outside.path('secret.conf')}`,
      'etc/sysctl.d/d.conf': '->../../../../../../../etc/real.conf',
      'etc/sysctl.d/e.conf': '->e.conf',
      lib: '->/usr/lib',
    });
    for (const root of [fake.root, path.relative(process.cwd(), fake.root)]) {
      const { sources, incomplete } = sysctlSources({ root });
      expect(sources.map(({ value, file }) => [value, file])).toEqual([
        ['1', fake.path('etc/real.conf')],
        ['2', fake.path('usr/lib/sysctl.d/b.conf')],
        ['1', fake.path('etc/real.conf')],
      ]);
      expect(incomplete).toEqual([
        { what: fake.path('etc/sysctl.d/c.conf'), why: 'it does not exist' },
        { what: fake.path('etc/sysctl.d/e.conf'), why: 'too many symbolic links lead from one to the next' },
      ]);
    }
  });

  it('refuses a root that does not exist', () => {
    expect(() => sysctlSources({ root: '/nowhere/at/all' })).toThrow(
      'stat(/nowhere/at/all): ENOENT, it does not exist',
    );
  });

  it('takes patterns made to be slow in its stride', () => {
    const stars = `net.ipv4.${'*a'.repeat(2000)}=5`;
    const braces = `net.ipv4.${'{a,b}'.repeat(2000)}*=5`;
    const brackets = `net.ipv4.${'['.repeat(20_000)}*=5`;
    const deep = `${'net.'.repeat(20_000)}*=5`;
    expect(winnerOf(stars, braces, brackets, deep, `${time}=1`)).toBe('1');
  });
});

const systemd = '/usr/lib/systemd/systemd-sysctl';
const lacksSystemd = !existsSync(systemd) && !existsSync(systemd.replace('/usr', ''));
const skip = cannotRun(process.getuid?.() !== 0 || lacksSystemd, 'it needs root and systemd-sysctl');

it.skipIf(skip)('finds the same winners as systemd-sysctl in random configurations', async () => {
  const isolated = [
    ...['unshare', '--net', '--mount', 'sh', '-c'],
    'for d in /etc/sysctl.d /usr/lib/sysctl.d /usr/local/lib /run; do mount -t tmpfs none $d; done; exec "$@"',
    'sh',
  ];
  const program = new URL('./programs/compare-with-systemd.ts', import.meta.url);
  const { differences, changed } = await runProgram<Comparison>(program, ['300'], isolated);
  expect(differences).toEqual([]);
  expect(changed).toBeGreaterThan(100);
});
