import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type KeepAliveState, kernelDefaults } from '../../src/index.js';
import { firstOutput } from '../first-output.js';
import { program, run, start } from './registered.js';

const full = { enabled: true, idle: 30_000, interval: 5000, count: 3 };
const policy = { TCP_KEEPALIVE: '30:5:3' };

interface BothEnds {
  readonly client: KeepAliveState;
  readonly accepted: KeepAliveState;
  readonly called: KeepAliveState;
  readonly wrapped: boolean;
}

describe.concurrent('a program that knows nothing of it', () => {
  it.each([
    ['--import', ['--import', 'tcp-keepalive/register']],
    ['--require', ['--require', 'tcp-keepalive/register']],
  ])('has the policy with %s', async (_, options) => {
    const seen = await run<BothEnds>('both-ends.mjs', { env: policy, options });
    for (const state of [seen.client, seen.accepted, seen.called]) expect(state).toMatchObject(full);
  });

  it('has it through NODE_OPTIONS', async () => {
    const env = { ...policy, NODE_OPTIONS: '--import tcp-keepalive/register' };
    const seen = await run<BothEnds>('both-ends.mjs', { env, options: [] });
    for (const state of [seen.client, seen.accepted, seen.called]) expect(state).toMatchObject(full);
  });

  it.each([
    ['nothing', {}],
    ['unmanaged', { TCP_KEEPALIVE: 'unmanaged' }],
    ['empty text', { TCP_KEEPALIVE: '' }],
  ])('is left alone where TCP_KEEPALIVE says %s', async (_, env) => {
    const seen = await run<BothEnds>('both-ends.mjs', { env });
    expect(seen).toMatchObject({ client: { enabled: false }, accepted: { enabled: false }, wrapped: false });
    expect(seen.called).toMatchObject({ enabled: true, idle: 60_000, interval: 1000, count: 10 });
  });

  it('has keepalive turned off, and held off, where TCP_KEEPALIVE says off', async () => {
    const seen = await run<BothEnds>('both-ends.mjs', { env: { TCP_KEEPALIVE: 'off' } });
    for (const state of [seen.client, seen.accepted, seen.called]) expect(state).toMatchObject({ enabled: false });
  });

  it('has it in worker threads, and in their worker threads', async () => {
    const states = await run<KeepAliveState[]>('threads.mjs', { env: policy });
    expect(states).toHaveLength(4);
    for (const state of states) expect(state).toMatchObject(full);
  });

  it.each(['rr', 'none'])('has it in the workers of a cluster, scheduled by %s', async (scheduling) => {
    const states = await run<KeepAliveState[]>('clustered.mjs', { env: { ...policy, SCHEDULING: scheduling } });
    for (const state of states) expect(state).toMatchObject(full);
  });

  it.each(['rr', 'none'])(
    'has it where only the workers of a cluster apply it, scheduled by %s',
    async (scheduling) => {
      const env = { IN_WORKERS: '30:5:3', SCHEDULING: scheduling };
      const states = await run<KeepAliveState[]>('clustered.mjs', { env, options: [] });
      for (const state of states) expect(state).toMatchObject(full);
    },
  );

  it.each([
    ['both processes', policy, undefined],
    ['only the one that gets them', { IN_CHILD: '30:5:3' }, []],
  ])('has it on sockets and servers that are passed on, in %s', async (_, env, options) => {
    const launch = options === undefined ? { env } : { env, options };
    const { socket, listener } = await run<Record<string, KeepAliveState>>('passed.mjs', launch);
    expect(socket).toMatchObject(full);
    expect(listener).toMatchObject(full);
  });

  it('leaves connections that are handed over what a program set on them explicitly', async () => {
    const states = await run<KeepAliveState[]>('handed-over.mjs', { env: policy, options: [] });
    expect(states).toMatchObject([
      { enabled: true, idle: 50_000, interval: 7000, count: 4, userTimeout: 78_000 },
      { enabled: true, idle: 50_000, interval: kernelDefaults().interval, count: kernelDefaults().count },
      full,
      full,
      full,
    ]);
  });

  it('has it on a listener that was given as a descriptor', async () => {
    const states = await run<KeepAliveState[]>('descriptor.mjs', { env: policy, options: [] });
    for (const state of states) expect(state).toMatchObject(full);
  });

  it('ends when it has nothing left to do', async () => {
    const env = { ...policy, TCP_KEEPALIVE_SUMMARY_SIGNAL: 'SIGUSR2' };
    expect((await start(['-e', ''], { env }).ended).code).toBe(0);
  });
});

/** A folder with a configuration file, and what there is to take it away. */
function configured(content: unknown): { readonly folder: string; readonly file: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'keepalive-'));
  const file = path.join(folder, 'tcp-keepalive.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return { folder, file, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const registerFile = fileURLToPath(new URL('../../dist/process/register.js', import.meta.url));
const options = ['--import', registerFile];

describe.concurrent('tcp-keepalive.json', () => {
  it('is found in the working directory', async () => {
    using place = configured({ policy: '20:5:3', mode: 'fill', rules: [{ role: 'client', policy: '10:5:3' }] });
    const seen = await run<BothEnds>('both-ends.mjs', { cwd: place.folder, options });
    expect(seen).toMatchObject({ client: { idle: 10_000 }, accepted: { idle: 20_000 }, called: { idle: 60_000 } });
  });

  it('is read where TCP_KEEPALIVE_CONFIG says, and the environment comes before it', async () => {
    using place = configured({ policy: '20:5:3', mode: 'fill', rules: [{ role: 'client', policy: '10:5:3' }] });
    const env = {
      TCP_KEEPALIVE_CONFIG: place.file,
      TCP_KEEPALIVE: '40:5:3',
      TCP_KEEPALIVE_MODE: 'enforce',
      TCP_KEEPALIVE_RULES: JSON.stringify([{ role: 'client', policy: '15:5:3' }]),
    };
    const seen = await run<BothEnds>('both-ends.mjs', { env });
    expect(seen).toMatchObject({ client: { idle: 15_000 }, accepted: { idle: 40_000 }, called: { idle: 15_000 } });
  });

  it.each<[string, unknown, RegExp]>([
    ['not JSON', '{ "policy": ', /tcp-keepalive\.json must be JSON/],
    [
      'a list',
      [],
      /tcp-keepalive\.json must be an object of policy, mode, rules, summarySignal, native, deadAfter, destroy, got an array/,
    ],
    ['an unknown field', { polices: '30:5:3' }, /json: unknown field "polices"; did you mean "policy"\?$/m],
    ['a wrong policy', { policy: '30:5:0' }, /tcp-keepalive\.json: policy\.count must be a whole number from 1 to 127/],
    ['a wrong mode', { policy: '30:5:3', mode: 'x' }, /tcp-keepalive\.json: mode must be 'enforce' or 'fill'/],
    ['a wrong rule', { rules: [{ policy: '30:5:3', port: 0 }] }, /tcp-keepalive\.json: rules\[0\]\.port must be/],
  ])('ends the program at once where it is %s', async (_, content, message) => {
    using place = configured(content);
    const { code, stdout, stderr } = await start(['-p', '"ran"'], { cwd: place.folder, options }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe.concurrent('what is wrong in the environment', () => {
  const wrong = [
    [{ TCP_KEEPALIVE: '30:5' }, /^tcp-keepalive: TCP_KEEPALIVE: policy must be text of the form idle:interval:count/],
    [{ TCP_KEEPALIVE: '0:5:3' }, /policy\.idle must be a whole number of seconds from 1 s to 32767 s, got "0"/],
    [{ ...policy, TCP_KEEPALIVE_MODE: 'x' }, /: TCP_KEEPALIVE_MODE: mode must be 'enforce' or 'fill', got "x"/],
    [{ ...policy, TCP_KEEPALIVE_RULES: '[' }, /TCP_KEEPALIVE_RULES must be a list of rules as JSON/],
    [{ ...policy, TCP_KEEPALIVE_RULES: '{}' }, /: TCP_KEEPALIVE_RULES: rules must be a list of rules/],
    [
      { ...policy, TCP_KEEPALIVE_CONFIG: '/nowhere.json' },
      /\/nowhere\.json must be a regular file .* that can be read, got one that does not exist/,
    ],
    [
      { ...policy, TCP_KEEPALIVE_SUMMARY_SIGNAL: 'SIGKILL' },
      /: TCP_KEEPALIVE_SUMMARY_SIGNAL: summarySignal must be one of SIGUSR2, .*: others end, stop or crash programs, got "SIGKILL"/,
    ],
  ] as const;

  it.each(wrong)('%j ends the program at once, with one line', async (env, message) => {
    const { code, stdout, stderr } = await start(['-p', '"ran"'], { env }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('becomes a warning with TCP_KEEPALIVE_ON_ERROR=warn, and nothing is wrapped', async () => {
    const env = { TCP_KEEPALIVE: '30:5', TCP_KEEPALIVE_ON_ERROR: 'warn' };
    const { code, stdout, stderr } = await start([program('both-ends.mjs')], { env }).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ client: { enabled: false }, wrapped: false });
    expect(stderr).toMatch(/KeepAliveWarning: no keepalive policy is in force: TCP_KEEPALIVE: policy must be text/);
  });
});

describe.concurrent('what it says', () => {
  it('goes to standard error with NODE_DEBUG=tcp-keepalive, with the status at the end', async () => {
    const env = { ...policy, NODE_DEBUG: 'tcp-keepalive' };
    const { stderr } = await start([program('both-ends.mjs')], { env }).ended;
    expect(stderr).toMatch(/policy {"idle":30000,"interval":5000,"count":3}, mode enforce, 0 rules/);
    expect(stderr).toMatch(/1 connections set, 1 inherited from 1 listeners/);
    expect(stderr).toMatch(/overruled 1 times: .*both-ends\.mjs:\d+/);
  });

  it('comes on the signal that was asked for, and the program goes on', async () => {
    const env = { ...policy, TCP_KEEPALIVE_SUMMARY_SIGNAL: 'SIGUSR2' };
    const { child, ended } = start([program('waiting.mjs')], { env });
    await firstOutput(child);
    const said = child.stderr === null ? [] : once(child.stderr, 'data');
    child.kill('SIGUSR2');
    expect(String((await said)[0])).toMatch(/^tcp-keepalive: 1 connections set, 1 inherited from 1 listeners\n/);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: null });
  });

  it('is nothing otherwise, and signals do what they do without it', async () => {
    const { child, ended } = start([program('waiting.mjs')], { env: policy });
    await firstOutput(child);
    child.kill('SIGUSR2');
    expect(await ended).toMatchObject({ code: null, stderr: '' });
  });
});
