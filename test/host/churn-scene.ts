/** In a network namespace of its own: lists very many connections while others come and go. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type OwnListing, ownListing } from './own-listing.js';

/** A process with a listener, and connections from one address to another, both ends of them. */
export interface Holder {
  readonly pid: number;
  readonly port: number;
  readonly from: string;
  readonly to: string;
  readonly idle: number;
  /** How many it keeps. */
  readonly connections: number;
  /** Whether it also opens and closes others all the time. */
  readonly churns: boolean;
}

export interface ChurnResult {
  readonly holders: readonly Holder[];
  readonly listings: readonly OwnListing[];
}

const wanted: Omit<Holder, 'pid' | 'port'>[] = [
  { from: '127.0.1.1', to: '127.0.0.1', idle: 101_000, connections: 5000, churns: false },
  { from: '127.0.1.2', to: '127.0.0.2', idle: 102_000, connections: 5000, churns: false },
  { from: '127.0.1.3', to: '127.0.0.3', idle: 103_000, connections: 0, churns: true },
];

async function start(holder: (typeof wanted)[number]): Promise<Holder> {
  const { from, to, idle, connections, churns } = holder;
  const args = [from, to, `${idle / 1000}`, `${connections}`, churns ? 'churns' : ''];
  const child = fork(fileURLToPath(new URL('churn-holder.ts', import.meta.url)), args, {
    execArgv: ['--import', 'tsx'],
  });
  const [port] = (await once(child, 'message')) as [number];
  return { ...holder, pid: child.pid as number, port };
}

const holders = await Promise.all(wanted.map(start));
const listings = [await ownListing(), await ownListing(), await ownListing()];
const result: ChurnResult = { holders, listings };
// The holders end as this process does.
process.stdout.write(JSON.stringify(result), () => process.exit());
