import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Holder, startHolder } from '../host/options-holding.js';
import { cannotRun } from '../requirement.js';
import { type Finished, finished, program, runCli } from './run-cli.js';

const connections = 10;

let holder: Holder;
let folder: string;
let record: string;
let original: string;
/** How many sockets the filter means: both ends of each connection, and the listener. */
let sockets: number;

/** The options of every socket of the holder, as it reads them itself. */
async function states(): Promise<string> {
  const found = await holder.tell({ do: 'look' });
  return JSON.stringify([...found.values()].map(({ name, state }) => [name, state]));
}

const setArguments = (policy = '44:4:4') => ['set', policy, '--pid', `${holder.pid}`];

/** Runs the program under strace, which injects a fault. */
function withFault(inject: string, ...args: string[]): Promise<Finished> {
  const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `inject=${inject}`];
  return finished(spawn('strace', [...strace, process.execPath, program, ...args]));
}

/** What is said of this: connections of others come and go meanwhile, and --undo looks at all. */
function complaints({ stderr }: Pick<Finished, 'stderr'>): string {
  return stderr.replace(/^tcp-keepalive: not shown: .*\n/gm, '');
}

beforeAll(async () => {
  holder = startHolder();
  const found = await holder.tell({ do: 'start', families: ['IPv4'], connections });
  sockets = found.size;
  original = await states();
});
afterAll(() => holder.end());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcp-keepalive-record-'));
  record = join(folder, 'record.json');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  expect(await states()).toBe(original);
});

const noStrace = cannotRun(spawnSync('strace', ['-V']).status !== 0, 'it needs strace');

describe('the record of tcp-keepalive set', () => {
  it.skipIf(noStrace)('restores everything, at whichever change set is killed', async () => {
    // The first calls are those of sockets that look and ask; each connection takes four, and may be left with a part.
    let interrupted = 0;
    for (const when of [1, 5, 6, 20, 21, 81]) {
      await withFault(`setsockopt:signal=KILL:when=${when}`, ...setArguments(), '--record', record);
      if ((await states()) !== original) {
        interrupted += 1;
        expect((await runCli('set', '--undo', record)).code, `killed at ${when}`).toBe(0);
        expect(await states()).toBe(original);
      }
      rmSync(record, { force: true });
    }
    expect(interrupted).toBeGreaterThan(2);
  });

  it.skipIf(noStrace)('is whole however often it is killed while it is written', async () => {
    for (const call of ['pwrite64', 'fsync', 'ftruncate']) {
      for (let when = 1, isKilled = true; isKilled && when < 6; when += 1) {
        const done = await withFault(`${call}:signal=KILL:when=${when}`, ...setArguments(), '--record', record);
        isKilled = done.code !== 0;
        const wasChanged = (await states()) !== original;
        if (wasChanged) expect((await runCli('set', '--undo', record)).code, `${call} ${when}`).toBe(0);
        expect(await states(), `${call} ${when}`).toBe(original);
        rmSync(record, { force: true });
      }
    }
  });

  it('restores everything that SIGINT or SIGKILL left at random moments', async () => {
    for (let round = 0; round < 6; round += 1) {
      const child = spawn(process.execPath, [program, ...setArguments(), '--record', record]);
      const end = finished(child);
      await sleep(150 + Math.random() * 500);
      child.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGINT');
      await end;
      const wasChanged = (await states()) !== original;
      if (wasChanged) expect((await runCli('set', '--undo', record)).code).toBe(0);
      expect(await states()).toBe(original);
      rmSync(record, { force: true });
    }
  });

  it('is one JSON text when it is finished, without what was planned', async () => {
    expect((await runCli(...setArguments(), '--record', record)).code).toBe(0);
    const text = readFileSync(record, 'utf8');
    const { changed } = JSON.parse(text);
    expect(changed).toHaveLength(sockets);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).not.toContain('planned');
    expect((await runCli('set', '--undo', record)).code).toBe(0);
  });

  it.skipIf(noStrace)('does not reach what its name leads to by then, and says so', async () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'precious');
    const delayed = withFault('setsockopt:delay_enter=2s:when=3', ...setArguments(), '--record', record);
    await vi.waitFor(() => expect(readFileSync(record, 'utf8')).toMatch(/\n$/), { timeout: 60_000 });
    renameSync(record, `${record}.moved`);
    symlinkSync(precious, record);
    const { code, stderr } = await delayed;
    expect(complaints({ stderr })).toBe(
      `tcp-keepalive: ${record} must be the record of what was changed, but somebody moved, removed or replaced it\n`,
    );
    expect([code, readFileSync(precious, 'utf8')]).toEqual([2, 'precious']);
    expect((await runCli('set', '--undo', `${record}.moved`)).code).toBe(0);
  });

  const noRoot = cannotRun(process.getuid?.() !== 0, 'it needs root');

  /** Runs a script of bash with the record on a disk of so many bytes, in a mount namespace of its own. */
  function onSmallDisk(bytes: number, script: string): Promise<Finished> {
    const mounted = `mount -t tmpfs -o size=${bytes} none '${folder}' && ${script}`;
    return finished(spawn('unshare', ['--mount', 'bash', '-c', mounted]));
  }

  const command = (...args: string[]) => [process.execPath, program, ...args].join(' ');

  it.skipIf(noRoot)('is the condition for any change: on a full disk nothing is changed', async () => {
    const script = `${command(...setArguments(), '--record', record)}; echo "code $?"; ls -A '${folder}'`;
    const { stdout, stderr } = await onSmallDisk(4096, script);
    expect(stderr).toMatch(/^tcp-keepalive: \S+ must be a new file, and cannot be written: ENOSPC.*\n$/);
    expect(stdout).toBe('code 1\n');
  });

  it.skipIf(noRoot)('stays what was planned where it cannot be finished, and can be undone', async () => {
    const script = [
      `${command(...setArguments(), '--record', record, '--json')} > /dev/null; echo "code $?"`,
      `${command('set', '--undo', record)} | tail -n 1`,
    ].join('; ');
    const { stdout, stderr } = await onSmallDisk(8192, script);
    expect(complaints({ stderr })).toMatch(
      /^tcp-keepalive: \S+ must be a record .*only what was planned is in it, .*ENOSPC.*\n$/,
    );
    expect(stdout).toBe(`code 2\n${sockets - 1} connections and 1 listener changed\n`);
  });

  it('refuses pipes, devices and directories to undo, in one line', async () => {
    const pipe = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    for (const [file, kind] of Object.entries({ [pipe]: 'a pipe', '/dev/zero': 'a device', [folder]: 'a directory' })) {
      const { code, stdout, stderr } = await runCli('set', '--undo', file);
      expect(stderr).toMatch(new RegExp(`^tcp-keepalive: .* cannot be read: it is ${kind}, not a regular file\n$`));
      expect([code, stdout]).toEqual([1, '']);
    }
  });
});
