import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  attempt,
  type Behaviours,
  closed,
  failure,
  here,
  listening,
  log,
  opening,
  portOf,
  refusingPort,
} from './observing.js';

const attempts = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  'connect',
  'ready',
  'close',
];

/** The events without ports. */
const anonymous = (events: unknown[][]) =>
  events.map((event) => event.map((value) => (typeof value === 'number' && value > 1000 ? 'PORT' : value)));

/** What comes of a connection that cannot be. */
async function refused(options: object): Promise<unknown> {
  const socket = opening(net.connect(options as net.NetConnectOpts));
  const events = log(socket, ...attempts);
  const [error] = await once(socket, 'error');
  if (!socket.closed) await closed(socket);
  return { error: failure(error), events: anonymous(events), connecting: socket.connecting };
}

async function freePort(): Promise<number> {
  const port = await refusingPort();
  return port;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

/** A look-up that gives these addresses, and the options it was asked with. */
function lookingUp(addresses: readonly Address[], asked: object[] = []) {
  return (_: string, { all, family, hints }: { all?: boolean; family?: number; hints?: number }, give: Answering) => {
    asked.push({ all, family, hints });
    const [first] = addresses;
    process.nextTick(() => (all ? give(null, addresses) : give(null, first?.address, first?.family)));
  };
}

type Answering = (error: Error | null, address?: unknown, family?: number) => void;

async function families(addresses: readonly Address[], options: object = {}): Promise<unknown> {
  const server = await listening(net.createServer());
  const asked: object[] = [];
  const lookup = lookingUp(addresses, asked);
  const socket = opening(
    net.connect({ host: 'some.test', port: portOf(server), lookup, ...options } as net.NetConnectOpts),
  );
  const events = log(socket, ...attempts);
  await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch((error) => events.push(['error', error]));
  const outcome = { to: socket.remoteAddress, autoSelect: socket.autoSelectFamilyAttemptedAddresses?.length };
  socket.destroy();
  return { asked, events: anonymous(events), ...outcome };
}

const v4 = { address: here, family: 4 };
const v6 = { address: '::1', family: 6 };

async function allFail(): Promise<unknown> {
  const lookup = lookingUp([v4, { address: '127.0.0.2', family: 4 }, v6]);
  return refused({ host: 'some.test', port: await freePort(), lookup, autoSelectFamily: true });
}

async function badArguments(): Promise<unknown> {
  const ports = [-1, 65_536, 'abc', '', null, {}, 1.5, Number.NaN, true].map((port) =>
    attempt(() => opening(net.connect({ port, host: here } as net.NetConnectOpts)).destroy().destroyed),
  );
  const others = [
    {},
    { port: 1, host: 5 },
    { port: 1, localAddress: 'x' },
    { port: 1, localPort: 'x' },
    { port: 1, lookup: 5 },
    { port: 1, family: 7 },
    { port: 1, hints: -1 },
    { path: 5 },
  ].map((options) =>
    attempt(() => opening(net.connect(options as net.NetConnectOpts)).on('error', () => {}).destroyed),
  );
  const call = net.connect as unknown as (...args: unknown[]) => net.Socket;
  const none = [[], [undefined], [null]].map((args) => attempt(() => opening(call(...args)).destroyed));
  return { ports, others, none };
}

async function forms(): Promise<unknown> {
  const server = await listening(net.createServer());
  const port = portOf(server);
  const seen: unknown[] = [];
  const called = (form: string) =>
    new Promise<() => void>((resolve) =>
      resolve(() => {
        seen.push(form);
      }),
    );
  const start = [
    async () => net.connect(port, here, await called('port, host')),
    async () => net.connect(String(port) as unknown as number, here, await called('text')),
    async () => net.createConnection({ port, host: here }, await called('options')),
    async () => new net.Socket().connect(port, here, await called('new')),
    async () => new net.Socket().connect({ port, host: here }, await called('new, options')),
  ];
  for (const begin of start) {
    const socket = opening(await begin());
    await once(socket, 'connect');
    seen.push([socket.listenerCount('connect'), socket.remoteAddress]);
  }
  return seen;
}

async function destroyedWhileConnecting(): Promise<unknown> {
  const server = await listening(net.createServer());
  const destroyIn = async (when: string) => {
    const socket = opening(new net.Socket());
    const events = log(socket, 'connect', 'error', 'close');
    const lookup = lookingUp([v4]);
    if (when !== 'at once') socket.once(when, () => socket.destroy());
    socket.connect({ port: portOf(server), host: 'some.test', lookup: lookup as unknown as net.LookupFunction });
    if (when === 'at once') socket.destroy();
    await closed(socket);
    return [when, events, socket.connecting, socket.destroyed];
  };
  const outcomes = [];
  for (const when of ['at once', 'lookup', 'connect']) outcomes.push(await destroyIn(when));
  return outcomes;
}

async function destroyedInLookup(): Promise<unknown> {
  const socket = opening(new net.Socket());
  const events = log(socket, ...attempts, 'error');
  const lookup = (_: string, options: object, give: Answering) => {
    socket.destroy();
    lookingUp([v4])(_, options, give);
  };
  socket.connect({ port: 1, host: 'some.test', lookup: lookup as unknown as net.LookupFunction });
  await closed(socket);
  return events;
}

async function fromAddress(): Promise<unknown> {
  const server = await listening(net.createServer());
  const socket = opening(net.connect({ port: portOf(server), host: here, localAddress: '127.0.0.5' }));
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[net.Socket], []];
  return { from: accepted.remoteAddress, foreign: await refused({ port: 9, host: here, localAddress: '192.0.2.1' }) };
}

async function blocked(): Promise<unknown> {
  const blockList = new net.BlockList();
  blockList.addAddress(here);
  const socket = opening(net.connect({ port: await freePort(), host: here, blockList } as net.NetConnectOpts));
  const [error] = await once(socket, 'error');
  return failure(error);
}

export const connecting: Behaviours = {
  ECONNREFUSED: async () => refused({ port: await freePort(), host: here }),
  'ECONNREFUSED over IPv6': async () => refused({ port: await freePort(), host: '::1' }),
  'ENOTFOUND from a lookup function': async () => {
    const lookup = (host: string, _: object, give: Answering) =>
      give(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', syscall: 'getaddrinfo' }));
    return refused({ host: 'nowhere.test', port: 1, lookup });
  },
  'a lookup that gives no address, or of no family': async () => {
    const giving = (...values: unknown[]) => {
      const lookup = (_: string, __: object, give: Answering) => give(null, ...(values as [unknown, number]));
      return refused({ host: 'some.test', port: 1, lookup, autoSelectFamily: false });
    };
    return [await giving('not an address', 4), await giving(here, 5)];
  },
  'ports and other arguments that are wrong': badArguments,
  'the forms of net.connect': forms,
  'what a lookup function is asked': async () => [
    await families([v4]),
    await families([v4], { family: 4 }),
    await families([v4], { autoSelectFamily: false, hints: 0 }),
  ],
  'autoSelectFamily falls back to the other family': () => families([v6, v4], { autoSelectFamily: true }),
  'autoSelectFamily where every address fails': allFail,
  'autoSelectFamily: false takes the first address': () => families([v4, v6], { autoSelectFamily: false }),
  'localAddress, and one that is not ours': fromAddress,
  'localPort that is taken': async () => {
    const server = await listening(net.createServer());
    return refused({ port: portOf(server), host: here, localAddress: here, localPort: portOf(server) });
  },
  'destroy at each stage of connecting': destroyedWhileConnecting,
  'destroy in the lookup function': destroyedInLookup,
  'a blockList': blocked,
  'a unix socket that is not there, or whose name is too long': async () => [
    await refused({ path: path.join(tmpdir(), 'no-such-socket') }),
    attempt(() => opening(net.connect(`/${'x'.repeat(200)}`).on('error', () => {})).connecting),
  ],
  'the timeout option of connect': async () => {
    const server = await listening(net.createServer());
    const socket = opening(net.connect({ port: portOf(server), host: here, timeout: 300 }));
    const events = log(socket, 'connect', 'timeout', 'close');
    await once(socket, 'timeout');
    return { events, timeout: socket.timeout, destroyed: socket.destroyed };
  },
  'writes before the connection is there': async () => {
    const server = await listening(net.createServer((socket) => socket.pipe(socket)));
    const socket = opening(net.connect(portOf(server), here));
    const written = [socket.write('early '), socket.pending, socket.bytesWritten];
    socket.end('bird');
    let text = '';
    for await (const chunk of socket) text += chunk;
    await delay(0);
    return { written, text };
  },
};
