/** Holds sockets with various options for another process to read and set; started by options-holding.ts. */
import { once } from 'node:events';
import { openSync } from 'node:fs';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getKeepAlive, type KeepAlivePolicy, setKeepAlive } from '../../src/index.js';
import { readBytesOption } from '../../src/native/socket/socket-options.js';
import { crashPeer } from '../../src/testing/index.js';
import { closeDescriptor, fdOf, rawSocket } from '../kernel/descriptor.js';
import type { Command, Held } from './options-holding.js';

const held = new Map<string, net.Socket | net.Server>();
const ended = new Map<string, Held>();
const SO_COOKIE = { name: 'SO_COOKIE', level: 1, option: 57 };

function describe(name: string, endpoint: net.Socket | net.Server): Held {
  const fd = fdOf(endpoint);
  const bytes = readBytesOption(fd, SO_COOKIE, 8);
  const cookie = new DataView(bytes.buffer).getBigUint64(0, true);
  const ports =
    endpoint instanceof net.Socket
      ? { localPort: endpoint.localPort ?? 0, remotePort: endpoint.remotePort ?? 0 }
      : { localPort: (endpoint.address() as net.AddressInfo).port, remotePort: 0 };
  return { name, fd, cookie: String(cookie), state: getKeepAlive(endpoint), ...ports };
}

function hold(name: string, endpoint: net.Socket | net.Server): void {
  const { cookie, fd, localPort, remotePort, state } = describe(name, endpoint);
  endpoint.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    ended.set(name, { name, cookie, fd, localPort, remotePort, state, ended: code });
  });
  endpoint.on('close', () => held.delete(name));
  held.set(name, endpoint);
}

async function listen(name: string, host: string, port = 0): Promise<net.Server> {
  const server = net.createServer().listen({ port, host, backlog: 4096 });
  await once(server, 'listening');
  hold(name, server);
  return server;
}

async function connect(name: string, server: net.Server, host: string): Promise<void> {
  const client = net.connect((server.address() as net.AddressInfo).port, host);
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [net.Socket],
    unknown,
  ];
  hold(`${name} client`, client);
  hold(`${name} server`, accepted);
}

/** Closes a socket and puts something else in its descriptor's place. */
async function replace(name: string, by: 'file' | 'socket' | 'nothing'): Promise<void> {
  const socket = held.get(name) as net.Socket;
  const fd = fdOf(socket);
  held.delete(name);
  socket.destroy();
  await once(socket, 'close');
  if (by === 'nothing') return;
  const passed: number[] = [];
  for (;;) {
    const opened = by === 'file' ? openSync('/dev/null', 'r') : rawSocket('udp');
    if (opened === fd) break;
    passed.push(opened);
  }
  passed.forEach(closeDescriptor);
}

const hosts = { IPv4: '127.0.0.1', IPv6: '::1' } as const;

async function start({ families, connections, port }: Extract<Command, { do: 'start' }>): Promise<void> {
  for (const family of families) {
    const server = await listen(`${family} listener`, hosts[family], port);
    for (let number = 1; number <= connections; number += 1)
      await connect(`${family} ${number}`, server, hosts[family]);
  }
  if (!families.includes('IPv6')) return;
  await connect('mapped', await listen('dual listener', '::'), '127.0.0.1');
}

process.on('message', async (command: Command) => {
  // What became of a socket before the message came is told first.
  await nextTurn();
  if (command.do === 'start') await start(command);
  if (command.do === 'set')
    setKeepAlive(held.get(command.name) as net.Socket, command.policy as KeepAlivePolicy | false);
  if (command.do === 'connect') await connect(command.name, held.get(command.to) as net.Server, command.host);
  if (command.do === 'replace') await replace(command.name, command.by);
  if (command.do === 'crash') crashPeer(held.get(command.name) as net.Socket);
  process.send?.([...[...held].map(([name, endpoint]) => describe(name, endpoint)), ...ended.values()]);
});
process.on('disconnect', () => process.exit());
