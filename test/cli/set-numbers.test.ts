import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KeepAliveState, kernelDefaults } from '../../src/index.js';
import { type Holder, startHolder } from '../host/options-holding.js';
import { finished, program, runCli } from './run-cli.js';

const connections = 12;
const off: KeepAliveState = { enabled: false, ...kernelDefaults(), userTimeout: 0 };
const usual: KeepAliveState = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };
const longer: KeepAliveState = { enabled: true, idle: 60_000, interval: 10_000, count: 6, userTimeout: 0 };

let holder: Holder;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-numbers-'));
  holder = startHolder();
  await holder.tell({ do: 'start', families: ['IPv4'], connections });
});
afterAll(async () => {
  await holder.end();
  rmSync(folder, { recursive: true });
});

const policyOf = ({ enabled, ...policy }: KeepAliveState) => (enabled ? policy : false);

// The first server has keepalive off, the others two kinds of numbers.
beforeEach(async () => {
  await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: policyOf({ ...off, enabled: true }) });
  await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: false });
  await holder.tell({ do: 'set', name: 'IPv4 2 server', policy: policyOf(usual) });
  await holder.tell({ do: 'set', name: 'IPv4 3 server', policy: policyOf(longer) });
});

async function states(): Promise<KeepAliveState[]> {
  const found = await holder.tell({ do: 'look' });
  return [1, 2, 3].map((number) => found.get(`IPv4 ${number} server`)?.state as KeepAliveState);
}

async function servers(): Promise<string[]> {
  const found = await holder.tell({ do: 'look' });
  const ports = [1, 2, 3].map((number) => `remote:${found.get(`IPv4 ${number} server`)?.remotePort}`);
  return ['--pid', `${holder.pid}`, '--port', ports.join(',')];
}

const set = async (...args: string[]) => runCli('set', ...args, ...(await servers()));

describe('tcp-keepalive set without a policy', () => {
  it('shows the user timeout also where keepalive is off', async () => {
    const { stdout } = await set('--user-timeout', '45s', '--dry-run');
    expect(stdout).toMatch(/ off +off user-timeout 45\n/);
    expect(stdout).toMatch(/ 30:5:3 +30:5:3:auto\n/);
  });

  it.each([
    [['--count', '5'], { count: 5 }],
    [['--idle', '44'], { idle: 44_000 }],
    [['--idle', '2m', '--interval', '7s'], { idle: 120_000, interval: 7000 }],
    [['--user-timeout', '1500ms'], { userTimeout: 1500 }],
    [['--count', 'system'], { count: kernelDefaults().count }],
  ])('sets the numbers of %j and leaves the others, and keepalive on or off', async (args, numbers) => {
    expect((await set(...args)).code).toBe(0);
    expect(await states()).toEqual([off, usual, longer].map((before) => ({ ...before, ...numbers })));
  });

  it('says that keepalive is off where a number has no effect', async () => {
    expect((await set('--count', '4')).stdout).toMatch(
      /\n\nkeepalive is off on 1 of them: `set on` turns it on\n\n3 connections changed\n$/,
    );
    expect((await set('--user-timeout', '9s')).stdout).not.toContain('keepalive is off');
  });

  it('works out auto of the numbers that each connection will have, and --undo restores all', async () => {
    const record = path.join(folder, 'auto.json');
    const dry = await set('--user-timeout', 'auto', '--count', '4', '--dry-run', '--json');
    expect(dry.code).toBe(0);
    const expected = [off, usual, longer].map((before) => ({
      ...before,
      count: 4,
      userTimeout: before.idle + before.interval * 4,
    }));
    const foreseen = JSON.parse(dry.stdout).changed.map(({ after }: { after: KeepAliveState }) => after);
    expect(foreseen).toEqual(expect.arrayContaining(expected));
    expect((await set('--user-timeout', 'auto', '--count', '4', '--record', record)).code).toBe(0);
    expect(await states()).toEqual(expected);
    expect((await runCli('set', '--undo', record)).code).toBe(0);
    expect(await states()).toEqual([off, usual, longer]);
  });

  it.each([
    [['--count', '0'], 'count must be a whole number from 1 to 127'],
    [['--count', '1.5'], 'count must be'],
    [['--idle', '1500ms'], 'whole number of seconds'],
    [['--idle', '30000'], "did you mean '30s'"],
    [['--user-timeout', 'never'], 'userTimeout must be'],
    [['--user-timeout', '-1'], 'userTimeout must be'],
    [['30:5:3:auto', '--user-timeout', '9s'], '--user-timeout is in the policy already'],
    [['--interval', '5', '--off'], 'either --interval or --off'],
    [['--undo', 'file', '--count', '3'], '--undo takes no policy, no numbers'],
  ])('refuses %j in one line', async (args, says) => {
    const { code, stdout, stderr } = await runCli('set', ...args);
    expect(stderr).toMatch(/^tcp-keepalive: .*\n$/);
    expect(stderr).toContain(says);
    expect([code, stdout]).toEqual([1, '']);
  });
});

describe('tcp-keepalive set with a word', () => {
  it("on leaves each connection's numbers, system takes those of the kernel, and both take options", async () => {
    const record = path.join(folder, 'words.json');
    expect((await set('on', '--record', record)).code).toBe(0);
    expect(await states()).toEqual([{ ...off, enabled: true }, usual, longer]);
    expect((await runCli('set', '--undo', record)).code).toBe(0);
    expect(await states()).toEqual([off, usual, longer]);
    expect((await set('system')).code).toBe(0);
    expect(await states()).toEqual(Array(3).fill({ ...off, enabled: true }));
    expect((await set('system', '--count', '2', '--user-timeout', 'auto')).code).toBe(0);
    const { idle, interval } = off;
    expect(await states()).toEqual(
      Array(3).fill({ ...off, enabled: true, count: 2, userTimeout: idle + interval * 2 }),
    );
  });
});

it('sums many changes up, a row for all that are alike, unless --verbose is given; failures and --quiet apart', async () => {
  const all = ['--pid', `${holder.pid}`];
  const many = 2 * connections + 1;
  const summary = await runCli('set', '33:3:3', ...all);
  expect(summary.stdout).toMatch(/^SOCKETS {2}BEFORE +AFTER\n/);
  expect(summary.stdout).toMatch(/\n +\d+ {2}off +33:3:3\n/);
  expect(summary.stdout).toMatch(/\n\n--verbose shows each of them\n\n24 connections and 1 listener changed\n$/);
  const verbose = await runCli('set', '34:3:3', ...all, '--verbose');
  expect(verbose.stdout).toMatch(/^LOCAL +REMOTE +BEFORE +AFTER\n/);
  expect(verbose.stdout.match(/ 34:3:3$/gm)).toHaveLength(many);
  const quiet = await finished(spawn(process.execPath, [program, 'set', '35:3:3', ...all, '--quiet']));
  expect(quiet).toEqual({ code: 0, stdout: '', stderr: '' });
});
