import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { DefaultsChange } from '../../src/host/sysctl/change.js';
import { FileError } from '../../src/host/sysctl/file-error.js';
import { kernelDefaultsReport } from '../../src/host/sysctl/report.js';
import { type SetKernelDefaultsOptions, setKernelDefaults } from '../../src/host/sysctl/set-defaults.js';
import { sysctlSources } from '../../src/host/sysctl/sources.js';
import { undoKernelDefaults } from '../../src/host/sysctl/undo-defaults.js';
import { ConfigurationError, kernelDefaults, PolicyError, type PolicyInput, SystemCallError } from '../../src/index.js';
import { cannotRun } from '../requirement.js';
import { FakeRoot } from './fake-root.js';

const dropIn = 'etc/sysctl.d/60-tcp-keepalive.conf';
const log = 'var/lib/tcp-keepalive/defaults-undo.json';
const before = { idle: 7_200_000, interval: 75_000, count: 9 };
const after = { idle: 600_000, interval: 30_000, count: 5 };
const lines =
  'net.ipv4.tcp_keepalive_time = 600\nnet.ipv4.tcp_keepalive_intvl = 30\nnet.ipv4.tcp_keepalive_probes = 5\n';

function set(fake: FakeRoot, policy: PolicyInput, options: SetKernelDefaultsOptions = {}): DefaultsChange {
  return setKernelDefaults(policy, { root: fake.root, ...options });
}

/** Every file below the root with its content, kind and mode. */
function contentsOf({ root }: FakeRoot): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const status = statSync(`${root}/${name}`, { throwIfNoEntry: false });
      return `${name} ${status?.mode} ${status?.isFile() ? readFileSync(`${root}/${name}`, 'latin1') : ''}`;
    });
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

/** That setting is refused for the file's sake and changes nothing; gives the error. */
function refusal(fake: FakeRoot, options: SetKernelDefaultsOptions = {}): FileError {
  const contents = contentsOf(fake);
  const error = errorOf(() => set(fake, '600:30:5', options)) as FileError;
  expect(error).toBeInstanceOf(FileError);
  expect(error.code).toBe('ERR_KEEPALIVE_FILE');
  expect(contentsOf(fake)).toEqual(contents);
  return error;
}

describe('setKernelDefaults', () => {
  it('writes a drop-in and the kernel, and says what was before', () => {
    using fake = new FakeRoot();
    expect(set(fake, '600:30:5')).toEqual({
      ...{ applied: true, before, after, overriddenBy: [], warnings: [], incomplete: [] },
      file: { path: fake.path(dropIn), action: 'created' },
    });
    expect(fake.kernel).toEqual([600, 30, 5]);
    expect(fake.read(dropIn)).toMatch(new RegExp(`^(#.*\n)+${lines}$`));
    expect(statSync(fake.path(dropIn)).mode & 0o7777).toBe(0o644);
    expect(readdirSync(fake.path('etc/sysctl.d'))).toEqual(['60-tcp-keepalive.conf']);
  });

  it('sets only what the policy has', () => {
    using fake = new FakeRoot();
    expect(set(fake, { interval: '20s' }).after).toEqual({ ...before, interval: 20_000 });
    expect(fake.kernel).toEqual([7200, 20, 9]);
    expect(fake.read(dropIn)).not.toContain('tcp_keepalive_time');
  });

  it('keeps every other byte of a file, and replaces values where they stand', () => {
    const text = [
      '# \xe4\xff of somebody, in no known encoding\0\r\n',
      'net.ipv4.tcp_keepalive_time = 1\n',
      '\n\t-net/ipv4/tcp_keepalive_time\t=  7200 \t\n',
      'kernel.panic = 10\n# net.ipv4.tcp_keepalive_intvl = 3\n',
      'net.ipv4.tcp_keepalive_t* = 4\n',
      'vm.swappiness=1',
    ];
    using fake = new FakeRoot();
    writeFileSync(fake.path('etc/sysctl.conf'), Buffer.from(text.join(''), 'latin1'));
    const { file } = set(fake, '600:30:5', { file: '/etc/sysctl.conf' });
    expect(file).toEqual({ path: fake.path('etc/sysctl.conf'), action: 'changed' });
    text[2] = '\n\t-net/ipv4/tcp_keepalive_time\t=  600 \t\n';
    const added = '\nnet.ipv4.tcp_keepalive_intvl = 30\nnet.ipv4.tcp_keepalive_probes = 5\n';
    expect(fake.read('etc/sysctl.conf')).toBe(text.join('') + added);
  });

  it.each([
    ['', lines],
    ['a = 1\r\n', `a = 1\r\n${lines.replaceAll('\n', '\r\n')}`],
    ['net.ipv4.tcp_keepalive_time=\n', lines.replace(/.*\n/, 'net.ipv4.tcp_keepalive_time=600\n')],
    [
      'net.ipv4.tcp_keepalive_time = 1\n-net.ipv4.tcp_keepalive_time\n',
      `net.ipv4.tcp_keepalive_time = 1\n-net.ipv4.tcp_keepalive_time\n${lines}`,
    ],
  ])('makes of %j what decides', (text, expected) => {
    using fake = new FakeRoot({ [dropIn]: text });
    expect(set(fake, '600:30:5').overriddenBy).toEqual([]);
    expect(fake.read(dropIn)).toBe(expected);
  });

  it('keeps mode and group of the file', () => {
    using fake = new FakeRoot({ 'etc/sysctl.conf': '' });
    chmodSync(fake.path('etc/sysctl.conf'), 0o640);
    if (process.getuid?.() === 0) chownSync(fake.path('etc/sysctl.conf'), 0, 4242);
    const { gid } = statSync(fake.path('etc/sysctl.conf'));
    set(fake, '600:30:5', { file: '/etc/sysctl.conf' });
    expect(statSync(fake.path('etc/sysctl.conf'))).toMatchObject({ mode: 0o100640, gid });
  });

  it('changes nothing the second time, and leaves one step to take back', () => {
    using fake = new FakeRoot();
    set(fake, '600:30:5');
    const contents = contentsOf(fake);
    expect(set(fake, '600:30:5')).toMatchObject({ applied: true, before: after, after, file: { action: 'unchanged' } });
    expect(contentsOf(fake)).toEqual(contents);
  });

  it('leaves the files alone with runtimeOnly', () => {
    using fake = new FakeRoot();
    expect(set(fake, '600:30:5', { runtimeOnly: true })).toMatchObject({ applied: true, before, after, file: null });
    expect(fake.kernel).toEqual([600, 30, 5]);
    expect(readdirSync(fake.path('etc/sysctl.d'))).toEqual([]);
  });

  it('changes nothing with dryRun', () => {
    using fake = new FakeRoot();
    const contents = contentsOf(fake);
    expect(set(fake, '600:30:5', { dryRun: true })).toMatchObject({
      ...{ applied: false, before, after, incomplete: [] },
      file: { path: fake.path(dropIn), action: 'created' },
    });
    expect(contentsOf(fake)).toEqual(contents);
  });

  it('says which line decides otherwise when the machine starts', () => {
    const later = 'net/ipv4/tcp_keepalive_intvl=99\n-net.ipv4.tcp_keepalive_probes\nnet.ipv4.tcp_keepalive_t*=1\n';
    using fake = new FakeRoot({ 'usr/lib/sysctl.d/90-later.conf': later, 'etc/sysctl.d/10-sooner.conf': lines });
    const file = fake.path('usr/lib/sysctl.d/90-later.conf');
    expect(set(fake, '600:30:5').overriddenBy).toEqual([
      { key: 'net.ipv4.tcp_keepalive_intvl', file, line: 1, value: '99' },
      { key: 'net.ipv4.tcp_keepalive_probes', file, line: 2, value: null },
    ]);
  });

  it.each([
    ['hidden by a name in /etc', { 'etc/sysctl.d/x.conf': '->/dev/null' }, '/usr/lib/sysctl.d/x.conf', 'is not read'],
    ['no name that ends in .conf', {}, '/etc/sysctl.d/x', 'is not read'],
    ['a directory that nothing reads', {}, '/var/lib/x.conf', 'is not read'],
    ['/etc/sysctl.conf without a link', { 'usr/lib/systemd/systemd-sysctl': '' }, '/etc/sysctl.conf', 'is not read'],
    ['/run', { 'run/sysctl.d/y.conf': '' }, '/run/sysctl.d/x.conf', 'empty after a restart'],
  ])('warns of a file that does not last: %s', (_, files, file, warning) => {
    using fake = new FakeRoot(files);
    mkdirSync(fake.path('usr/lib/sysctl.d'), { recursive: true });
    const { warnings } = set(fake, '600:30:5', { file });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(fake.path(file.slice(1)));
    expect(warnings[0]).toContain(warning);
  });

  it.each([
    [
      '/etc/sysctl.conf, which a link leads to',
      { 'etc/sysctl.conf': '', 'etc/sysctl.d/99-sysctl.conf': '->../sysctl.conf' },
    ],
    ['/etc/sysctl.conf without systemd', { 'etc/sysctl.conf': '' }],
  ])('does not warn of %s', (_, files) => {
    using fake = new FakeRoot(files);
    expect(set(fake, '600:30:5', { file: '/etc/sysctl.conf' })).toMatchObject({ warnings: [], overriddenBy: [] });
  });

  it.each([
    ['600:30:5:auto', 'userTimeout', 'the kernel has no default for it'],
    ['0:30:5', 'idle', 'from 1 s to 32767 s'],
    ['32768:30:5', 'idle', 'from 1 s to 32767 s'],
    ['600:30:128', 'count', 'from 1 to 127'],
    ['600:-1:5', 'interval', 'a duration'],
    ['600', 'policy', 'idle:interval:count'],
    [{ idle: 'system' as const }, 'idle', "'system' is what is being set"],
    [{}, 'policy', 'idle, interval or count'],
  ])('refuses the policy %j', (policy, field, allowed) => {
    using fake = new FakeRoot();
    const contents = contentsOf(fake);
    const error = errorOf(() => set(fake, policy)) as PolicyError;
    expect(error).toBeInstanceOf(PolicyError);
    expect(error.field).toBe(field);
    expect(error.message).toContain(allowed);
    expect(contentsOf(fake)).toEqual(contents);
  });
});

describe('the functions of the kernel defaults refuse', () => {
  const fake = new FakeRoot();
  afterAll(() => fake[Symbol.dispose]());
  const { root } = fake;
  const calls: Record<string, (options: never) => unknown> = {
    setKernelDefaults: (options) => setKernelDefaults('600:30:5', options),
    ...{ undoKernelDefaults, kernelDefaults, kernelDefaultsReport, sysctlSources },
  };

  it.each([
    ['setKernelDefaults', { dryrun: true, root }, 'unknown option "dryrun"; did you mean "dryRun"?'],
    ['undoKernelDefaults', { dyRun: true, root }, 'unknown option "dyRun"; did you mean "dryRun"?'],
    ['kernelDefaults', { rot: '/' }, 'unknown option "rot"; did you mean "root"?'],
    ['kernelDefaultsReport', { rots: '/' }, 'unknown option "rots"; did you mean "root"?'],
    ['sysctlSources', { file: '/' }, 'unknown option "file"; known are root'],
    ['setKernelDefaults', { root, dryRun: 'yes' }, 'dryRun must be true or false, got "yes"'],
    ['setKernelDefaults', { root, file: 3 }, 'file must be text, got 3'],
    ['setKernelDefaults', { root: null }, 'root must be text, got null'],
    ['undoKernelDefaults', { root: [] }, 'root must be text, got an array'],
    ['undoKernelDefaults', { root, dryRun: 1 }, 'dryRun must be true or false, got 1'],
    ['kernelDefaults', { root: 1 }, 'root must be text, got 1'],
    ['kernelDefaultsReport', { root: 1 }, 'root must be text, got 1'],
    ['sysctlSources', null, 'must be given an object of root, got null'],
    ['undoKernelDefaults', '/x', 'must be given an object of root, dryRun, got "/x"'],
  ])('%s, given %j', (name, options, message) => {
    const error = errorOf(() => calls[name]?.(options as never)) as ConfigurationError;
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain(name);
    expect(error.message).toContain(message);
    expect([fake.kernel, existsSync(fake.path(log))]).toEqual([[7200, 75, 9], false]);
  });
});

describe('setKernelDefaults refuses', () => {
  it('a symbolic link, and names where it leads', () => {
    using fake = new FakeRoot({ 'etc/sysctl.conf': '', 'etc/sysctl.d/99-sysctl.conf': '->../sysctl.conf' });
    const error = refusal(fake, { file: '/etc/sysctl.d/99-sysctl.conf' });
    expect(error.reason).toBe('symlink');
    expect(error.message).toContain(`name the file it leads to, ${fake.path('etc/sysctl.conf')}`);
    fake.write('etc/sysctl.d/nowhere.conf', '->nothing');
    expect(refusal(fake, { file: '/etc/sysctl.d/nowhere.conf' }).reason).toBe('symlink');
  });

  it('what is no regular file, or has a second name', () => {
    using fake = new FakeRoot({ 'etc/first.conf': '' });
    linkSync(fake.path('etc/first.conf'), fake.path('etc/sysctl.d/second.conf'));
    spawnSync('mkfifo', [fake.path('etc/pipe.conf')]);
    expect(refusal(fake, { file: '/etc/sysctl.d' }).reason).toBe('directory');
    expect(refusal(fake, { file: '/etc/pipe.conf' }).reason).toBe('not-regular');
    expect(refusal(fake, { file: '/etc/sysctl.d/second.conf' }).reason).toBe('hard-linked');
  });

  it('a read-only file', () => {
    using fake = new FakeRoot({ 'etc/sysctl.conf': '' });
    chmodSync(fake.path('etc/sysctl.conf'), 0o444);
    expect(refusal(fake, { file: '/etc/sysctl.conf' }).reason).toBe('read-only');
  });

  it('a directory that is missing, and names it', () => {
    using fake = new FakeRoot({ 'etc/file': '' });
    const { reason, message } = refusal(fake, { file: '/etc/none/x.conf' });
    expect(reason).toBe('missing-directory');
    expect(message).toContain(`mkdir -p ${fake.path('etc/none')}`);
    expect(refusal(fake, { file: '/etc/file/x.conf' }).reason).toBe('missing-directory');
    rmSync(fake.path('etc/sysctl.d'), { recursive: true });
    expect(refusal(fake).message).toContain(fake.path('etc/sysctl.d'));
  });

  it('a record of changes that is none of its own', () => {
    for (const text of ['', '{', '{}', '{"bootId":"x","changed":[{}]}', '{"bootId":"x","changed":[]}', '[]']) {
      using fake = new FakeRoot({ [log]: text });
      expect(refusal(fake).reason).toBe('damaged');
    }
  });

  it('a record with values that no kernel has, or a text that is none', () => {
    using fake = new FakeRoot();
    set(fake, '600:30:5');
    const record = fake.read(log);
    for (const [from, to] of [
      ['7200000', '7200500'],
      ['"count": 9', '"count": 4294967296'],
      ['"base64": "', '"base64": "%'],
      ['"mode": 420', '"mode": 4096000'],
    ] as const) {
      writeFileSync(fake.path(dropIn), '');
      fake.write(log, record);
      set(fake, '700:20:4');
      const text = fake.read(log);
      expect(text).toContain(from);
      fake.write(log, text.replace(from, to));
      expect(refusal(fake).reason).toBe('damaged');
      expect(errorOf(() => undoKernelDefaults({ root: fake.root }))).toMatchObject({ reason: 'damaged' });
      expect(errorOf(() => set(fake, '600:30:5', { dryRun: true }))).toMatchObject({ reason: 'damaged' });
      fake.write(log, record);
    }
  });

  it('to write where its record is', () => {
    using fake = new FakeRoot();
    set(fake, '700:20:4');
    for (const name of ['defaults-undo.json', 'x.conf', '../tcp-keepalive/x.conf']) {
      expect(refusal(fake, { file: `/var/lib/tcp-keepalive/${name}` }).reason).toBe('own-record');
    }
  });

  it('a name that is too long, in the words of every failed call', () => {
    using fake = new FakeRoot();
    const longest = `${'n'.repeat(250)}.conf`;
    expect(set(fake, '600:30:5', { file: `/etc/sysctl.d/${longest}` }).file?.action).toBe('created');
    const error = errorOf(() => set(fake, '700:30:5', { file: `/etc/sysctl.d/n${longest}` })) as SystemCallError;
    expect(error).toBeInstanceOf(SystemCallError);
    expect(error).toMatchObject({ code: 'ENAMETOOLONG', message: expect.stringContaining('name another') });
  });

  it('a directory in the way of what it writes first, or of its record', () => {
    using fake = new FakeRoot({ 'etc/sysctl.d/.tcp-keepalive-new/x': '' });
    const error = errorOf(() => set(fake, '600:30:5')) as SystemCallError;
    expect(error).toBeInstanceOf(SystemCallError);
    expect(error.message).toContain(`${fake.path('etc/sysctl.d/.tcp-keepalive-new')}): EISDIR, it is a directory`);
    expect(fake.kernel).toEqual([7200, 75, 9]);
    using other = new FakeRoot({ 'var/lib/tcp-keepalive': '' });
    const { applied, incomplete } = set(other, '600:30:5');
    expect(applied).toBe(false);
    expect(incomplete).toEqual([
      { what: `writing in ${other.path('var/lib/tcp-keepalive')}`, why: 'it is no directory; move it away' },
    ]);
  });

  const noRoot = cannotRun(process.getuid?.() !== 0, 'it needs root');

  it.skipIf(noRoot)('a file of another owner', () => {
    using fake = new FakeRoot({ 'etc/sysctl.conf': '' });
    chownSync(fake.path('etc/sysctl.conf'), 4242, 0);
    const { reason, message } = refusal(fake, { file: '/etc/sysctl.conf' });
    expect(reason).toBe('other-owner');
    expect(message).toContain('belongs to user 4242, and you are 0');
    expect(set(fake, '600:30:5', { file: '/etc/sysctl.conf', dryRun: true }).incomplete).toEqual([
      { what: `writing ${fake.path('etc/sysctl.conf')}`, why: 'it belongs to user 4242, and you are 0' },
    ]);
  });

  it.skipIf(noRoot)('without privileges nothing but the change: it is shown, and what is missing', () => {
    for (const file of [undefined, '/etc/sysctl.conf']) {
      using fake = new FakeRoot({ 'etc/sysctl.conf': 'net.ipv4.tcp_keepalive_time = 7200\n' });
      chmodSync(fake.root, 0o755);
      const contents = contentsOf(fake);
      const program = fileURLToPath(new URL('./programs/set-as-nobody.mjs', import.meta.url));
      const args = [program, fake.root, ...(file === undefined ? [] : [file])];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect(stderr).toBe('');
      const { defaults, sources, dryRun, change } = JSON.parse(stdout);
      expect({ defaults, sources }).toEqual({ defaults: before, sources: 1 });
      for (const shown of [dryRun, change]) {
        expect(shown).toMatchObject({ applied: false, before, after });
        expect(shown.incomplete).toContainEqual({
          what: `writing ${fake.path(file === undefined ? 'etc/sysctl.d' : 'etc')}`,
          why: 'not permitted; run it as root',
        });
      }
      expect(contentsOf(fake)).toEqual(contents);
    }
  });

  it('a kernel without the sysctls, or with something else in them', () => {
    using fake = new FakeRoot();
    fake.setKernel('much', 75, 9);
    expect(errorOf(() => set(fake, '600:30:5'))).toMatchObject({ code: 'EINVAL' });
    rmSync(fake.path('proc'), { recursive: true });
    const error = errorOf(() => set(fake, '600:30:5')) as SystemCallError;
    expect(error).toBeInstanceOf(SystemCallError);
    expect(error.message).toContain(`read(${fake.path('proc/sys/net/ipv4/tcp_keepalive_time')}): ENOENT`);
    expect(existsSync(fake.path(dropIn))).toBe(false);
  });
});

describe('undoKernelDefaults', () => {
  it('takes back the last change, to the byte, and then says that there is nothing to take back', () => {
    using fake = new FakeRoot({ 'etc/sysctl.conf': 'net.ipv4.tcp_keepalive_time=1 # \xe4' });
    chmodSync(fake.path('etc/sysctl.conf'), 0o600);
    const original = fake.read('etc/sysctl.conf');
    const { root } = fake;
    set(fake, '600:30:5');
    const dropInText = fake.read(dropIn);
    set(fake, '700:20:4', { file: '/etc/sysctl.conf' });
    expect(fake.kernel).toEqual([700, 20, 4]);

    const preview = undoKernelDefaults({ root, dryRun: true });
    expect(preview).toMatchObject({ applied: false, after, file: { action: 'changed' } });
    expect(fake.kernel).toEqual([700, 20, 4]);
    undoKernelDefaults({ root });
    expect(fake.read('etc/sysctl.conf')).toBe(original);
    expect(statSync(fake.path('etc/sysctl.conf')).mode & 0o777).toBe(0o600);
    expect(fake.kernel).toEqual([600, 30, 5]);
    const contents = contentsOf(fake);
    expect(errorOf(() => undoKernelDefaults({ root }))).toMatchObject({ reason: 'nothing-to-undo' });
    expect(errorOf(() => undoKernelDefaults({ root, dryRun: true }))).toMatchObject({ reason: 'nothing-to-undo' });
    expect(contentsOf(fake)).toEqual(contents);
    expect(fake.read(dropIn)).toBe(dropInText);
  });

  it('removes a new file, and takes back a change of the kernel alone', () => {
    using fake = new FakeRoot();
    const { root } = fake;
    set(fake, '600:30:5');
    expect(undoKernelDefaults({ root }).file).toEqual({ path: fake.path(dropIn), action: 'removed' });
    expect(readdirSync(fake.path('etc/sysctl.d'))).toEqual([]);
    expect(fake.kernel).toEqual([7200, 75, 9]);
    set(fake, '800:10:3', { runtimeOnly: true });
    expect(undoKernelDefaults({ root })).toMatchObject({ applied: true, before: { idle: 800_000 }, file: null });
    expect(fake.kernel).toEqual([7200, 75, 9]);
  });

  it('does not undo what somebody has done to the file since', () => {
    using fake = new FakeRoot();
    const { root } = fake;
    set(fake, '600:30:5');
    const written = fake.read(dropIn);
    writeFileSync(fake.path(dropIn), `${written}kernel.panic = 10\n`);
    expect(errorOf(() => undoKernelDefaults({ root }))).toMatchObject({ reason: 'changed' });
    expect(fake.read(dropIn)).toBe(`${written}kernel.panic = 10\n`);
    expect(fake.kernel).toEqual([600, 30, 5]);
    writeFileSync(fake.path(dropIn), written);
    expect(undoKernelDefaults({ root }).applied).toBe(true);
  });

  it('leaves a value that somebody has set since, and says so', () => {
    using fake = new FakeRoot();
    set(fake, '600:30:5');
    fake.setKernel(650, 30, 9);
    const { after, warnings } = undoKernelDefaults({ root: fake.root });
    expect(after).toEqual({ ...before, idle: 650_000 });
    expect(warnings).toEqual(['net.ipv4.tcp_keepalive_time stays 650: it was set since, to other than 600']);
    expect(fake.kernel).toEqual([650, 75, 9]);
  });

  it('undoes the change before one that was killed before it changed anything', () => {
    using fake = new FakeRoot();
    const { root } = fake;
    set(fake, '600:30:5');
    const [text, earlier] = [fake.read(dropIn), JSON.parse(fake.read(log)).changed];
    set(fake, '700:20:4');
    expect(JSON.parse(fake.read(log)).changed.slice(1)).toEqual(earlier);
    // A kill between the record and the file leaves this.
    writeFileSync(fake.path(dropIn), text);
    fake.setKernel(600, 30, 5);
    const warnings = ['the last change is not in force any more: the one before it is undone'];
    const file = { action: 'removed' };
    expect(undoKernelDefaults({ root })).toMatchObject({ applied: true, after: before, file, warnings });
    expect(existsSync(fake.path(log))).toBe(false);
  });

  it('goes on where somebody has removed the new file already', () => {
    using fake = new FakeRoot();
    set(fake, '600:30:5');
    rmSync(fake.path(dropIn));
    expect(undoKernelDefaults({ root: fake.root })).toMatchObject({ applied: true, file: { action: 'unchanged' } });
    expect(fake.kernel).toEqual([7200, 75, 9]);
  });

  it('works after a restart, but not in another network namespace', () => {
    using fake = new FakeRoot();
    const { root } = fake;
    set(fake, '600:30:5');
    const record = JSON.parse(fake.read(log));
    record.changed[0].netns += 1;
    writeFileSync(fake.path(log), JSON.stringify(record));
    expect(errorOf(() => undoKernelDefaults({ root }))).toMatchObject({ reason: 'changed' });
    expect(fake.kernel).toEqual([600, 30, 5]);
    record.bootId = 'that of an earlier start';
    writeFileSync(fake.path(log), JSON.stringify(record));
    expect(undoKernelDefaults({ root }).applied).toBe(true);
    expect(fake.kernel).toEqual([7200, 75, 9]);
  });
});
