import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseOptionSource, probeDescriptorCopies, probeTcpIterator } from '../../src/host/options/choice.js';
import type { OptionSource, WantedOptions } from '../../src/host/options/source.js';
import type { KeepAliveState } from '../../src/index.js';
import type { ValidPolicy } from '../../src/policy/policy.js';
import { hasRtoMax } from '../kernel/descriptor.js';
import { hasIPv6 } from '../peers.js';
import { cannotRun } from '../requirement.js';
import { type Held, type Holder, referenceTo, startHolder } from './options-holding.js';

const policy = (given: Partial<ValidPolicy>): ValidPolicy => ({
  idle: undefined,
  interval: undefined,
  count: undefined,
  userTimeout: undefined,
  ...given,
});

const families: ('IPv4' | 'IPv6')[] = hasIPv6 ? ['IPv4', 'IPv6'] : ['IPv4'];
const probes = { 'tcp-iterator': probeTcpIterator, 'descriptor-copies': probeDescriptorCopies } as const;

function whyNot(method: OptionSource['method']): string | undefined {
  const { capability, source } = probes[method]();
  source?.[Symbol.dispose]();
  return capability.answer === 'yes' ? undefined : capability.why;
}

function get(sockets: ReadonlyMap<string, Held>, name: string): Held {
  const socket = sockets.get(name);
  if (socket === undefined) throw new Error(`the process holds no '${name}'`);
  return socket;
}

describe.each(['tcp-iterator', 'descriptor-copies'] as const)('%s', (method) => {
  const reason = whyNot(method);
  const missing = cannotRun(reason !== undefined, `${method}: ${reason}`);
  let holder: Holder;
  let source: OptionSource;

  beforeAll(async () => {
    if (missing) return;
    const chosen = chooseOptionSource(method);
    if (chosen.source === undefined) throw new Error(JSON.stringify(chosen.refused));
    source = chosen.source;
    holder = startHolder();
    await holder.tell({ do: 'start', families, connections: 2 });
  });

  afterAll(async () => {
    await holder?.end();
    source?.[Symbol.dispose]();
  });

  const look = () => holder.tell({ do: 'look' });

  /** Sets one socket of the other process and gives the outcome and what that process then reads. */
  async function setOne(name: string, wanted: WantedOptions) {
    const socket = get(await look(), name);
    const [outcome] = source.write([{ socket: referenceTo(holder, socket), wanted }]);
    return { outcome, was: socket.state, is: get(await look(), name).state };
  }

  it.skipIf(missing)('reads what the process itself set', async () => {
    await holder.tell({ do: 'set', name: 'IPv4 1 client', policy: { idle: 31_000, interval: 6000, count: 4 } });
    await holder.tell({ do: 'set', name: 'IPv4 1 server', policy: { idle: 1000, userTimeout: 12_345 } });
    await holder.tell({
      do: 'set',
      name: 'IPv4 listener',
      policy: { idle: 32_767_000, interval: 32_767_000, count: 127 },
    });
    const sockets = await holder.tell({ do: 'set', name: 'IPv4 2 client', policy: { userTimeout: 2 ** 31 - 1 } });
    const { states, incomplete } = source.read([...sockets.values()].map((socket) => referenceTo(holder, socket)));
    expect(incomplete).toEqual([]);
    for (const { name, cookie, state } of sockets.values()) expect(states.get(BigInt(cookie)), name).toEqual(state);
    expect(get(sockets, 'IPv4 1 client').state).toMatchObject({
      enabled: true,
      idle: 31_000,
      interval: 6000,
      count: 4,
    });
    expect(get(sockets, 'IPv4 2 server').state).toMatchObject({ enabled: false });
  });

  it.skipIf(missing)('sets a connection, and gives what was there before and is there now', async () => {
    const wanted = policy({ idle: 30_000, interval: 5000, count: 3, userTimeout: 45_000 });
    const { outcome, was, is } = await setOne('IPv4 2 server', wanted);
    expect(is).toEqual({ enabled: true, idle: 30_000, interval: 5000, count: 3, userTimeout: 45_000 });
    expect(outcome).toMatchObject({ before: was, after: is, error: undefined });
  });

  it.skipIf(missing || cannotRun(!hasIPv6, 'there is no IPv6 here'))('sets IPv6 and mapped connections', async () => {
    for (const name of ['IPv6 1 client', 'IPv6 1 server', 'mapped client', 'mapped server', 'dual listener']) {
      const { is } = await setOne(name, policy({ idle: 41_000, interval: 7000, count: 5 }));
      expect(is, name).toMatchObject({ enabled: true, idle: 41_000, interval: 7000, count: 5 });
    }
  });

  it.skipIf(missing || cannotRun(!hasRtoMax, 'TCP_RTO_MAX_MS needs Linux 6.15'))(
    'sets and reads the longest time between retransmissions, and restores that it was not set',
    async () => {
      const { was, is, outcome } = await setOne('IPv4 2 server', policy({ rtoMax: 7000 }));
      expect(is.rtoMax).toBe(7000);
      expect(outcome).toMatchObject({ before: was, after: is, error: undefined });
      expect(was.rtoMax).toBeUndefined();
      expect((await setOne('IPv4 2 server', was)).is).toEqual(was);
    },
  );

  it.skipIf(missing)('sets a listener, and connections accepted from then on inherit it', async () => {
    const { outcome, is } = await setOne(
      'IPv4 listener',
      policy({ idle: 33_000, interval: 4000, count: 6, userTimeout: 57_000 }),
    );
    expect(outcome?.error).toBeUndefined();
    const later = await holder.tell({ do: 'connect', name: 'later', to: 'IPv4 listener', host: '127.0.0.1' });
    expect(get(later, 'later server').state).toEqual(is);
    expect(is).toEqual({ enabled: true, idle: 33_000, interval: 4000, count: 6, userTimeout: 57_000 });
  });

  it.skipIf(missing)('leaves alone what the policy leaves out, and turns keepalive off with false', async () => {
    const name = 'IPv4 1 client';
    const first = await setOne(name, policy({ idle: 20_000, interval: 3000, count: 7, userTimeout: 9000 }));
    const second = await setOne(name, policy({ interval: 11_000 }));
    expect(second.is).toEqual({ ...first.is, interval: 11_000 });
    const third = await setOne(name, false);
    expect(third.is).toEqual({ ...second.is, enabled: false });
    const fourth = await setOne(name, policy({}));
    expect(fourth.is).toEqual(second.is);
  });

  it.skipIf(missing)('puts a state back that was there before', async () => {
    const { outcome, was } = await setOne('IPv4 2 client', policy({ idle: 2000, interval: 1000, count: 1 }));
    const { is } = await setOne('IPv4 2 client', outcome?.before as KeepAliveState);
    expect(is).toEqual(was);
  });

  it.skipIf(missing).each([
    ['TCP_KEEPINTVL', { interval: 0, count: 9 }],
    ['TCP_KEEPCNT', { interval: 8000, count: 200 }],
    ['TCP_KEEPIDLE', { interval: 8000, count: 8, userTimeout: 1234, idle: 40_000_000 }],
  ])('changes nothing when the kernel refuses %s', async (option, refusable) => {
    await setOne('IPv4 1 server', false);
    const { outcome, was, is } = await setOne('IPv4 1 server', policy(refusable));
    expect(is).toEqual(was);
    expect(was.enabled).toBe(false);
    expect(outcome?.error).toMatch(new RegExp(`^setsockopt\\(${option}\\): EINVAL, what was set before was restored`));
    expect(outcome).toMatchObject({ before: was, after: was });
  });

  it.skipIf(missing)('goes on after a socket that refuses', async () => {
    const sockets = await look();
    const change = (name: string, wanted: WantedOptions) => ({
      socket: referenceTo(holder, get(sockets, name)),
      wanted,
    });
    const outcomes = source.write([
      change('IPv4 1 client', policy({ idle: 61_000 })),
      change('IPv4 1 server', policy({ count: 128 })),
      {
        socket: { cookie: 2n ** 63n, holders: [{ pid: holder.pid, fd: get(sockets, 'IPv4 2 server').fd }] },
        wanted: false,
      },
      change('IPv4 2 client', policy({ idle: 62_000 })),
    ]);
    expect(outcomes.map(({ error }) => error !== undefined)).toEqual([false, true, true, false]);
    expect(outcomes.map(({ cookie }) => String(cookie)).slice(0, 2)).toEqual([
      get(sockets, 'IPv4 1 client').cookie,
      get(sockets, 'IPv4 1 server').cookie,
    ]);
    const now = await look();
    expect(get(now, 'IPv4 1 client').state.idle).toBe(61_000);
    expect(get(now, 'IPv4 2 client').state.idle).toBe(62_000);
    expect(get(now, 'IPv4 2 server').state).toEqual(get(sockets, 'IPv4 2 server').state);
  });

  it.skipIf(missing)('leaves O_NONBLOCK and the descriptors of the process as they were', async () => {
    const sockets = await look();
    const flags = () => [...sockets.values()].map(({ fd }) => holder.flagsOf(fd));
    const before = { flags: flags(), count: holder.descriptorCount() };
    const references = [...sockets.values()].map((socket) => referenceTo(holder, socket));
    source.read(references);
    source.write(references.map((socket) => ({ socket, wanted: policy({ idle: 30_000 }) })));
    expect(flags()).toEqual(before.flags);
    // Files and threads with which it was loaded may be closed meanwhile.
    expect(holder.descriptorCount()).toBeLessThanOrEqual(before.count);
    // 04000 is O_NONBLOCK, without which the comparison would say little.
    expect(before.flags.every((octal) => (Number.parseInt(octal ?? '', 8) & 0o4000) !== 0)).toBe(true);
  });
});

describe('descriptor-copies', () => {
  const missing = cannotRun(whyNot('descriptor-copies') !== undefined, 'descriptors cannot be copied here');
  const { source } = missing ? {} : chooseOptionSource('descriptor-copies');

  it.skipIf(missing).each([
    ['file', 'the descriptor is another one now'],
    ['socket', 'the descriptor is another one now'],
    ['nothing', 'the process has closed the descriptor'],
  ] as const)('says so when a descriptor has become a %s', async (by, reason) => {
    const holder = startHolder();
    try {
      const sockets = await holder.tell({ do: 'start', families: ['IPv4'], connections: 2 });
      await holder.tell({ do: 'replace', name: 'IPv4 1 client', by });
      const gone = referenceTo(holder, get(sockets, 'IPv4 1 client'));
      const alive = referenceTo(holder, get(sockets, 'IPv4 2 client'));
      const reading = source?.read([gone, alive]);
      expect(reading?.states.get(gone.cookie)).toBeUndefined();
      expect(reading?.states.get(alive.cookie)).toEqual(get(sockets, 'IPv4 2 client').state);
      expect(reading?.incomplete).toEqual([
        { what: `the options of 1 connection of process ${holder.pid}`, why: expect.stringContaining(reason) },
      ]);
      const [first, second] =
        source?.write([gone, alive].map((socket) => ({ socket, wanted: policy({ idle: 50_000 }) }))) ?? [];
      expect(first).toMatchObject({ before: undefined, after: undefined, error: expect.stringContaining(reason) });
      expect(second?.after).toMatchObject({ enabled: true, idle: 50_000 });
    } finally {
      await holder.end();
    }
  });

  it.skipIf(missing)('takes a socket from another process where the first has it no more', async () => {
    const [ended, holder] = [startHolder(), startHolder()];
    try {
      const sockets = await holder.tell({ do: 'start', families: ['IPv4'], connections: 2 });
      await holder.tell({ do: 'replace', name: 'IPv4 1 client', by: 'socket' });
      await ended.end();
      const { cookie, holders } = referenceTo(holder, get(sockets, 'IPv4 2 client'));
      const replaced = referenceTo(holder, get(sockets, 'IPv4 1 client')).holders;
      const socket = { cookie, holders: [{ pid: ended.pid, fd: 3 }, ...replaced, ...holders] };
      const reading = source?.read([socket]);
      expect(reading?.states.get(cookie)).toEqual(get(sockets, 'IPv4 2 client').state);
      expect(reading?.incomplete).toEqual([]);
      const outcomes = source?.write([{ socket, wanted: policy({ idle: 50_000 }) }]);
      expect(outcomes).toMatchObject([{ after: { enabled: true, idle: 50_000 }, error: undefined }]);
    } finally {
      await holder.end();
    }
  });

  it.skipIf(missing)('says so when the process has ended, or no process has the socket', async () => {
    const holder = startHolder();
    const sockets = await holder.tell({ do: 'start', families: ['IPv4'], connections: 1 });
    await holder.end();
    const references = [...sockets.values()].map((socket) => referenceTo(holder, socket));
    const reading = source?.read([...references, { cookie: 1n, holders: [] }]);
    expect(reading?.states.size).toBe(0);
    expect(reading?.incomplete).toEqual([
      { what: 'the options of 1 connection', why: expect.stringContaining('no process is known that has it open') },
      { what: `the options of 3 connections of process ${holder.pid}`, why: expect.stringContaining('has ended') },
    ]);
  });
});

describe('tcp-iterator', () => {
  const missing = cannotRun(whyNot('tcp-iterator') !== undefined, 'the TCP iterator cannot be used here');

  it.skipIf(missing)('shows each of thousands of sockets once, and says which are closed', async () => {
    const holder = startHolder();
    using chosen = chooseOptionSource('tcp-iterator');
    try {
      // More than a read of the iterator gives, with either record.
      const sockets = await holder.tell({ do: 'start', families: ['IPv4'], connections: 1500 });
      const references = [...sockets.values()].map((socket) => referenceTo(holder, socket));
      const wanted = policy({ idle: 30_000, interval: 5000, count: 3 });
      const outcomes = chosen.source?.write(references.map((socket) => ({ socket, wanted }))) ?? [];
      const states = [...sockets.values()].map(({ state }) => state);
      expect(outcomes.map(({ before }) => before)).toEqual(states);
      const now = [...(await holder.tell({ do: 'look' })).values()].map(({ state }) => state);
      expect(outcomes.map(({ after }) => after)).toEqual(now);
      expect(new Set(now.map(({ enabled, idle }) => `${enabled} ${idle}`))).toEqual(new Set(['true 30000']));
      await holder.end();
      const [closed] = chosen.source?.write([{ socket: references[0] as (typeof references)[0], wanted }]) ?? [];
      expect(closed?.error).toContain('it is closed');
      expect(chosen.source?.read(references).states.get(references[0]?.cookie ?? 0n)).toBeUndefined();
    } finally {
      await holder.end();
    }
  });
});
