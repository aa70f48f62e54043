/** Measures, in a network namespace of its own, a watch of idle connections against heartbeats. Prints JSON. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from './child.js';
import type { Reading } from './connection-reading.js';
import type { Delay, Load, Request, Told } from './idle-clients.js';
import { withIdleConnections } from './idle-connections.js';
import type { Spread } from './paired-rounds.js';
import { measureBusy } from './watch-busy.js';

export type Kind = 'watch' | 'ws';

/** What looking after idle connections costs the process that does so. */
export interface Care {
  readonly kind: Kind;
  readonly periodMs: number;
  /** The same process while it does not look after them; its kernel probes, if it is to be a watch. */
  readonly without: Load;
  readonly with: Load;
  readonly heapBytesPerConnection: number;
  readonly delay: Delay;
}

export interface ReadingOf extends Reading {
  readonly connections: number;
}

export interface WatchMeasured {
  readonly connections: number;
  readonly care: readonly Care[];
  readonly readings: readonly ReadingOf[];
  /** A round trip on a connection that is watched, as a multiple of one that is not. */
  readonly busy: Spread;
}

/** A policy and how long to measure under it. */
interface Rhythm {
  readonly policy: string;
  readonly periodMs: number;
  readonly forMs: number;
}

const connections = 10_000;
const rhythms: readonly Rhythm[] = [
  { policy: '30:5:3', periodMs: 30_000, forMs: 60_000 },
  { policy: '2:1:3', periodMs: 2000, forMs: 30_000 },
];
const sizes = [100, 1000, connections];

function start(kind: Kind, periodMs: number): Request {
  return kind === 'watch' ? { what: 'watch' } : { what: 'heartbeat', periodMs };
}

async function measureCare(clients: Child, kind: Kind, { policy, periodMs, forMs }: Rhythm): Promise<Care> {
  const ask = <Answer>(request: Request) => clients.ask<Answer>(request);
  // A connection that has been quiet for the idle time is probed when it is set, so that the probes are spread as that is.
  await pause(periodMs);
  await ask({ what: 'keepalive', policy, overMs: periodMs });
  const heapBefore = await ask<number>({ what: 'heap' });
  // Until the first probes are answered.
  await pause(periodMs);
  const without = await ask<Load>({ what: 'load', forMs });
  const cared = await ask<number>(start(kind, periodMs));
  if (cared !== connections) throw new Error(`${kind} looks after ${cared} of ${connections}`);
  await pause(1.2 * periodMs);
  const heapAfter = await ask<number>({ what: 'heap' });
  const during = await ask<Load>({ what: 'load', forMs });
  const delay = await ask<Delay>({ what: 'delay', forMs: Math.max(10_000, 1.1 * periodMs) });
  await ask({ what: 'stop' });
  const { events, lost } = await ask<Told>({ what: 'events' });
  const { suspect = 0, dead = 0 } = events;
  if (dead > 0 || suspect > lost) throw new Error(`${suspect} peers suspected, ${dead} dead, ${lost} packets lost`);
  return {
    kind,
    periodMs,
    without,
    with: during,
    heapBytesPerConnection: (heapAfter - heapBefore) / connections,
    delay,
  };
}

async function measureReadings(count: number): Promise<ReadingOf[]> {
  return withIdleConnections('tcp', count, async (clients) => {
    const readings: ReadingOf[] = [];
    for (const oneIn of [1, 10]) {
      readings.push({
        connections: count,
        ...(await clients.ask<Reading>({ what: 'reading', oneIn } satisfies Request)),
      });
    }
    return readings;
  });
}

async function measure(): Promise<WatchMeasured> {
  const busy = await measureBusy();
  const readings: ReadingOf[] = [];
  for (const count of sizes) readings.push(...(await measureReadings(count)));
  const care: Care[] = [];
  for (const rhythm of rhythms) {
    for (const kind of ['watch', 'ws'] as const) {
      care.push(
        await withIdleConnections(kind === 'ws' ? 'ws' : 'tcp', connections, (clients) =>
          measureCare(clients, kind, rhythm),
        ),
      );
    }
  }
  return { connections, care, readings, busy };
}

console.log(JSON.stringify(await measure()));
