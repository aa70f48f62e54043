/**
 * Holds connections that are in use, and notices dead peers in one way.
 *
 * Arguments: how many, to which port, over which protocol, and how dead peers are noticed: `none`, `heartbeat`, or what
 * `deadWithin` is to be. Sends the number of connections when they are made, then answers one request after the other.
 * Ends with its parent.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import { watchPeers } from 'tcp-keepalive';
import WebSocket from 'ws';
import { settings } from './dead-within-settings.js';
import { startHeartbeat } from './heartbeat.js';
import { monotonicMs } from './monotonic.js';

export type Protocol = 'tcp' | 'ws' | 'mqtt';

/** What is asked of the process. */
export type Request = { readonly what: 'ports' | 'deaths' } | { readonly what: 'processor'; readonly forMs: number };

/** A connection that was given up. */
export interface DeathNote {
  readonly clientPort: number;
  readonly atMs: number;
  /** When it was given a message last; 0 where it never was. */
  readonly saidAtMs: number;
  /** The client's own verdict, or that the server has closed. */
  readonly by: 'client' | 'server';
}

/** Processor time of the process, user and system. */
export interface Processor {
  readonly forMs: number;
  readonly cpuMs: number;
}

interface Client {
  readonly port: number;
  say(): void;
}

const { heartbeatMs, messageBytes, messageEveryMs, policy } = settings;
const [countText, portText, protocol, care = 'none'] = process.argv.slice(2);
const count = Number(countText);
const port = Number(portText);
const atOnce = 50;
const message = Buffer.alloc(messageBytes, '.');
const deaths: DeathNote[] = [];
const saidAt = new Map<number, number>();

function noteDeath(clientPort: number, by: DeathNote['by']): void {
  deaths.push({ clientPort, atMs: monotonicMs(), saidAtMs: saidAt.get(clientPort) ?? 0, by });
}

const sockets: net.Socket[] = [];
const webSockets: WebSocket[] = [];

async function connectPlain(): Promise<Client> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  await once(socket, 'data');
  socket.resume();
  sockets.push(socket);
  return { port: socket.localPort ?? 0, say: () => socket.write(message) };
}

async function connectWebSocket(): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false }).on('error', () => {});
  let clientPort = 0;
  socket.once('upgrade', (response: IncomingMessage) => {
    clientPort = response.socket.localPort ?? 0;
  });
  await once(socket, 'open');
  socket.once('close', () => noteDeath(clientPort, 'client'));
  webSockets.push(socket);
  return { port: clientPort, say: () => socket.send(message, () => {}) };
}

async function connectMqtt(): Promise<Client> {
  const keepalive = care === 'heartbeat' ? heartbeatMs / 1000 : 0;
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { keepalive, reconnectPeriod: 0 });
  const clientPort = (client.stream as net.Socket).localPort ?? 0;
  let by: DeathNote['by'] = 'server';
  client.on('error', () => {
    by = 'client';
  });
  client.once('close', () => noteDeath(clientPort, by));
  const say = () => {
    if (client.connected) client.publish('bench', message);
  };
  return { port: clientPort, say };
}

const connectors: Readonly<Record<Protocol, () => Promise<Client>>> = {
  tcp: connectPlain,
  ws: connectWebSocket,
  mqtt: connectMqtt,
};

async function connectAll(): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const more = Math.min(atOnce, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: more }, connectors[protocol as Protocol]))));
  }
  return clients;
}

function startCare(): void {
  if (care === 'none') return;
  if (protocol === 'ws') startHeartbeat(webSockets, heartbeatMs);
  if (protocol !== 'tcp') return;
  const watch = watchPeers({ sockets, policy, deadWithin: care as '2s', destroy: true });
  const ports = new Map(sockets.map((socket) => [socket, socket.localPort ?? 0]));
  watch.on('dead', ({ socket, decidedBy }) =>
    noteDeath(ports.get(socket) ?? 0, decidedBy === 'watch' ? 'client' : 'server'),
  );
}

function say(client: Client | undefined): void {
  if (client === undefined || deaths.some(({ clientPort }) => clientPort === client.port)) return;
  saidAt.set(client.port, monotonicMs());
  client.say();
}

/** Has the connections speak one after the other, evenly spread, each once in `messageEveryMs`. */
function startMessages(): void {
  const startedAt = performance.now();
  let said = 0;
  setInterval(() => {
    const due = ((performance.now() - startedAt) / messageEveryMs) * count;
    for (; said < due; said += 1) say(clients[said % count]);
  }, messageEveryMs / count);
}

async function measureProcessor(ms: number): Promise<Processor> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await pause(ms);
  const { user, system } = process.cpuUsage(before);
  return { forMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
}

async function answer(request: Request): Promise<unknown> {
  switch (request.what) {
    case 'ports':
      return clients.map(({ port: clientPort }) => clientPort);
    case 'deaths':
      return deaths;
    case 'processor':
      return measureProcessor(request.forMs);
  }
}

const clients = await connectAll();
startCare();
startMessages();
process.on('message', async (request: Request) => process.send?.(await answer(request)));
process.on('disconnect', () => process.exit());
process.send?.(clients.length);
