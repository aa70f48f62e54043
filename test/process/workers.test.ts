import { describe, expect, it } from 'vitest';
import type { KeepAliveState } from '../../src/index.js';
import { program, start } from './registered.js';

const policy = { TCP_KEEPALIVE: '30:5:3' };
const set = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };
const untouched = { enabled: false };

const uses: readonly (readonly [string, readonly string[]])[] = [
  ['register', ['--import', 'tcp-keepalive/register']],
  ['applyToProcess', []],
  ['setKeepAlive', []],
  ['watchPeers', []],
  ['host', []],
];

describe('worker threads that end at any moment of using the package', () => {
  it.each(uses)('leave the process alive and no descriptor open: %s', async (use, options) => {
    const launch = { env: policy, options, limitMs: 100_000 };
    const { code, stdout, stderr } = await start([program('ended-workers.mjs'), use, '12'], launch).ended;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{"ended":12,"leaked":0}\n', stderr: '' });
  });

  it.each(uses)('let process.exit end the process with its code: %s', async (use, options) => {
    for (let round = 0; round < 4; round += 1) {
      const { ended } = start([program('ended-workers.mjs'), use, '1', 'exit'], { env: policy, options });
      expect(await ended).toEqual({ code: 7, stdout: '', stderr: '' });
    }
  });
});

describe('timers that are stubs', () => {
  it('are not used in worker threads, and not at the end of the process', async () => {
    const { code, stdout, stderr } = await start([program('stubs-in-threads.mjs')], { options: [] }).ended;
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: '{"idle":30000,"interval":5000,"count":3,"calls":0} exit',
      stderr: '',
    });
  });
});

interface FromWorker<Result> {
  readonly result: Result;
  /** Whether the worker was done while the main thread was blocked. */
  readonly wasDone: boolean;
}

/** Runs a part of the program in a worker thread whose main thread has not loaded the package. */
async function inWorker<Result>(part: string, options: readonly string[] = [], ...more: string[]) {
  const { code, stdout, stderr } = await start([program('in-worker.mjs'), part, ...more], { options }).ended;
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as FromWorker<Result>;
}

describe.concurrent('a worker thread whose main thread has not loaded the package', () => {
  it('sets and reads keepalive, and keeps no process alive', async () => {
    expect((await inWorker('set')).result).toEqual([set, set]);
  });

  it('does so while the main thread is blocked', async () => {
    expect(await inWorker('set', [], 'blocked')).toEqual({ result: [set, set], wasDone: true });
  });

  it('lists connections with all that a listing has', async () => {
    const { result } = await inWorker<Record<string, unknown>[]>('list');
    expect(result).toHaveLength(3);
    for (const row of result) expect(row).toMatchObject({ keepAlive: untouched, process: { pid: expect.any(Number) } });
    const ends = result.filter(({ state }) => state === 'ESTABLISHED');
    expect(ends).toHaveLength(2);
    for (const end of ends) {
      expect(end).toMatchObject({ verdict: 'unprotected' });
      expect(end['rttMs']).toBeGreaterThan(0);
    }
  });

  it('sets connections of the machine, restores them and asks their peers', async () => {
    const { result } = await inWorker<Record<'changed' | 'restored', KeepAliveState>>('change');
    expect(result).toMatchObject({
      changed: { enabled: true, idle: 40_000, interval: 6000, count: 4 },
      restored: untouched,
      undone: 2,
      answers: ['alive', 'alive'],
    });
  });

  it('hears that a peer is suspect', async () => {
    expect((await inWorker('watch')).result).toEqual({ isPeer: true });
  });

  it('gets errors of the same classes, with their fields', async () => {
    expect((await inWorker('errors')).result).toMatchObject([
      { class: 'PolicyError', isError: true, field: 'policy', given: '1:2' },
      { class: 'SystemCallError', isError: true, syscall: 'open', code: 'ENOENT', errno: -2 },
      { class: 'RecordError', isError: true, file: 'a record' },
      { class: 'UnsupportedError', isError: true, requires: expect.stringContaining('structured clone') },
      { class: 'SystemCallError', isError: true, code: 'EBADF' },
    ]);
  });
});

describe('a worker thread under the permission model', () => {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const network = major >= 25 ? ['--allow-net'] : [];
  const model = [major >= 24 ? '--permission' : '--experimental-permission', '--allow-worker', '--allow-fs-read=*'];

  it('is protected where addons are allowed and the main thread has loaded the package', async () => {
    const options = [...model, ...network, '--allow-addons', '--import', 'tcp-keepalive/register'];
    expect((await inWorker('set', options)).result).toEqual([set, set]);
  });

  it('is refused, or set through Node.js, where addons are not allowed', async () => {
    const { result } = await inWorker('set', [...model, ...network, '--import', 'tcp-keepalive/register']);
    expect(result).toMatchObject({ class: 'UnsupportedError', message: expect.stringContaining('--allow-addons') });
  });

  it('is told what is missing where the main thread cannot be asked', async () => {
    const { result } = await inWorker('set', [...model, ...network, '--allow-addons']);
    expect(result).toMatchObject({ class: 'UnsupportedError', message: expect.stringContaining('main thread') });
  });
});
