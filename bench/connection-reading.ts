import type net from 'node:net';
import { dumpConnections } from '../src/host/dump/dump.js';
import { descriptorOf } from '../src/node/handle.js';
import { takeSnapshot } from '../src/socket/probe/take-snapshot.js';
import { type Spread, spreadOf, takeTurns } from './paired-rounds.js';

/** How the kernel is asked: socket by socket with TCP_INFO, or with one dump that a filter keeps to these connections. */
export interface Reading {
  readonly looksAt: number;
  /** Microseconds for each connection that was to be looked at. */
  readonly perSocket: Spread;
  readonly dump: Spread;
}

const rounds = 30;
const warmUps = 5;

function lookOneByOne(due: readonly net.Socket[]): number {
  let seen = 0;
  for (const socket of due) {
    const fd = descriptorOf(socket);
    if (fd !== undefined && takeSnapshot(fd) !== undefined) seen += 1;
  }
  return seen;
}

/** Which connections are due cannot be said in a filter that many would fit in: it lists all, and those are picked. */
function lookByDump(due: ReadonlySet<number>, port: number): number {
  const filter = { kind: 'remote-port', from: port, to: port } as const;
  let seen = 0;
  for (const connection of dumpConnections({ states: ['ESTABLISHED'], info: true, filter }).connections) {
    if (due.has(connection.local.port) && connection.info !== undefined) seen += 1;
  }
  return seen;
}

/** Times both ways to look at one in `oneIn` of the connections. */
export async function compareReadings(sockets: readonly net.Socket[], port: number, oneIn: number): Promise<Reading> {
  const due = sockets.filter((_, index) => index % oneIn === 0);
  const ports = new Set(due.map(({ localPort }) => localPort as number));
  const timed = (name: string, look: () => number) => ({
    name,
    round() {
      const start = performance.now();
      const seen = look();
      const took = performance.now() - start;
      if (seen !== due.length) throw new Error(`${name} saw ${seen} of ${due.length} connections`);
      return (took * 1000) / due.length;
    },
  });
  const contestants = [timed('perSocket', () => lookOneByOne(due)), timed('dump', () => lookByDump(ports, port))];
  const measured = await takeTurns(contestants, rounds, warmUps);
  return { looksAt: due.length, perSocket: spreadOf(measured, 'perSocket'), dump: spreadOf(measured, 'dump') };
}
