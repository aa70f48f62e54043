import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { applyToProcess as applyHere, type ProcessStatus } from '../../src/index.js';
import { copyDescriptor, openProcess } from '../../src/native/pidfd.js';
import { listening, portOf } from '../endpoints.js';
import { firstOutput } from '../first-output.js';
import { kernelState, rawListener } from '../kernel/descriptor.js';
import { moment } from '../kernel/observation.js';
import { program, register, start } from './registered.js';

const applyToProcess: readonly string[] = [];
const unset = { pipe: 0, unmanaged: 0, noDescriptor: 0, refused: 0 };

/** Runs a scenario of `programs/native-sockets.mjs` and gives what it printed. */
async function run<Result>(scenario: string, env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const options = 'TCP_KEEPALIVE' in env ? register : applyToProcess;
  const { code, stdout, stderr } = await start([program('native-sockets.mjs'), scenario], { env, options }).ended;
  if (code !== 0) throw new Error(`${scenario} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Result;
}

describe.concurrent('a socket that native code has opened', () => {
  it('has the policy within 2 s, and is counted', async () => {
    const { before, after, afterMs, status } = await run<{
      before: string;
      after: string;
      afterMs: number;
      status: ProcessStatus;
    }>('client');
    expect([before, after]).toEqual(['off', '30:5:3']);
    expect(afterMs).toBeLessThan(2000);
    expect(status).toMatchObject({ native: 1, set: 0, skipped: unset });
  });

  it('is told of, without a target', async () => {
    const applied = { enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 0 };
    expect(await run('events')).toEqual([{ role: 'client', applied, native: true, hasTarget: false }]);
  });

  it.each([
    ['30:5:3', { TCP_KEEPALIVE: '30:5:3' }],
    ['30:5:3', { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_NATIVE: 'on' }],
    ['off', { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_NATIVE: 'off' }],
  ])('is %s under register with %j', async (expected, env) => {
    expect(await run('registered', env)).toBe(expected);
  });

  it('hands the policy on if it is a listener, and what it had accepted before is set', async () => {
    const { inherited, states, status } = await run<{ inherited: string; states: string[]; status: ProcessStatus }>(
      'listener',
    );
    expect(inherited).toBe('40:4:4');
    expect(states).toEqual(['40:4:4', '30:5:3', '40:4:4', '30:5:3', '40:4:4']);
    expect(status).toMatchObject({ listeners: 1, native: 4, skipped: unset });
  });

  it('has what the rules say for its port, its peer and its role', async () => {
    const { states, skipped } = await run<{ states: string[]; skipped: ProcessStatus['skipped'] }>('rules');
    expect(states).toEqual(['50:5:5:400000ms', 'off', '30:5:3', 'off']);
    // One of native code, and the end of the first connection that the program's server accepted.
    expect(skipped).toEqual({ ...unset, unmanaged: 2 });
  });

  it('keeps what native code gave it where the policy only fills gaps', async () => {
    expect(await run('fill')).toEqual(['77:5:3:90000ms', '30:5:3:50000ms']);
  });

  it('has the policy again after native code has set something else', async () => {
    expect(await run('overwritten')).toEqual({ overwritten: '77:5:3', after: '30:5:3' });
  });

  it('is left alone until it connects', async () => {
    expect(await run('unconnected')).toEqual({ before: 'off', after: '30:5:3' });
  });

  it('is found under a number that other sockets had before', async () => {
    expect(await run('reused')).toEqual({ numbers: 1, states: ['30:5:3', 'off', '30:5:3'] });
  });

  it('is found under a number that a terminated worker thread had', async () => {
    expect(await run('terminated')).toEqual({ before: '77:7:7', after: '30:5:3', isReused: true });
  });

  it('is found where only a worker thread has loaded the addon', async () => {
    expect(await run('workersAddon')).toEqual({ state: '30:5:3', native: 1 });
  });
});

describe.concurrent('a socket that native code has not opened', () => {
  it('keeps what the program gave it, or was open before', async () => {
    // The server hands the policy on, although it listened before.
    const states = ['off', 'off', 'off', '30:5:3', '60:6:6', '30:5:3', 'off'];
    expect(await run('nodes')).toEqual({ states, native: 0 });
  });

  it.each([
    ['none', 20_000],
    ['rr', 50_000],
  ])('is not what the primary of a cluster holds for its workers: scheduling %s', async (scheduling, idle) => {
    const { code, stdout, stderr } = await start([program('native-cluster.mjs'), scheduling], { options: [] }).ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ idle, native: 0 });
  });

  it('keeps what its worker thread has in force', async () => {
    const { states, afterMs, native } = await run<{ states: string[]; afterMs: number; native: number }>('worker');
    expect(states).toEqual(['77:7:7', 'off', '30:5:3']);
    expect(afterMs).toBeLessThan(2000);
    expect(native).toBe(1);
  });

  it('is left alone where a worker thread without a policy may have opened it, and that is said', async () => {
    const { during, after, warnings } = await run<{ during: string; after: string; warnings: string[] }>('stranger');
    expect([during, after]).toEqual(['off', '30:5:3']);
    expect(warnings).toEqual([expect.stringMatching(/native code or a worker thread without a policy.*register/)]);
  });
});

describe.concurrent('looking for sockets of native code', () => {
  it('does not keep the program alive', async () => {
    const env = { TCP_KEEPALIVE: '30:5:3' };
    const launch = { env, options: [...register, '--input-type=module'] };
    const { code, stdout } = await start(['-e', "await import('koffi'); console.log('done')"], launch).ended;
    expect([code, stdout]).toEqual([0, 'done\n']);
  });

  it.each(['no', 'false'])('is not turned off by %s, which is refused', async (value) => {
    const env = { TCP_KEEPALIVE: '30:5:3', TCP_KEEPALIVE_NATIVE: value };
    const { code, stderr } = await start(['-e', '0'], { env }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tcp-keepalive: TCP_KEEPALIVE_NATIVE: native must be true or false.*'on' or 'off'.*\n$/);
  });
});

describe('a socket that this package has copied from another process', () => {
  it('is not taken for one of native code', async () => {
    const server = await listening(net.createServer());
    const { child, ended } = start([program('holder.mjs'), String(portOf(server))], { options: applyToProcess });
    const fd = await firstOutput(child);
    using policy = applyHere('30:5:3');
    using native = rawListener(1);
    {
      using holder = openProcess(child.pid as number);
      using copy = copyDescriptor(holder, Number(fd));
      await moment(() => kernelState(native.fd).enabled, 'the socket of native code has the policy');
      await sleep(1000);
      expect(kernelState(copy.fd).enabled).toBe(false);
    }
    expect(policy.status()).toMatchObject({ native: 0, skipped: unset });
    child.kill();
    await ended;
  });
});
