import type net from 'node:net';
import * as netKeepAlive from 'net-keepalive';
import { getsockopt, setsockopt } from 'sockopt';
import { setKeepAlive } from 'tcp-keepalive';

/** One way of setting the options on a socket. */
export interface Setting {
  readonly name: string;
  /** What it leaves out of setting all five options and reading them back. */
  readonly leavesOut: string | undefined;
  /** Iterations that take about as long as those of the others. */
  readonly iterations: number;
  set(socket: net.Socket, turn: number): void;
}

/** Two policies in turn, so that no call finds its value in force and skips the kernel. */
const policies = [
  { idle: 30_000, interval: 5_000, count: 3, userTimeout: 45_000 },
  { idle: 31_000, interval: 6_000, count: 4, userTimeout: 55_000 },
] as const;

type Policy = (typeof policies)[number];

const policyOf = (turn: number) => policies[(turn & 1) as 0 | 1];

function setThroughNetKeepAlive(socket: net.Socket, turn: number): void {
  const { idle, interval, count, userTimeout } = policyOf(turn);
  socket.setKeepAlive(true, idle);
  netKeepAlive.setKeepAliveInterval(socket, interval);
  netKeepAlive.setKeepAliveProbes(socket, count);
  netKeepAlive.setUserTimeout(socket, userTimeout);
  const isInForce =
    netKeepAlive.getKeepAliveInterval(socket) === interval &&
    netKeepAlive.getKeepAliveProbes(socket) === count &&
    netKeepAlive.getUserTimeout(socket) === userTimeout;
  if (!isInForce) throw new Error('net-keepalive read back other values than it set');
}

const SOL_SOCKET = 1;
const SOL_TCP = 6;

/** include/uapi/asm-generic/socket.h, include/uapi/linux/tcp.h */
const rawOptions = [
  [SOL_TCP, 5, (policy: Policy) => policy.interval / 1000],
  [SOL_TCP, 6, (policy: Policy) => policy.count],
  [SOL_TCP, 18, (policy: Policy) => policy.userTimeout],
  [SOL_SOCKET, 9, () => 1],
  [SOL_TCP, 4, (policy: Policy) => policy.idle / 1000],
] as const;

function setThroughSockopt(socket: net.Socket, turn: number): void {
  const policy = policyOf(turn);
  for (const [level, option, read] of rawOptions) setsockopt(socket, level, option, read(policy));
  for (const [level, option, read] of rawOptions) {
    if (getsockopt(socket, level, option) !== read(policy)) throw new Error('sockopt read back another value');
  }
}

export const settings: readonly Setting[] = [
  {
    name: 'tcp-keepalive',
    leavesOut: undefined,
    iterations: 4000,
    set: (socket, turn) => setKeepAlive(socket, policyOf(turn)),
  },
  {
    name: 'net-keepalive',
    leavesOut: 'read-back of idle and on/off, undoing a failure half-way',
    iterations: 400,
    set: setThroughNetKeepAlive,
  },
  {
    name: 'sockopt',
    leavesOut: 'names, units and limits, undoing a failure half-way',
    iterations: 4000,
    set: setThroughSockopt,
  },
  {
    name: 'Node setKeepAlive',
    leavesOut: 'interval and count (fixed: 1 s x 10), user timeout, read-back, errors',
    iterations: 20_000,
    set: (socket, turn) => socket.setKeepAlive(true, policyOf(turn).idle),
  },
];
