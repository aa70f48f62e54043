import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setKeepAlive } from '../../src/index.js';
import type { PeerRequest } from './idle-peers.js';

const connectingAtOnce = 200;

/**
 * So that no more than some hundred probes go out at once: the kernel drops what it is sent on the loopback device
 * beyond 1,000 packets (net.core.netdev_max_backlog).
 */
const portions = 100;

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  // A client knows by the greeting that it was accepted: the kernel calls it connected before that.
  await once(socket, 'data');
  return socket;
}

/** Idle connections of this process whose far ends are in another, as one process cannot have all the descriptors. */
export class IdleConnections {
  readonly clients: net.Socket[] = [];
  readonly #peers: ChildProcess;

  private constructor(peers: ChildProcess) {
    this.#peers = peers;
  }

  static async open(count: number): Promise<IdleConnections> {
    const program = fileURLToPath(new URL('idle-peers.ts', import.meta.url));
    const peers = fork(program, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const connections = new IdleConnections(peers);
    const [port] = (await once(peers, 'message')) as [number];
    while (connections.clients.length < count) {
      const length = Math.min(connectingAtOnce, count - connections.clients.length);
      connections.clients.push(...(await Promise.all(Array.from({ length }, () => connect(port)))));
    }
    return connections;
  }

  async ask(request: PeerRequest): Promise<number> {
    const answered = once(this.#peers, 'message');
    this.#peers.send(request);
    return (await answered)[0] as number;
  }

  /** Sets the policy on one connection after the other, spread evenly over a time. */
  async setSpread(policyOf: (index: number) => string, overMs: number): Promise<void> {
    const { clients } = this;
    const startedAt = performance.now();
    for (let portion = 0; portion < portions; portion += 1) {
      // Each portion has its share of every part of the list.
      for (let at = portion; at < clients.length; at += portions) setKeepAlive(clients[at] as net.Socket, policyOf(at));
      await sleep(startedAt + ((portion + 1) * overMs) / portions - performance.now());
    }
  }

  close(): void {
    for (const client of this.clients) client.destroy();
    this.#peers.disconnect();
  }
}

/** Packets that the loopback device of this network namespace has sent, and that the kernel then had no room for. */
export function loopbackPackets(): { readonly sent: number; readonly dropped: number } {
  const line = /^\s*lo:(.*)$/m.exec(readFileSync('/proc/net/dev', 'utf8'))?.[1] ?? '';
  const fields = line.trim().split(/\s+/).map(Number);
  return { sent: fields[9] ?? Number.NaN, dropped: fields[3] ?? Number.NaN };
}
