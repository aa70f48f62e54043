/**
 * Holds connections on which nothing is said, and measures itself while it looks after them.
 *
 * Arguments: how many, to which port, and `ws` where they are WebSockets. Sends the number of connections when they
 * are made, then answers one request after the other. Ends with its parent.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type PeerEvent, setKeepAlive, watchPeers } from 'tcp-keepalive';
import WebSocket from 'ws';
import { compareReadings } from './connection-reading.js';
import { startHeartbeat } from './heartbeat.js';

/** What is asked of the process. */
export type Request =
  | { readonly what: 'keepalive'; readonly policy: string; readonly overMs: number }
  | { readonly what: 'watch' }
  | { readonly what: 'heartbeat'; readonly periodMs: number }
  | { readonly what: 'stop' | 'heap' | 'events' }
  | { readonly what: 'load' | 'delay'; readonly forMs: number }
  | { readonly what: 'reading'; readonly oneIn: number };

/** What the process and its network did in a span of time. */
export interface Load {
  readonly forMs: number;
  /** Processor time of the process, user and system. */
  readonly cpuMs: number;
  readonly packets: number;
  readonly bytes: number;
  /** Packets that the kernel had no room for when they arrived. */
  readonly lost: number;
}

/** What a watch told, and how many packets had been lost meanwhile, each of which may make a peer suspect. */
export interface Told {
  readonly events: Readonly<Record<string, number>>;
  readonly lost: number;
}

/** How late the event loop was, beyond the time between two looks. */
export interface Delay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Many portions, because the kernel drops what it is sent on the loopback device beyond 1,000 packets at once
 * (net.core.netdev_max_backlog), and probes of connections that were set at once go out at once.
 */
const portions = 100;

const [countText, portText, kind] = process.argv.slice(2);
const count = Number(countText);
const port = Number(portText);
const atOnce = 200;
const delayResolutionMs = 5;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

// A client knows by the greeting that it was accepted: the kernel calls it connected before that.
async function connectPlain(): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  await once(socket, 'data');
  return socket;
}

async function connectWebSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false }).on('error', () => {});
  await once(socket, 'open');
  return socket;
}

async function connectAll<Connection>(connect: () => Promise<Connection>): Promise<Connection[]> {
  const connections: Connection[] = [];
  while (connections.length < count) {
    const more = Math.min(atOnce, count - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: more }, connect))));
  }
  return connections;
}

const sockets = kind === 'ws' ? [] : await connectAll(connectPlain);
const webSockets = kind === 'ws' ? await connectAll(connectWebSocket) : [];

/** What the loopback device has sent. */
function wireCounters(): Pick<Load, 'packets' | 'bytes' | 'lost'> {
  const line = /^\s*lo:(.*)$/m.exec(readFileSync('/proc/net/dev', 'utf8'))?.[1] ?? '';
  const fields = line.trim().split(/\s+/).map(Number);
  return { bytes: fields[8] ?? Number.NaN, packets: fields[9] ?? Number.NaN, lost: fields[3] ?? Number.NaN };
}

/** Sets connections a portion at a time, as those of a program that has run for a while are. */
async function setSpread(policy: string, overMs: number): Promise<number> {
  const size = Math.ceil(sockets.length / portions);
  const startedAt = performance.now();
  for (let portion = 0; portion < portions; portion += 1) {
    for (const socket of sockets.slice(portion * size, (portion + 1) * size)) setKeepAlive(socket, policy);
    await pause(startedAt + ((portion + 1) * overMs) / portions - performance.now());
  }
  return sockets.length;
}

async function measureLoad(ms: number): Promise<Load> {
  const before = { wire: wireCounters(), cpu: process.cpuUsage(), at: performance.now() };
  await pause(ms);
  const { user, system } = process.cpuUsage(before.cpu);
  const forMs = performance.now() - before.at;
  const wire = wireCounters();
  return {
    forMs,
    cpuMs: (user + system) / 1000,
    packets: wire.packets - before.wire.packets,
    bytes: wire.bytes - before.wire.bytes,
    lost: wire.lost - before.wire.lost,
  };
}

async function measureDelay(ms: number): Promise<Delay> {
  const histogram = monitorEventLoopDelay({ resolution: delayResolutionMs });
  histogram.enable();
  await pause(ms);
  histogram.disable();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - delayResolutionMs);
  return { p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) };
}

/** Bytes that are alive, outside of V8's heap as well. */
async function liveBytes(): Promise<number> {
  for (let pass = 0; pass < 3; pass += 1) {
    collectGarbage();
    await pause(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const events: Record<string, number> = {};
let lostBefore = 0;
let stop = () => {};

function startWatch(): number {
  const watch = watchPeers({ sockets });
  lostBefore = wireCounters().lost;
  const note = ({ type }: PeerEvent) => {
    events[type] = (events[type] ?? 0) + 1;
  };
  for (const type of ['suspect', 'recovered', 'stalled', 'closed', 'dead'] as const) watch.on(type as 'suspect', note);
  stop = () => watch.close();
  return watch.size;
}

async function answer(request: Request): Promise<unknown> {
  switch (request.what) {
    case 'keepalive':
      return setSpread(request.policy, request.overMs);
    case 'watch':
      return startWatch();
    case 'heartbeat':
      stop = startHeartbeat(webSockets, request.periodMs);
      return webSockets.length;
    case 'stop':
      stop();
      return 0;
    case 'heap':
      return liveBytes();
    case 'events':
      return { events, lost: wireCounters().lost - lostBefore } satisfies Told;
    case 'load':
      return measureLoad(request.forMs);
    case 'delay':
      return measureDelay(request.forMs);
    case 'reading':
      return compareReadings(sockets, port, request.oneIn);
  }
}

process.on('message', async (request: Request) => process.send?.(await answer(request)));
process.on('disconnect', () => process.exit());
process.send?.(sockets.length + webSockets.length);
