import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/host/sysctl/file-error.js';
import { setKernelDefaults } from '../../src/host/sysctl/set-defaults.js';
import { undoKernelDefaults } from '../../src/host/sysctl/undo-defaults.js';
import { firstOutput } from '../first-output.js';
import { cannotRun } from '../requirement.js';
import { FakeRoot } from './fake-root.js';

const forEver = fileURLToPath(new URL('./programs/set-for-ever.mjs', import.meta.url));
const undoOnce = fileURLToPath(new URL('./programs/undo-once.mjs', import.meta.url));
const setOnce = fileURLToPath(new URL('./programs/set-once.mjs', import.meta.url));

// Long enough that it takes several writes to the disk.
const filler = '# a line that belongs to somebody else\n'.repeat(4000);
const text = (time: number, interval: number, probes: number) =>
  `net.ipv4.tcp_keepalive_time = ${time}\n${filler}net.ipv4.tcp_keepalive_intvl=${interval}\nnet.ipv4.tcp_keepalive_probes=${probes}\n`;

const original = text(7200, 75, 9);
const first = text(600, 30, 5);
const second = text(700, 20, 4);

const quietly = ['-f', '-qq', '-o', '/dev/null'];

function rootWithFile(): FakeRoot {
  return new FakeRoot({ 'etc/sysctl.conf': original });
}

/**
 * Checks what a kill may leave of the file, the record and the directory, and that both ways lead on from there: undoing
 * leads to the state before the last change, a change and its undoing back to there.
 */
function expectWhole(fake: FakeRoot, allowed: readonly string[]): void {
  const { root } = fake;
  const found = fake.read('etc/sysctl.conf');
  expect(allowed.includes(found), `${found.length} characters that are none of the texts`).toBe(true);
  expect(statSync(fake.path('etc/sysctl.conf')).mode & 0o777).toBe(0o644);
  const names = readdirSync(fake.path('etc')).filter((name) => !name.startsWith('.'));
  expect(names.sort()).toEqual(['sysctl.conf', 'sysctl.d']);
  const log = fake.path('var/lib/tcp-keepalive/defaults-undo.json');
  if (existsSync(log)) {
    const [last, earlier] = JSON.parse(readFileSync(log, 'utf8')).changed;
    const textBefore = ({ file }: typeof last) => Buffer.from(file.before.base64, 'base64').toString('latin1');
    const { idle, interval, count } = last.before;
    const isBegun = found !== textBefore(last) || `${fake.kernel}` !== `${[idle / 1000, interval / 1000, count]}`;
    // Of a change that was not begun there is nothing to undo: the one before it is undone.
    const { before, file } = isBegun || earlier === undefined ? last : earlier;
    const previous = textBefore({ file });
    expect([original, ...allowed].includes(previous)).toBe(true);
    undoKernelDefaults({ root });
    expect(fake.read('etc/sysctl.conf')).toBe(previous);
    expect(fake.kernel).toEqual([before.idle / 1000, before.interval / 1000, before.count]);
    expect(fake.kernel).toEqual(previous === original ? [7200, 75, 9] : [600, 30, 5]);
  }
  expect(() => undoKernelDefaults({ root })).toThrow(FileError);

  const { kernel } = fake;
  const whole = fake.read('etc/sysctl.conf');
  setKernelDefaults('900:9:9', { root, file: '/etc/sysctl.conf' });
  expect(fake.read('etc/sysctl.conf')).toBe(text(900, 9, 9));
  expect(readdirSync(fake.path('etc')).sort()).toEqual(['sysctl.conf', 'sysctl.d']);
  undoKernelDefaults({ root });
  expect([fake.read('etc/sysctl.conf') === whole, fake.kernel]).toEqual([true, kernel]);
  expect(() => undoKernelDefaults({ root })).toThrow(FileError);
}

async function killAtRandom(): Promise<void> {
  using fake = rootWithFile();
  const child = spawn(process.execPath, [forEver, fake.root, '/etc/sysctl.conf'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = once(child, 'exit');
  await firstOutput(child);
  await sleep(Math.random() * 40);
  child.kill('SIGKILL');
  expect((await end)[1]).toBe('SIGKILL');
  expectWhole(fake, [first, second]);
}

/** Kills a change before the first call of a kind, then before the second, until it gets through; gives the kills. */
function killsBefore(call: string): number {
  for (let kills = 0; ; kills += 1) {
    using fake = rootWithFile();
    const inject = `inject=/^${call}(at2?)?$:signal=KILL:when=${kills + 1}`;
    const args = [...quietly, '-e', inject, process.execPath, setOnce, fake.root, '600:30:5', '/etc/sysctl.conf'];
    const { stdout } = spawnSync('strace', args, { encoding: 'utf8', timeout: 60_000 });
    expectWhole(fake, stdout === '' ? [original, first] : [first]);
    if (stdout !== '') return kills;
  }
}

describe('a kill leaves the old file or the new one', () => {
  it('at 200 random moments', async () => {
    const rounds = Array.from({ length: 4 }, async () => {
      for (let count = 0; count < 50; count += 1) await killAtRandom();
    });
    await Promise.all(rounds);
  }, 300_000);

  const strace = spawnSync('strace', ['-V']).status === 0;
  it.skipIf(cannotRun(!strace, 'it needs strace'))('before each call that changes a file', () => {
    const kills = ['mkdir', 'fchmod', 'fsync', 'rename'].map((call) => killsBefore(call));
    // The record's directory is made and synced; the record and the file have mode, content, name and directory each.
    expect(kills).toEqual([1, 2, 5, 2]);
  });
});

describe.skipIf(cannotRun(spawnSync('strace', ['-V']).status !== 0, 'it needs strace'))('an undo', () => {
  it('that was killed at its end undoes no other change when it is repeated', () => {
    using fake = rootWithFile();
    const { root } = fake;
    setKernelDefaults('600:30:5', { root, file: '/etc/sysctl.conf' });
    setKernelDefaults('700:20:4', { root, file: '/etc/sysctl.conf' });
    const log = fake.path('var/lib/tcp-keepalive/defaults-undo.json');
    const args = [...quietly, '-P', log, '-e', 'inject=/^unlink(at)?$:signal=KILL', process.execPath, undoOnce, root];
    expect(spawnSync('strace', args, { encoding: 'utf8', timeout: 60_000 }).stdout).toBe('');
    expect(existsSync(log)).toBe(true);
    undoKernelDefaults({ root });
    expect([fake.read('etc/sysctl.conf') === first, fake.kernel]).toEqual([true, [600, 30, 5]]);
    expect(() => undoKernelDefaults({ root })).toThrow(FileError);
  });
});

describe.skipIf(cannotRun(spawnSync('strace', ['-V']).status !== 0, 'it needs strace'))('a call that fails', () => {
  /** Sets the defaults under strace, which makes calls fail. */
  function setWithFault(fake: FakeRoot, ...fault: string[]) {
    const args = [...quietly, ...fault, process.execPath, setOnce, fake.root, '600:30:5', '/etc/sysctl.conf'];
    return JSON.parse(spawnSync('strace', args, { encoding: 'utf8', timeout: 60_000 }).stdout);
  }

  function expectAsBefore(fake: FakeRoot): void {
    expect(fake.read('etc/sysctl.conf')).toBe(original);
    expect(fake.kernel).toEqual([7200, 75, 9]);
    expect(readdirSync(fake.path('etc')).sort()).toEqual(['sysctl.conf', 'sysctl.d']);
    expect(existsSync(fake.path('var/lib/tcp-keepalive/defaults-undo.json'))).toBe(false);
  }

  it('of the kernel puts the file and the other values back', () => {
    for (const name of ['tcp_keepalive_time', 'tcp_keepalive_intvl', 'tcp_keepalive_probes']) {
      using fake = rootWithFile();
      const file = fake.path(`proc/sys/net/ipv4/${name}`);
      const error = setWithFault(fake, '-P', file, '-e', 'inject=write:error=EIO');
      expect(error).toMatchObject({ name: 'SystemCallError', code: 'EIO', syscall: `write(${file})` });
      expectAsBefore(fake);
    }
  });

  // Record and file have content and name each, and the record's directory comes first: 5 calls; then those of restoring.
  it('to sync leaves everything as it was, whichever fails', () => {
    for (const when of ['1', '2', '3', '4', '5']) {
      using fake = rootWithFile();
      const error = setWithFault(fake, '-e', `inject=fsync:error=EIO:when=${when}`);
      expect(error, when).toMatchObject({ name: 'SystemCallError', code: 'EIO' });
      expectAsBefore(fake);
    }
  });

  it('to sync a directory, again and again, leaves everything as it was', () => {
    for (const directory of ['etc', 'var/lib', 'var/lib/tcp-keepalive']) {
      using fake = rootWithFile();
      const error = setWithFault(fake, '-P', fake.path(directory), '-e', 'inject=fsync:error=EIO');
      expect(error, directory).toMatchObject({ code: 'EIO', syscall: expect.stringContaining(fake.path(directory)) });
      expectAsBefore(fake);
    }
  });

  it('of the undoing leaves the change as it was made, with its record', () => {
    for (const when of ['1', '2', '3']) {
      using fake = rootWithFile();
      const { root } = fake;
      setKernelDefaults('600:30:5', { root, file: '/etc/sysctl.conf' });
      const record = fake.read('var/lib/tcp-keepalive/defaults-undo.json');
      const args = [...quietly, '-e', `inject=fsync:error=EIO:when=${when}`, process.execPath, undoOnce, root];
      const error = JSON.parse(spawnSync('strace', args, { encoding: 'utf8', timeout: 60_000 }).stdout);
      expect(error, when).toMatchObject({ name: 'SystemCallError', code: 'EIO' });
      expect([fake.read('etc/sysctl.conf') === first, fake.kernel], when).toEqual([true, [600, 30, 5]]);
      expect(fake.read('var/lib/tcp-keepalive/defaults-undo.json'), when).toBe(record);
      undoKernelDefaults({ root });
      expectAsBefore(fake);
    }
  });

  it('of the file system leaves everything as it was', () => {
    using fake = rootWithFile();
    const file = fake.path('etc/sysctl.conf');
    // The first rename is that of the record.
    const error = setWithFault(fake, '-e', 'inject=/^rename:error=EBUSY:when=2');
    expect(error).toMatchObject({ name: 'SystemCallError', code: 'EBUSY', syscall: `rename(${file})` });
    expect(error.message).toContain('it is a mount point');
    expectAsBefore(fake);
  });
});
