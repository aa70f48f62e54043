import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  applyToProcess,
  getKeepAlive,
  kernelDefaults,
  type PolicyInput,
  setKeepAlive,
  watchPeers,
} from '../../src/index.js';
import { crashPeer, loopbackPair } from '../../src/testing/index.js';
import { closing, listening, portOf } from '../endpoints.js';
import { kernelStateOf } from '../kernel/descriptor.js';
import { ownNetwork, runProgram } from '../program.js';
import { cannotRun } from '../requirement.js';
import type { RestoredBeyondLimits } from './restored-beyond-limits.js';

const given = { idle: 40_000, interval: 7000, count: 4, userTimeout: 68_000 };
const json = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

describe('true', () => {
  it.each<[string, PolicyInput | true]>([
    ['true', true],
    ["'on'", 'on'],
  ])('%s turns keepalive on and leaves the numbers', async (_, on) => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, { ...given, enabled: false });
    expect(setKeepAlive(pair.client, on)).toEqual({ enabled: true, ...given });
    expect(kernelStateOf(pair.client)).toMatchObject({ enabled: true, ...given });
  });

  it.each(['true', 'Yes', '1', 'enabled'])('as text, %s is explained', async (text) => {
    using pair = await loopbackPair();
    expect(() => setKeepAlive(pair.client, text)).toThrow(/'on' or 'off', got ".*"; did you mean 'on'\?/);
    expect(() => applyToProcess(text)).toThrow(/'on' or 'off', got ".*"; did you mean 'on'\?/);
  });
});

describe('numbers without keepalive', () => {
  it('are set on an open connection, and in force once keepalive is turned on', async () => {
    using pair = await loopbackPair();
    expect(setKeepAlive(pair.client, { idle: 40_000, interval: 7000, count: 4, enabled: false })).toMatchObject({
      enabled: false,
      idle: 40_000,
    });
    expect(kernelStateOf(pair.client)).toMatchObject({ enabled: false, idle: 40_000, interval: 7000, count: 4 });
    pair.client.setKeepAlive(true);
    expect(kernelStateOf(pair.client).enabled).toBe(true);
  });

  it('are set on a socket that connects later, and on what a server accepts', async () => {
    const server = await listening(net.createServer());
    setKeepAlive(server, { ...given, enabled: false });
    const client = new net.Socket();
    expect(setKeepAlive(client, { ...given, enabled: false })).toEqual({ status: 'pending', enabled: false, ...given });
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    client.connect(portOf(server), '127.0.0.1');
    await once(client, 'connect');
    const [peer] = await accepted;
    onTestFinished(() => void client.destroy());
    for (const socket of [client, peer]) expect(kernelStateOf(socket)).toMatchObject({ enabled: false, ...given });
  });
});

describe('a state that is given back', () => {
  const states: [string, PolicyInput | false][] = [
    ['on', given],
    ['off', { ...given, enabled: false }],
    ['with a longest time between retransmissions', { ...given, rtoMax: '5s' }],
    ['with a user timeout that a policy must spell', { ...given, userTimeout: '45ms' }],
    ['untouched', false],
  ];

  it.each(states)('restores what was: %s', async (_, policy) => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, policy);
    const before = getKeepAlive(pair.client);
    for (const state of [before, json(before)]) {
      setKeepAlive(pair.client, { idle: '1m30s', interval: 9000, count: 9, userTimeout: '5m', rtoMax: '20s' });
      expect(setKeepAlive(pair.client, state)).toEqual(before);
      expect(getKeepAlive(pair.client)).toEqual(before);
    }
  });

  it('restores a server, what it had before it listened, and what setKeepAlive returned', async () => {
    const server = net.createServer();
    const pending = setKeepAlive(server, given);
    await listening(server);
    const before = getKeepAlive(server);
    setKeepAlive(server, '20:5:3:0');
    expect(setKeepAlive(server, json(before))).toEqual({ ...before, connections: 'inherited' });
    setKeepAlive(server, '20:5:3:0');
    expect(setKeepAlive(server, pending as never)).toMatchObject({ enabled: true, ...given });
  });

  it('restores what was deferred, and not what was in force in its place', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '30:5:3');
    const watch = watchPeers({ sockets: [pair.client], deadWithin: '2s' });
    await expect.poll(() => getKeepAlive(pair.client).idle).toBe(1000);
    const before = getKeepAlive(pair.client);
    expect(before.deferred).toMatchObject({ until: 'unwatched', idle: 30_000, interval: 5000, count: 3 });
    setKeepAlive(pair.client, '60:6:6');
    setKeepAlive(pair.client, before);
    watch.close();
    expect(getKeepAlive(pair.client)).toMatchObject({ enabled: true, idle: 30_000, interval: 5000, count: 3 });
  });

  it('restores a policy for connections that are unanswered at the moment', { timeout: 20_000 }, async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, '1:1:50');
    const crashed = crashPeer(pair.server);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    setKeepAlive(pair.client, '1:1:3');
    const before = getKeepAlive(pair.client);
    expect(before.deferred).toMatchObject({ until: 'answered', count: 3 });
    setKeepAlive(pair.client, '20:2:20');
    setKeepAlive(pair.client, before);
    crashed.revive();
    await expect.poll(() => getKeepAlive(pair.client).count, { timeout: 10_000 }).toBe(3);
  });

  it('is what a process had applied', async () => {
    const seen: PolicyInput[] = [];
    const policy = applyToProcess('30:5:3', { onApplied: ({ applied }) => void seen.push(applied as PolicyInput) });
    onTestFinished(() => policy.close());
    using pair = await loopbackPair();
    expect(seen.length).toBeGreaterThan(0);
    setKeepAlive(pair.client, '60:6:6');
    expect(setKeepAlive(pair.client, seen.at(-1) as PolicyInput)).toMatchObject({ idle: 30_000, count: 3 });
  });

  it('with a number that no option can have, is refused where the connection has another, and sets nothing', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, given);
    const beyond = { ...getKeepAlive(pair.client), idle: 86_400_000, count: 9 };
    expect(() => setKeepAlive(pair.client, beyond)).toThrow(
      /idle must be .*got 86400000; the state is of a connection/,
    );
    expect(() => applyToProcess(beyond)).toThrow(/policy\.idle must be .*followed a sysctl beyond these limits/);
    expect(kernelStateOf(pair.client)).toMatchObject(given);
  });

  it('with such a number is refused where it would be set later, and promises nothing', async () => {
    using pair = await loopbackPair();
    const beyond = { ...getKeepAlive(pair.client), idle: 86_400_000 };
    const client = closing(new net.Socket());
    const server = net.createServer();
    for (const target of [client, server]) {
      expect(() => setKeepAlive(target, beyond)).toThrow(/idle must be .*got 86400000; the state is of a connection/);
      expect(() => getKeepAlive(target)).toThrow(/ENOTCONN/);
    }
    await listening(server);
    client.connect(portOf(server), '127.0.0.1');
    await once(client, 'connect');
    expect(kernelStateOf(client)).toMatchObject({ enabled: false, idle: kernelDefaults().idle });
  });

  it.each([{ userTimeout: 2 ** 31 }, { rtoMax: 130_000 }])(
    'with %j, which follows no sysctl beyond its limits, is wrong',
    async (wrong) => {
      using pair = await loopbackPair();
      expect(() => setKeepAlive(pair.client, { ...getKeepAlive(pair.client), ...wrong })).toThrow(
        /^(userTimeout|rtoMax) must be (?!.*followed a sysctl)/,
      );
    },
  );

  const network = ownNetwork();
  const isMissing = process.getuid?.() !== 0 || network === undefined;

  it.skipIf(cannotRun(isMissing, 'it needs root and unshare --net'))(
    'with a number of a sysctl beyond the limits, goes on following the sysctl',
    async () => {
      const program = new URL('restored-beyond-limits.ts', import.meta.url);
      const { before, own, host, refused, pending } = await runProgram<RestoredBeyondLimits>(program, [], network);
      expect(before).toMatchObject({ enabled: true, idle: 86_400_000 });
      expect(own).toEqual(before);
      expect(pending).toEqual(before);
      expect(host).toEqual({ failed: [], after: before });
      expect(refused).toMatch(/^idle must be .* to 32767 s, got 86400000; the state is of a connection that followed/);
    },
  );
});

describe('what others call it', () => {
  it.each<[unknown, RegExp]>([
    [
      { enable: true, initialDelay: 10_000 },
      /"enable": it is called 'enabled' here, "initialDelay": it is called 'idle'/,
    ],
    [{ keepAlive: true, keepAliveInitialDelay: 1 }, /"keepAlive": it is called 'enabled'.*Delay": it is called 'idle'/],
    [{ keepAliveInterval: 1000 }, /"keepAliveInterval"; it is called 'interval' here/],
    [{ keepAliveCount: 3 }, /it is called 'count' here/],
    [{ delay: 10_000 }, /it is called 'idle' here/],
    [{ time: 10_000 }, /it is called 'idle' here/],
    [{ retries: 3 }, /it is called 'count' here/],
    [{ tcp_user_timeout: 3 }, /it is called 'userTimeout' here/],
    [{ IDLE: 10_000 }, /did you mean "idle"\?/],
    [{ seconds: 10 }, /got a field "seconds"$/],
    [{ idle: -1 }, /to leave it as it is, leave the field out/],
  ])('%j is said what it is called here, by every call', async (policy, message) => {
    using pair = await loopbackPair();
    const wrong = policy as PolicyInput;
    expect(() => setKeepAlive(pair.client, wrong)).toThrow(message);
    expect(() => applyToProcess(wrong)).toThrow(message);
    expect(() => applyToProcess('30:5:3', { rules: [{ port: 1, policy: wrong }] })).toThrow(message);
    expect(() => watchPeers({ sockets: [pair.client], policy: wrong })).toThrow(message);
  });

  it('a watch takes true, and refuses numbers without keepalive', async () => {
    using pair = await loopbackPair();
    setKeepAlive(pair.client, { ...given, enabled: false });
    watchPeers({ sockets: [pair.client], policy: true }).close();
    expect(kernelStateOf(pair.client)).toMatchObject({ enabled: true, ...given });
    expect(() => watchPeers({ all: true, policy: { ...given, enabled: false } })).toThrow(
      /policy must be one that turns/,
    );
  });
});

describe('a policy that leaves numbers out', () => {
  const slow = kernelDefaults().interval * kernelDefaults().count > 60_000;

  function warnings(): string[] {
    const seen: string[] = [];
    const listener = ({ name, message }: Error) => void (name === 'KeepAliveWarning' && seen.push(message));
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    return seen;
  }

  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('is no surprise where the program had chosen numbers', async () => {
    const seen = warnings();
    using pair = await loopbackPair();
    setKeepAlive(pair.client, { idle: 10_000, interval: 'system', count: 'system' });
    setKeepAlive(pair.client, { idle: 20_000 });
    pair.server.setKeepAlive(true, 10_000);
    setKeepAlive(pair.server, { idle: 20_000 });
    await settled();
    expect(seen).toEqual([]);
  });

  it.runIf(slow)('is warned of once, with the time that it comes to', async () => {
    const seen = warnings();
    using pair = await loopbackPair();
    setKeepAlive(pair.client, { idle: 10_000 });
    setKeepAlive(pair.server, true);
    await settled();
    const { interval, count } = kernelDefaults();
    const minutes = Math.round((10_000 + interval * count) / 60_000);
    expect(seen).toEqual([
      `keepalive is on, but a dead peer is found only after ${minutes} min: the policy leaves interval at ${interval / 1000} s, ` +
        `count at ${count}; state all three, as in '10:5:3', or 'system' for those that the kernel decides`,
    ]);
  });
});
